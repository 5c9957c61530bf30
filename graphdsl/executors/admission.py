"""How many calls a model gets at the same time; `graphdsl.executors.waiting` says who is next.

The bound of a local engine is fixed. That of an endpoint nobody knows, so it is found as TCP finds
a rate (Chiu & Jain 1989; slow start of Jacobson 1988): it doubles with every round of successes
until the endpoint refuses for the first time, then grows by one a round, and shrinks by a fifth at
a refusal (429, 503), at most once in `COOL_DOWN` seconds. `Retry-After` closes the door for
everybody; those in the queue are sent away (`Paused`), since others may need what they hold.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from graphdsl.executors.waiting import PATIENCE, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphdsl.executors.device import Device
    from graphdsl.executors.share import Claim
    from graphdsl.values import Messages

START: Final = 20
"""Calls in flight with which the search for a bound begins."""

SHRINK: Final = 0.8
COOL_DOWN: Final = 15.0


class Paused(Exception):
    """The door was closed while somebody waited; see `Admission.pause` for how long."""


class Admission:
    """Places for calls, shared by all runs of a loop. Use as an async context manager.

    `ceiling` is never exceeded. With `adaptive` the bound starts at `START`, else at the ceiling;
    both shrink when the endpoint refuses. `limit` is the bound now, `in_flight` who is inside. A
    model that shares its `device` gets nobody in while another one has it. `spare` is called,
    where somebody set it, when a place became free and nobody waits for it here. `patience` is
    that of `Waiting`.
    """

    __slots__ = (
        "_ceiling",
        "_cool",
        "_paused",
        "_slow_start",
        "_waiting",
        "device",
        "in_flight",
        "limit",
        "spare",
    )

    def __init__(
        self,
        ceiling: int,
        *,
        adaptive: bool = False,
        device: Device | None = None,
        patience: int = PATIENCE,
    ) -> None:
        self._ceiling = float(max(1, ceiling))
        self.limit = min(float(START), self._ceiling) if adaptive else self._ceiling
        self.in_flight = 0
        self._slow_start = True
        self._cool = 0.0
        self._paused = 0.0
        self._waiting = Waiting(patience)
        self.device = device
        self.spare: Callable[[], None] | None = None

    async def __aenter__(self) -> None:
        while not self.enter_now():
            try:
                return await self.enter()
            except Paused:
                await asyncio.sleep(self.pause)
        return None

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return self._waiting.live

    @property
    def free(self) -> int:
        """Places that nobody has and nobody waits for; negative where more wait."""
        return int(self.limit) - self.in_flight - self._waiting.live

    def enter_now(self) -> bool:
        """Take a place if there is one, without a word to the event loop."""
        if self._waiting.live:
            self.grant()
        if self._waiting.live or not self._open():
            return False
        self.in_flight += 1
        return True

    async def enter(self, claim: Claim | None = None) -> None:
        """Wait for a place. Raises `Paused` when the door is, or gets, closed."""
        if self.pause:
            raise Paused
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = self._waiting.add(turn, claim)
        if self.device is not None:
            self.device.wanted(self)
        try:
            await turn
        except asyncio.CancelledError:
            self._waiting.drop(entry)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise

    @property
    def pause(self) -> float:
        """Seconds for which the endpoint wants no calls; 0 while the door is open."""
        if not self._paused:
            return 0.0
        return max(0.0, self._paused - asyncio.get_running_loop().time())

    def leave(self, prompt: Messages | None = None) -> None:
        """Give a place back, to the first who waits.

        `prompt` is what the call said: where its place is one with a cache, the first is the one
        whose own prompt begins most like it.
        """
        self.in_flight -= 1
        if self._waiting.live:
            if prompt is not None:
                self._waiting.warmed(prompt)
            self.grant()
        elif self.spare is not None:
            self.spare()
        if self.device is not None and not self.in_flight:
            self.device.drained(self)

    def succeeded(self) -> None:
        """A call came back: where the bound is in use it may grow."""
        if self.limit < self._ceiling and self.in_flight >= int(self.limit):
            step = 1.0 if self._slow_start else 1.0 / self.limit
            self.limit = min(self._ceiling, self.limit + step)
            self.grant()

    def refused(self, retry_after: float | None = None) -> None:
        """The endpoint had no room: fewer from now on, and nobody for `retry_after` seconds."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._slow_start = False
        if now >= self._cool:
            self._cool = now + COOL_DOWN
            self.limit = max(1.0, self.limit * SHRINK)
        if retry_after and now + retry_after > self._paused:
            self._paused = now + retry_after
            for turn in self._waiting.clear():
                if not turn.done():
                    turn.set_exception(Paused())

    def grant(self) -> None:
        """Let in those who still wait, in their order, while there is room."""
        while self._waiting.live and self._open():
            turn = self._waiting.take()
            if turn is not None:
                self.in_flight += 1
                turn.set_result(None)

    def _open(self) -> bool:
        if self.in_flight >= int(self.limit) or self.pause:
            return False
        return self.device is None or self.device.admits(self)
