"""Beginnings of prompts that several slots of llama.cpp need: read once, then copied.

llama.cpp reads a prompt in one slot, and no other slot profits: calls that arrive together read
what they share once each, and that is most of their time on a CPU. Here the first of them reads
the common beginning (its *stem*), its state goes to a file, and the others load it. Likewise the
state of a slot is kept before another text replaces it. 500 tokens of a small model take seconds
to read and milliseconds to load (`benchmarks/scheduling.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

from graphdsl.errors import BackendError
from graphdsl.executors.prefixes import common_length

LEAST: Final = 512
"""Characters that a stem must save a slot from reading, to be worth a file."""

ROOM: Final = 256 << 20
"""Bytes of all files."""

PAUSE: Final = 60.0
"""Seconds for which no state is written, or loaded, after one could not be written."""

_DENSE: Final = 2
"""Characters of a token, for the size of a state before any was seen; most texts have more."""


@dataclass(eq=False, slots=True)
class Place:
    """A slot with a call in it: `known` characters of its `text` need not be read again.

    `before` is what the slot held, `rendered` gives the prompt as the model reads it, and blocks.
    `read` counts the tokens that were read for a stem.
    """

    slot: int
    text: str
    known: int
    before: str
    rendered: Callable[[], str]
    read: int = 0


class Engine(Protocol):
    """What the slots of a server can do. Each method blocks a thread of the place, not the loop."""

    def read(self, place: Place, like: Place) -> Awaitable[int]:
        """Read what the prompts of two places begin with, in the slot of the first.

        Gives the tokens that were read. Raises `BackendError`.
        """
        ...

    def save(self, place: Place, name: str) -> Awaitable[int]:
        """Write the state of a slot to a file; its bytes, 0 where that failed.

        Who is cancelled leaves no file.
        """
        ...

    def load(self, place: Place, name: str) -> Awaitable[bool]:
        """Load it into a slot; False where that failed."""
        ...

    def drop(self, name: str) -> None:
        """Delete a file, if it is there."""
        ...

    def free(self) -> int:
        """Bytes that are free for files."""
        ...

    def reading(self, place: Place) -> bool:
        """Whether other slots read: a state is written only between two parts of a prompt."""
        ...


@dataclass(eq=False, slots=True)
class _Stem:
    """A text whose state is in a file, or will be once `ready`; that is False if it failed.

    `size` is that of its file in bytes, or what it is taken to be while it is written.
    """

    text: str
    name: str
    leader: Place
    like: Place
    ready: asyncio.Future[bool]
    size: int = 0


@dataclass(eq=False, slots=True)
class _Cold:
    """A call that would have to read much. `known` is what it will know after its `chain`."""

    place: Place
    known: int
    chain: list[_Stem]
    paired: asyncio.Future[None]


class Stems:
    """The stems of one server. `keep` says whether replaced states are kept as well.

    Their files take `room` bytes at most, those that are being written included, and no file half
    of what is free.
    """

    def __init__(
        self, engine: Engine, *, keep: bool, room: int = ROOM, pause: float = PAUSE
    ) -> None:
        self._engine = engine
        self._keep = keep
        self._room = room
        self._pause = pause
        self._again = 0.0  # in the loop's time: nothing is written before
        self._rate = 0.0  # bytes for each character of a text, the most that were seen
        self._seen = False
        self._stems: list[_Stem] = []  # the least recently used first
        self._cold: list[_Cold] = []
        self._names = count()
        self._lost: list[str] = []  # files that may still come, though nobody was told

    def expect(self, each: int) -> None:
        """Say what a state takes for each token; what is written then tells it better."""
        if not self._seen:
            self._rate = each / _DENSE

    async def warm(self, place: Place) -> None:
        """Make a slot know as much of a text as any slot or file does, before it is used.

        Whoever comes together with others like it waits until their beginning was read once.
        """
        if self._keep and len(place.before) - place.known >= LEAST:
            await self._kept(place)
        again = True
        while again and not self._pausing and len(place.text) - place.known >= LEAST:
            chain = await self._chain(place)
            try:
                again = await self._through(chain, place)
            finally:
                for stem in chain:
                    if stem.leader is place:
                        self._give_up(stem)

    async def _through(self, chain: list[_Stem], place: Place) -> bool:
        """Lead or follow, stem by stem; True where a leader was lost, and another may be found."""
        for stem in chain:
            if stem.leader is place:
                if not await self._made(stem):
                    return False
            elif not await asyncio.shield(stem.ready):
                return True
            elif not await self._loaded(stem, place):
                return False
            place.known = common_length(stem.text, place.text)
        return False

    async def _chain(self, place: Place) -> list[_Stem]:
        """The stems that make most of a text known, in order, those of others in sight included."""
        loop = asyncio.get_running_loop()
        cold = _Cold(place, place.known, [], loop.create_future())
        self._cold.append(cold)
        if len(self._cold) == 1:
            loop.call_soon(loop.call_soon, self._pair)  # those of one node come in one turn
        await cold.paired
        return cold.chain

    def _pair(self) -> None:
        waiting, self._cold = [one for one in self._cold if not one.paired.done()], []
        for one in waiting:
            best = self._best(one.place)
            if best is not None:
                one.chain.append(best)
                one.known = common_length(best.text, one.place.text)
        self._share(waiting)
        for one in waiting:
            one.paired.set_result(None)

    def _best(self, place: Place) -> _Stem | None:
        """The stem that saves most, if any saves enough."""
        found: _Stem | None = None
        most = place.known + LEAST
        for stem in self._stems:
            length = common_length(stem.text, place.text)
            if length >= most:
                found, most = stem, length + 1
        return found

    def _share(self, waiting: list[_Cold]) -> None:
        """Give stems to those who have enough in common, and further ones to groups of them."""
        while waiting:
            first, *others = waiting
            shared = {one: common_length(first.place.text, one.place.text) for one in others}
            alike = [one for one in others if _saves(shared[one], first, one)]
            if alike:
                least = min(alike, key=lambda one: shared[one])
                stem = self._new(first.place.text[: shared[least]], first.place, least.place)
                for one in (first, *alike):
                    one.chain.append(stem)
                    one.known = shared[least]
                self._share([first, *alike])
            waiting = [one for one in others if one not in alike]

    def _new(self, text: str, leader: Place, like: Place) -> _Stem:
        ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        stem = _Stem(text, f"{next(self._names)}.state", leader, like, ready)
        self._stems.append(stem)
        return stem

    async def _made(self, stem: _Stem) -> bool:
        """Read the stem, as its leader, and write it down."""
        place = stem.leader
        try:
            place.read += await self._engine.read(place, stem.like)
            await self._written(stem)
        except BackendError:
            return False  # what is wrong with the prompt the call itself will say
        return True

    def _give_up(self, stem: _Stem) -> None:
        """Tell those who wait for a stem that it will not come, unless it has."""
        if not stem.ready.done():
            self._stems.remove(stem)
            stem.ready.set_result(False)

    async def _kept(self, place: Place) -> None:
        """Write down what a slot knows before its text is replaced, unless a file has it."""
        before = place.before
        if self._pausing or self._engine.reading(place):
            return
        if any(len(before) - common_length(stem.text, before) < LEAST for stem in self._stems):
            return
        stem = self._new(before, place, place)
        try:
            await self._written(stem)
        except BackendError:
            return  # nothing that the call needs
        finally:
            self._give_up(stem)

    async def _written(self, stem: _Stem) -> None:
        """Write a stem down, if there is room, and say so to those who wait for it."""
        while self._lost:
            self._engine.drop(self._lost.pop())
        if not self._makes_room(stem):
            return
        size = await self._engine.save(stem.leader, stem.name)
        if size:
            rate = size / len(stem.text)
            self._rate = max(self._rate, rate) if self._seen else rate
            self._seen = True
        else:
            self._again = asyncio.get_running_loop().time() + self._pause
            self._lost.append(stem.name)
        stem.size = size
        if size and self._makes_room(stem):
            stem.ready.set_result(True)
        else:
            self._engine.drop(stem.name)

    async def _loaded(self, stem: _Stem, place: Place) -> bool:
        if stem in self._stems:  # it is the one that was used last
            self._stems.remove(stem)
            self._stems.append(stem)
        loaded = await self._engine.load(place, stem.name)
        if not loaded:
            place.known = 0  # what the slot held is gone then
        return loaded

    @property
    def _pausing(self) -> bool:
        return asyncio.get_running_loop().time() < self._again

    def _makes_room(self, stem: _Stem) -> bool:
        """Whether a stem fits, once files that were not used for longest are deleted for it."""
        if not stem.size:
            stem.size = int(self._rate * len(stem.text))
            if stem.size > self._engine.free() // 2:
                return False
        if stem.size > self._room:
            return False
        taken = sum(other.size for other in self._stems)
        for other in list(self._stems):
            if taken <= self._room:
                break
            if other is not stem and other.ready.done():
                taken -= other.size
                self._stems.remove(other)
                self._engine.drop(other.name)
        return taken <= self._room


def _saves(shared: int, one: _Cold, other: _Cold) -> bool:
    """Whether reading their common beginning once saves both enough."""
    return shared - max(one.known, other.known) >= LEAST
