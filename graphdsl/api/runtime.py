"""The one event loop of this process that owns the models.

A backend belongs to one loop, and opening a model is slow, so every run of a process happens on
one background loop: callers on any thread or loop share its models. It starts with the first
run, is closed when the interpreter exits, and a forked child starts its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from graphdsl.executors.backend_pool import Backends

T = TypeVar("T")

_CLOSING: Final = 10.0
"""Seconds that models get to close when the interpreter exits."""


class Runtime:
    """A background thread with an event loop and the models that are open on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="graphdsl", daemon=True)
        self._backends: Backends | None = None
        self._thread.start()

    def submit(self, work: Callable[[Backends], Coroutine[Any, Any, T]]) -> Future[T]:
        """Start work on the loop. Cancelling the future cancels the work."""

        async def started() -> T:
            return await work(self._open())

        return asyncio.run_coroutine_threadsafe(started(), self._loop)

    @property
    def here(self) -> bool:
        """True on the background thread itself, where waiting would never end."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Cancel what runs, close the models, end the thread. May be called twice."""
        if self._loop.is_closed():
            return
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_CLOSING)
        except TimeoutError:
            return  # a model that does not close must not keep the interpreter from leaving
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING)
        if not self._thread.is_alive():
            self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _open(self) -> Backends:
        if self._backends is None:
            from graphdsl.executors.backend_pool import Backends

            self._backends = Backends()
        return self._backends

    async def _stop(self) -> None:
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._backends is not None:
            await self._backends.aclose()
        await self._loop.shutdown_asyncgens()


_lock = threading.Lock()
_runtime: Runtime | None = None


def runtime() -> Runtime:
    """The runtime of this process, started when first asked for."""
    global _runtime
    with _lock:
        if _runtime is None:
            _close_at_exit()
            _runtime = Runtime()
        return _runtime


def shutdown() -> None:
    """Close all models now. A later run opens them again."""
    global _runtime
    with _lock:
        closing, _runtime = _runtime, None
    if closing is not None:
        closing.close()


def _forget() -> None:
    """A forked child has none of its parent's threads, so it must not use their loop."""
    global _runtime, _lock
    _lock = threading.Lock()
    _runtime = None


@cache
def _close_at_exit() -> None:
    """Close the models when the interpreter exits, while they can still use thread pools.

    `atexit` comes too late: by then the pools of `concurrent.futures` take no more work. They end
    through a hook of `threading` that the standard library keeps to itself; ours is registered
    after theirs, so it is called before. Where there is no such hook, `atexit` has to do.
    """
    import_module("concurrent.futures.thread")  # registers its own hook first
    register: Callable[[Callable[[], None]], object] = getattr(
        threading, "_register_atexit", atexit.register
    )
    register(shutdown)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
