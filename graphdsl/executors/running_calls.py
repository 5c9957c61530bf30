"""The calls that a backend is busy with, so that closing it can end them."""

from __future__ import annotations

import asyncio
from types import TracebackType

from graphdsl.errors import BackendError


class RunningCalls:
    """Enter `call()` for each call; `aclose` ends them all with `BackendError`."""

    __slots__ = ("_calls", "_closed", "_idle", "_model")

    def __init__(self, model: str) -> None:
        self._model = model
        self._calls: set[RunningCall] = set()
        self._closed = False
        self._idle: asyncio.Event | None = None

    def call(self) -> RunningCall:
        """A context for one call of the current task. Raises `BackendError` once closed."""
        if self._closed:
            raise self.closed()
        return RunningCall(self)

    def closed(self) -> BackendError:
        """The error of a call that came, or ran, when the backend was closed."""
        return BackendError(f"`{self._model}` is closed", model=self._model)

    async def aclose(self) -> None:
        """Refuse further calls and end those that run; returns when all have ended."""
        self._closed = True
        for call in tuple(self._calls):
            call.end()
        if self._calls:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()

    def add(self, call: RunningCall) -> None:
        """For `RunningCall`."""
        self._calls.add(call)

    def discard(self, call: RunningCall) -> None:
        """For `RunningCall`."""
        self._calls.discard(call)
        if self._idle is not None and not self._calls:
            self._idle.set()


class RunningCall:
    """One call; the same trick as in `asyncio.timeout` tells our cancellation from another's."""

    __slots__ = ("_calls", "_cancelling", "_ended", "_task")

    def __init__(self, calls: RunningCalls) -> None:
        task = asyncio.current_task()
        assert task is not None, "a call needs a task"
        self._calls = calls
        self._task = task
        self._cancelling = task.cancelling()
        self._ended = False

    def end(self) -> None:
        """Make the call raise `BackendError` where it waits."""
        self._ended = True
        self._task.cancel()

    def __enter__(self) -> None:
        self._calls.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.discard(self)
        if not self._ended:
            return
        alone = self._task.uncancel() <= self._cancelling
        if alone and kind is asyncio.CancelledError:
            raise self._calls.closed() from None
