"""A model that fails again and again is left alone for a while (circuit breaker, Nygard 2007).

Many calls that run at the same time and fail together are one failure: what counts is whether
those that began after it fail as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from graphdsl.errors import BackendError, CircuitOpen

WINDOW: Final = 20
"""Calls that are looked back at."""

LEAST: Final = 5
"""Outcomes without which nothing is concluded."""

RATIO: Final = 0.5
"""Share of failures from which on the model is left alone."""

FIRST: Final = 15.0
LONGEST: Final = 120.0
"""Seconds for which it is left alone: at first, and at most (doubled while probes fail)."""

PROBE: Final = 1.0
"""Seconds that others leave a probe alone before they look again."""


class Breaker:
    """The health of one open model, by the outcomes of its last calls.

    Closed, everything passes. Open, everything is refused until the pause is over; then one call
    passes as a probe, whose outcome closes the breaker or opens it for twice as long.
    """

    __slots__ = ("_cause", "_clock", "_failed", "_outcomes", "_pause", "_probing", "_until")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)
        self._until: float | None = None
        self._pause = FIRST
        self._probing = False
        self._cause = ""
        self._failed = float("-inf")

    def now(self) -> float:
        """When a call begins, for `failed`."""
        return self._clock()

    def check(self, model: str) -> bool:
        """Let a call pass, or raise `CircuitOpen`; True when the call is the probe."""
        if self._until is None:
            return False
        left = self._until - self._clock()
        if left <= 0 and not self._probing:
            self._probing = True
            return True
        wait = max(left, PROBE)
        raise CircuitOpen(
            f"`{model}` has failed too often ({self._cause}); it is asked again in {wait:.0f} s",
            model=model,
            retry_after=wait,
        )

    def succeeded(self, probe: bool) -> None:
        """A call came back, whatever it said."""
        self._outcomes.append(True)
        if probe:
            self._until, self._probing, self._pause = None, False, FIRST
            self._outcomes.clear()

    def failed(self, probe: bool, began: float, error: BackendError) -> None:
        """A call failed for a reason that lies with the model or the way to it."""
        if began < self._failed and not probe:
            return
        self._failed = self._clock()
        self._outcomes.append(False)
        self._cause = str(error)
        if probe:
            self._probing = False
            self._pause = min(2 * self._pause, LONGEST)
            self._until = self._clock() + self._pause
        elif self._until is None and self._sick():
            self._until = self._clock() + self._pause

    def abandoned(self, probe: bool) -> None:
        """A call ended without telling anything (it was cancelled): another may probe."""
        if probe:
            self._probing = False

    def _sick(self) -> bool:
        count = len(self._outcomes)
        return count >= LEAST and self._outcomes.count(False) >= RATIO * count
