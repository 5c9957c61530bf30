"""Single flight: of all who want one answer, one asks for it, and the others wait for that.

Belongs to one event loop, and needs no locks: nothing here awaits while it decides.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from graphdsl.executors.cache.cached import Cached

Waiting: TypeAlias = "asyncio.Future[Cached | None]"
"""Gets the answer, or None: then it is this one's turn to ask."""


@dataclass(slots=True, eq=False)
class Flight:
    """An answer that somebody is asking for: how many are, and who waits for it, in order.

    `open` until one of them has it.
    """

    key: str
    asking: int = 1
    open: bool = True
    waiting: OrderedDict[Waiting, None] = field(default_factory=OrderedDict[Waiting, None])


class Flights:
    """The answers that are being asked for, by key; `find` looks one up where it is kept."""

    def __init__(self, find: Callable[[str], Cached | None]) -> None:
        self._find = find
        self._open: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._open)

    def waits(self, key: str) -> bool:
        """Whether who wants the answer now has to wait for another one's call."""
        return key in self._open

    async def board(self, key: str) -> Cached | Flight:
        """The answer; or the flight of who is to ask for it, and must `land` or `leave` it.

        Who is cancelled while waiting holds nothing.
        """
        flight = self._open.get(key)
        if flight is not None:
            return await self._wait(flight)
        found = self._find(key)
        if found is None:
            return self._open.setdefault(key, Flight(key))
        return found

    def land(self, flight: Flight, answer: Cached) -> None:
        """The answer has come: everybody who waits gets it.

        Those who ask at the same time, since a call had failed, go on; theirs are not waited for.
        """
        if not flight.open:
            return
        flight.open = False
        del self._open[flight.key]
        for waiting in flight.waiting:
            if not waiting.done():
                waiting.set_result(answer)

    def leave(self, flight: Flight, *, failed: bool) -> None:
        """There is no answer. Where the call `failed`, all who wait now ask for themselves.

        It may fail for each of them, after as long a time, and nobody should wait for that. Where
        it was only given up, it is the next one's turn.
        """
        if not flight.open:
            return
        flight.asking -= 1
        while flight.waiting and (failed or not flight.asking):
            waiting, _ = flight.waiting.popitem(last=False)
            if not waiting.done():  # otherwise it was cancelled, and has yet to learn that
                flight.asking += 1
                waiting.set_result(None)
        if not flight.asking:
            flight.open = False
            del self._open[flight.key]

    async def _wait(self, flight: Flight) -> Cached | Flight:
        waiting: Waiting = asyncio.get_running_loop().create_future()
        flight.waiting[waiting] = None
        try:
            answer = await waiting
        except BaseException:
            if waiting.cancelled() or not waiting.done():
                flight.waiting.pop(waiting, None)
            elif waiting.result() is None:  # cancelled on the way to its turn
                self.leave(flight, failed=False)
            raise
        if answer is None and (answer := self._find(flight.key)) is not None:
            self.land(flight, answer)  # another process was quicker, or who asked beside it
        return flight if answer is None else answer
