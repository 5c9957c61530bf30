"""Models that share a device take turns: one is drained, over all runs, before the next begins.

Loading, waking or caching a model costs far more than a call of it, so calls of one model are done
together (stage-major order). Others wait at most for `CALLS` calls or `SECONDS` of it, and for
those in flight to end; then the model whose calls have waited longest has its turn.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from graphdsl.executors.admission import Admission

CALLS: Final = 512
SECONDS: Final = 60.0
"""What a model gets while others wait for its device."""


class Device:
    """One device and the models on it. `switches` counts how often another model had its turn."""

    __slots__ = ("_begin", "_calls", "_current", "_others", "_seconds", "_served", "switches")

    def __init__(self, calls: int = CALLS, seconds: float = SECONDS) -> None:
        self._calls = calls
        self._seconds = seconds
        self._current: Admission | None = None
        self._others: dict[Admission, None] = {}  # in the order in which they began to wait
        self._served = 0
        self._begin = 0.0
        self.switches = 0

    def admits(self, model: Admission) -> bool:
        """Whether a call of the model may begin now; the caller then lets one in."""
        current = self._current
        if current is not model:
            if current is not None and (current.in_flight or current.waiting):
                return False
            if current is not None and self._others and next(iter(self._others)) is not model:
                return False
            self._switch(model)
        elif self._due():
            return False
        self._served += 1
        return True

    def wanted(self, model: Admission) -> None:
        """A call of the model waits; it may be for its places rather than for its turn."""
        if model is not self._current:
            self._others.setdefault(model)

    def drained(self, model: Admission) -> None:
        """No call of the model is in flight any more; whoever waits may have the device."""
        if model is not self._current or not self._others:
            return
        if model.waiting and not self._due():
            return
        asyncio.get_running_loop().call_soon(self._pass_on, model)

    def _pass_on(self, model: Admission) -> None:
        """Another model's turn, unless a run has come back with a further call of this one."""
        if model is not self._current or model.in_flight or (model.waiting and not self._due()):
            return
        while self._others:
            following = next(iter(self._others))
            if following.waiting:
                self._switch(following)
                if model.waiting:
                    self._others[model] = None
                following.grant()
                if following.in_flight:
                    return
            self._others.pop(following, None)
        if model.waiting:
            self._switch(model)
            model.grant()

    def _due(self) -> bool:
        """Whether the model has had enough, and others wait."""
        if not self._others:
            return False
        if self._served >= self._calls:
            return True
        return asyncio.get_running_loop().time() - self._begin >= self._seconds

    def _switch(self, model: Admission) -> None:
        self._others.pop(model, None)
        if self._current is not None and self._current is not model:
            self.switches += 1
        self._current = model
        self._served = 0
        self._begin = asyncio.get_running_loop().time()
