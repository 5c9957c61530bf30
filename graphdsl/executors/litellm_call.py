"""One call into litellm, in a task of its own, so that it can be left without a trace.

litellm prepares each request on a thread, which hands a coroutine back. A task that is cancelled
meanwhile would lose that coroutine (Python warns of it), and one that is not would still send the
request. So the call is marked as abandoned, which ends it when it looks for a connection, and is
cancelled once it is back from the thread.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, Final

from graphdsl.executors.litellm_library import CALL, Abandonable

_ENTRIES: Final = frozenset({"acompletion", "atext_completion", "aembedding"})
"""The functions of litellm that wait for a thread."""

_PAUSE: Final = 0.002
"""Seconds until an abandoned call is looked at again; preparing a request takes as long."""


class Calls:
    """The calls of one owner; `join` waits for those that were abandoned."""

    __slots__ = ("_abandoned", "owner")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._abandoned: set[asyncio.Task[Any]] = set()

    async def run(self, start: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What the coroutine gives, or raises. Cancelling this cancels it, connection and all."""
        call = Abandonable(self.owner)
        context = copy_context()
        context.run(CALL.set, call)
        task = asyncio.get_running_loop().create_task(start(), context=context)
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            call.abandoned = True
            self._abandon(task)
            raise
        if task.cancelled():  # by litellm itself: nobody else has this task
            raise ConnectionAbortedError("litellm gave the call up")
        return task.result()

    async def join(self) -> None:
        """Return when no abandoned call is left."""
        while self._abandoned:
            await asyncio.wait(tuple(self._abandoned))

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.add(task)
        task.add_done_callback(self._ended)
        _cancel(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # seen: nobody comes back for it


def _cancel(task: asyncio.Task[Any]) -> None:
    if task.done():
        return
    if _on_thread(task):
        asyncio.get_running_loop().call_later(_PAUSE, _cancel, task)
    else:
        task.cancel()


def _on_thread(task: asyncio.Task[Any]) -> bool:
    """Whether what the task waits for is a thread that prepares its request."""
    inner: Any = task.get_coro()
    if inspect.getcoroutinestate(inner) == inspect.CORO_CREATED:
        return False
    while inspect.iscoroutine(inner.cr_await):
        inner = inner.cr_await
    return inner.cr_code.co_name in _ENTRIES
