"""Points that nobody has tried, drawn at random for as long as there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.numbering import numbering_of, scattered
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed, key_of

_DRAWS: Final = 64
"""Random draws before the space is walked through."""

REFUSALS: Final = 2_000
"""How many points of the walk may break the limits of one run before it is given up."""


@dataclass(slots=True)
class Unseen:
    """Draws points that are not in the archive and fit the limits of one run."""

    archive: Archive
    _held: Assignment | None = None
    _walk: Iterator[Assignment] | None = field(default=None)
    _refused: int = 0

    def draw(self) -> Assignment | None:
        """A point that is new; None when all of a finite space are known, or when the walk has met
        `REFUSALS` points that are not allowed. It is not noted as proposed."""
        held, self._held = self._held, None
        if held is not None and self._new(held) and self.archive.allowed(held):
            return held
        space, rng = self.archive.space, self.archive.setting.random
        for _ in range(_DRAWS):
            point = space.sample(rng)
            if self._new(point) and self.archive.allowed(point):
                return point
        return None if space.size() is None else self._next()

    def any(self) -> bool:
        """Whether there is a new point; it is kept to be drawn next."""
        self._held = self.draw()
        return self._held is not None

    def fill(self, found: list[Assignment], count: int) -> list[Assignment]:
        """Proposals, and as many new points as are missing to `count`; all noted as proposed."""
        while len(found) < count:
            point = self.draw()
            if point is None:
                break
            found.append(self.archive.propose(point))
        return found

    def _new(self, point: Assignment) -> bool:
        return not self.archive.known(key_of(point))

    def _next(self) -> Assignment | None:
        """The next of the walk: what it has passed stays known, so one round is enough."""
        if self._walk is None:
            self._walk = self._points()
        for point in self._walk:
            if not self._new(point):
                continue
            if self.archive.allowed(point):
                return point
            self._refused += 1
            if self._refused >= REFUSALS:
                self._walk = iter(())
                break
        return None

    def _points(self) -> Iterator[Assignment]:
        space = self.archive.space
        numbering = numbering_of(space.parameters)
        start = self.archive.setting.random.randrange(numbering.size)
        for number in scattered(numbering.size, start):
            yield completed(space, numbering.at(number))
