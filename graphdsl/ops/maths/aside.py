"""Work that takes too long for the event loop, on one thread beside it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from typing import Final, TypeVar

Made = TypeVar("Made")

_GIVEN_UP: Final[ContextVar[threading.Event | None]] = ContextVar("given_up", default=None)
_NOTES: Final[ContextVar[list[str] | None]] = ContextVar("notes", default=None)


class GivenUp(Exception):
    """Nobody waits for this work any more."""


async def aside(work: Callable[[], Made], note: Callable[[str], None] | None = None) -> Made:
    """What `work` gives, computed on the one thread that does such work.

    `note` is called, back on the event loop, with what the work told `remark`. Where the caller
    is cancelled, work that has not begun never does, and work that calls `still_wanted` now and
    then ends soon.
    """
    over = threading.Event()
    notes: list[str] = []

    def task() -> Made:
        before, heard = _GIVEN_UP.set(over), _NOTES.set(notes)
        try:
            return work()
        finally:
            _GIVEN_UP.reset(before)
            _NOTES.reset(heard)

    future = asyncio.get_running_loop().run_in_executor(_thread(os.getpid()), task)
    try:
        made = await future
    except asyncio.CancelledError:
        over.set()
        raise
    if note is not None:
        for text in notes:
            note(text)
    return made


def remark(text: str) -> None:
    """Tell whoever waits for this work; nobody hears it elsewhere."""
    notes = _NOTES.get()
    if notes is not None:
        notes.append(text)


def still_wanted() -> None:
    """Raises `GivenUp` on the thread of `aside` once its caller was cancelled."""
    over = _GIVEN_UP.get()
    if over is not None and over.is_set():
        raise GivenUp


@cache
def _thread(process: int) -> ThreadPoolExecutor:
    """One for each process: a forked one has no threads of its parent's."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="graphdsl-maths")
