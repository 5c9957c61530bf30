"""Waiting for runs that were cancelled: a future is over at once, its run a moment later.

Only when it has really ended is its trace complete.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graphdsl.executors.trace import Trace

PATIENCE: Final = 2.0
"""Seconds for which an interrupted command waits for its runs to end."""


class Endings:
    """Counts the runs that were started and have not shown their traces yet. Safe from any thread.

    ::

        endings = Endings(keep)
        future = flow.start(inputs, RunOptions(observe=endings))
        endings.started()
    """

    def __init__(self, observe: Callable[[Trace], None]) -> None:
        self._observe = observe
        self._open = 0
        self._changed = threading.Condition()

    def started(self) -> None:
        """One more run was started."""
        with self._changed:
            self._open += 1

    def __call__(self, trace: Trace) -> None:
        """Show the trace of a run that has ended."""
        try:
            self._observe(trace)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def wait(self, seconds: float = PATIENCE) -> bool:
        """Wait until all have ended; False where that takes longer: one may have none."""
        with self._changed:
            return self._changed.wait_for(lambda: self._open <= 0, seconds)
