"""What a run uses and others may share: a bank to record to, a cache, a journal.

Each is given as it is, or as a path; what a path names is opened for the run and closed with it,
except caches, which stay open for the process.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from graphdsl.api.caches import Caching, opened_cache
from graphdsl.errors import InputError

if TYPE_CHECKING:
    import asyncio

    from graphdsl.executors.journal.run_journal import RunJournal
    from graphdsl.executors.journal.store import Journal, MemoryJournal
    from graphdsl.executors.recording import Recorder
    from graphdsl.executors.run_options import RunOptions

Recording: TypeAlias = "str | os.PathLike[str] | Recorder"
"""Where completions are recorded: a path, or a recorder that others share."""

Journalling: TypeAlias = "str | os.PathLike[str] | Journal | MemoryJournal | RunJournal"
"""What makes a run resumable: a path, a journal of this run alone, or this run's part of one."""


@dataclass(frozen=True, slots=True)
class Loan:
    """What a run is to use beside its options."""

    record: Recording | None = None
    cache: Caching | None = None
    journal: Journalling | None = None

    @property
    def nothing(self) -> bool:
        """True when nothing has to be opened, so that nobody need wait for a disk."""
        return self.record is None and self.cache is None and self.journal is None

    @contextmanager
    def opened(self, options: RunOptions) -> Generator[RunOptions]:
        """The options with what is lent, which is given back at the end.

        Raises `InputError` for what cannot be used so.
        """
        with ExitStack() as stack:
            recorder = stack.enter_context(_recording(self.record, options.content))
            journal = stack.enter_context(_journalling(self.journal))
            cache = opened_cache(self.cache)
            yield replace(options, recorder=recorder, cache=cache, journal=journal)


@asynccontextmanager
async def beside(loan: Loan, options: RunOptions) -> AsyncGenerator[RunOptions]:
    """`Loan.opened` for a task, whose loop waits neither for the disk nor for who holds a file."""
    if loan.nothing:
        yield options
        return
    import asyncio

    manager = loan.opened(options)
    opening = asyncio.ensure_future(asyncio.to_thread(manager.__enter__))
    try:
        opened = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(partial(_forgone, manager))
        raise
    async with AsyncExitStack() as stack:
        stack.push_async_exit(partial(asyncio.to_thread, manager.__exit__))
        yield opened


def _recording(bank: Recording | None, content: bool) -> AbstractContextManager[Recorder | None]:
    if bank is None:
        return nullcontext(None)
    from graphdsl.executors.recording import Recorder

    if isinstance(bank, Recorder):
        return nullcontext(bank)
    if not isinstance(bank, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError("`record` must be a path, or a `graphdsl.Recorder`")
    return Recorder.open(bank, content=content)


@contextmanager
def _journalling(journal: Journalling | None) -> Generator[RunJournal | None]:
    if journal is None:
        yield None
        return
    from graphdsl.executors.journal.run_journal import RunJournal
    from graphdsl.executors.journal.store import Journal, MemoryJournal

    if isinstance(journal, str | os.PathLike):
        with Journal.open(journal) as own:
            yield own.run("0")
    elif isinstance(journal, Journal | MemoryJournal):
        yield journal.run("0")
    elif isinstance(journal, RunJournal):  # pyright: ignore[reportUnnecessaryIsInstance]
        yield journal
    else:
        raise InputError("`journal` must be a path, or a `graphdsl.Journal`")


def _forgone(
    manager: AbstractContextManager[RunOptions], opening: asyncio.Future[RunOptions]
) -> None:
    """Close what was opened for a task that is gone; nothing waits to be written."""
    if not opening.cancelled() and opening.exception() is None:
        manager.__exit__(None, None, None)
