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
import time
from collections.abc import Callable, Container, Coroutine
from concurrent.futures import Future, wait
from concurrent.futures import thread as pools
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from graphdsl.api.caches import close_caches, forget_caches
from graphdsl.errors import GraphDslError

if TYPE_CHECKING:
    from graphdsl.executors.backend_pool import Backends

T = TypeVar("T")

_CLOSING: Final = 10.0
"""Seconds that models get to close when the interpreter exits."""

_BREATH: Final = 0.05
"""Seconds between two runs of a thread, at most, for its models to stay open at the exit."""


class Runtime:
    """A background thread with an event loop and the models that are open on it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="graphdsl", daemon=True)
        self._backends: Backends | None = None
        self._stopping = False
        self._callers: WeakSet[threading.Thread] = WeakSet()
        self._awaited: set[Future[Any]] = set()
        self._thread.start()

    def submit(self, work: Callable[[Backends], Coroutine[Any, Any, T]]) -> Future[T]:
        """Start work on the loop. Cancelling the future cancels the work."""

        async def started() -> T:
            try:
                return await work(self._open())
            except asyncio.CancelledError:
                if self._stopping:  # nobody who waits asked for it, so it is not their cancel
                    raise GraphDslError("graphdsl was shut down while this ran") from None
                raise

        future = asyncio.run_coroutine_threadsafe(started(), self._loop)
        self._note_caller(future)
        return future

    @property
    def here(self) -> bool:
        """True on the background thread itself, where waiting would never end."""
        return threading.current_thread() is self._thread

    def close(self) -> bool:
        """Cancel what runs, close the models, end the thread. False when that takes too long."""
        try:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(_CLOSING)
        except TimeoutError:
            return False  # a model that does not close must not keep the interpreter from leaving
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING)
        if self._thread.is_alive():
            return False
        self._loop.close()
        return True

    def wait_for_callers(self) -> None:
        """Wait until the threads that the interpreter waits for need the models no more."""
        workers: Container[threading.Thread] = getattr(pools, "_threads_queues", ())
        for thread in list(self._callers):
            if thread not in workers:  # those of a pool end later, by a hook of their own
                thread.join()
        while self._awaited:
            wait(list(self._awaited))
            time.sleep(_BREATH)  # the next item of a pool's queue may begin

    def _note_caller(self, future: Future[Any]) -> None:
        caller = threading.current_thread()
        if not caller.daemon and caller is not threading.main_thread():
            self._callers.add(caller)
            self._awaited.add(future)
            future.add_done_callback(self._awaited.discard)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _open(self) -> Backends:
        if self._backends is None:
            from graphdsl.executors.backend_pool import Backends

            self._backends = Backends()
        return self._backends

    async def _stop(self) -> None:
        self._stopping = True
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
    """Close all models now. A later run opens them again.

    Runs in flight end: who waits for one gets a `GraphDslError`.
    """
    shutdown_in_time()


def shutdown_in_time() -> bool:
    """As `shutdown`; False when something did not close within the time that it gets."""
    global _runtime
    with _lock:
        closing, _runtime = _runtime, None
    closed = closing is None or closing.close()
    close_caches()
    return closed


def _at_exit() -> None:
    """The main thread has ended; others may still work with the models."""
    if _runtime is not None:
        _runtime.wait_for_callers()
    shutdown()


def _forget() -> None:
    """A forked child has none of its parent's threads, so it must not use their loop."""
    global _runtime, _lock
    _lock = threading.Lock()
    _runtime = None
    forget_caches()


@cache
def _close_at_exit() -> None:
    """Close the models when the interpreter exits, while they can still use thread pools.

    `atexit` comes too late: by then the pools of `concurrent.futures` take no more work. They end
    through a hook of `threading` that the standard library keeps to itself; ours is registered
    after theirs (by the import of that module), so it is called before. Where there is no such
    hook, `atexit` has to do.
    """
    register: Callable[[Callable[[], None]], object] = getattr(
        threading, "_register_atexit", atexit.register
    )
    try:
        register(_at_exit)
    except RuntimeError:  # the main thread has ended: a thread makes its first run
        atexit.register(_at_exit)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
