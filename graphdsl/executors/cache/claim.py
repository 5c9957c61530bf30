"""One task's wish for one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from graphdsl.executors.abc import Completion
from graphdsl.executors.cache.cached import Cached, Reply
from graphdsl.executors.cache.flights import Flight, Flights
from graphdsl.executors.ledger import Refused
from graphdsl.values import Finish, Usage

_ANSWERS: Final = frozenset({Finish.STOP, Finish.STOP_SEQ, Finish.LENGTH})
"""How an answer that is kept can have ended."""

_GIVEN_UP: Final = (asyncio.CancelledError, Refused)
"""What ends an asking and says nothing about the next one: nobody wants it, or may pay for it."""

Keep = Callable[[Reply, Usage, float], Cached]
"""Keeps an answer, and gives it as it is kept."""


class Claim:
    """An async context manager: inside, `found` is the answer, or None for who has to ask for it.

    While one task asks, others that claim the same wait (`waited`); they get what it stores. Where
    it stores nothing because it was cancelled, the next of them is to ask. Where its call failed,
    or gave nothing that may be kept, all of them ask for themselves, at once.
    """

    __slots__ = ("_count", "_flight", "_flights", "_keep", "_key", "found", "waited")

    def __init__(
        self, key: str, flights: Flights, keep: Keep, count: Callable[[Cached | None], None]
    ) -> None:
        self._key = key
        self._flights = flights
        self._keep = keep
        self._count = count
        self._flight: Flight | None = None
        self.found: Cached | None = None
        self.waited = False

    async def __aenter__(self) -> Claim:
        self.waited = self._flights.waits(self._key)
        boarded = await self._flights.board(self._key)
        if isinstance(boarded, Flight):
            self._flight = boarded
        else:
            self.found = boarded
        self._count(self.found)
        return self

    def store(self, reply: Reply, usage: Usage, seconds: float) -> None:
        """Keep the answer, what it was charged with, and how long it took; waits for no disk.

        Nothing is kept of a call that failed, or was cancelled, nor where another task has stored
        its answer meanwhile. Whether one that was cut off is an answer, `keepable` says.
        """
        flight = self._flight
        ended = not isinstance(reply, Completion) or reply.finish in _ANSWERS
        if flight is None or not ended:
            return
        self._flight = None
        if flight.open:
            self._flights.land(flight, self._keep(reply, usage, seconds))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        flight, self._flight = self._flight, None
        if flight is not None:
            self._flights.leave(flight, failed=not isinstance(error, _GIVEN_UP))
