"""An event loop whose clock jumps to the next timer: hours of waiting pass at once.

For models that are simulated and runs that wait. Time stands still while anything is computed, and
what happens outside the loop (threads, sockets) takes no time either: if timers are pending, the
clock does not wait for it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; `time` starts at 0 and is in seconds, as always.

    >>> with asyncio.Runner(loop_factory=VirtualLoop) as runner:
    ...     runner.run(asyncio.sleep(3600)); runner.get_loop().time()
    3600.0
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds that the loop has waited so far."""
        return self._now

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass."""
        self._now += seconds


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: the loop's time passes instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer: only something from outside can go on
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.pass_by(timeout)
        return ready


def run_virtually(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run a coroutine on a loop of its own; its result, and the seconds that would have passed."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(work)
        return result, runner.get_loop().time()
