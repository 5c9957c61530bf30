"""The recorder of one run: somebody's own, or one that is opened for it and closed with it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncio

    from graphdsl.executors.recording import Recorder

Recording: TypeAlias = "str | os.PathLike[str] | Recorder"
"""Where completions are recorded: a path, or a recorder that others share."""

Opened: TypeAlias = "AbstractContextManager[Recorder | None]"


def recording(bank: Recording | None, content: bool) -> Opened:
    """A context that gives the recorder. Raises `InputError` where nothing can be recorded."""
    if bank is None:
        return nullcontext(None)
    from graphdsl.executors.recording import Recorder

    if isinstance(bank, Recorder):
        return nullcontext(bank)
    return Recorder.open(bank, content=content)


@asynccontextmanager
async def recording_beside(bank: Recording, content: bool) -> AsyncGenerator[Recorder | None]:
    """The same for a task, whose loop waits neither for the disk nor for who holds the bank."""
    import asyncio

    opening = asyncio.ensure_future(asyncio.to_thread(recording, bank, content))
    try:
        opened = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_forgone)
        raise
    async with AsyncExitStack() as stack:
        stack.push_async_exit(partial(asyncio.to_thread, opened.__exit__))
        yield opened.__enter__()


def _forgone(opening: asyncio.Future[Opened]) -> None:
    """Close what was opened for a task that is gone; nothing waits to be written."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().__exit__(None, None, None)
