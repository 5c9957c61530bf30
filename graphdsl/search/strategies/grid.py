"""`grid`: every point of the space, in an order that covers it early when it is cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.numbering import gridded, numbering_of, scattered
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed, fits, key_of
from graphdsl.search.strategies.unseen import REFUSALS
from graphdsl.search.strategy import Setting, Told

_COARSE: Final = 2
_FINE: Final = 40


@dataclass(slots=True)
class Grid:
    """Walks through the numbers of all points in steps of the golden ratio from a seeded start.

    A continuous parameter has five values (both ends, evenly spaced); when all points are done the
    gaps are halved, and so on, so that a continuous space goes on. A finite one ends. What somebody
    told of already, or what breaks the limits of one run, is passed over; after `REFUSALS` of the
    latter in a row the walk ends.
    """

    archive: Archive
    walk: Iterator[Assignment]

    async def ask(self, count: int) -> Sequence[Assignment]:
        """The next points; fewer than `count`, or none, at the end of a finite space."""
        self.archive.settle()
        return [self.archive.propose(point) for point in islice(self.walk, count)]

    def tell(self, told: Told) -> None:
        """Only what was told before it would be proposed matters: it is passed over."""
        self.archive.tell(told)


def grid(setting: Setting) -> Grid:
    """Make the strategy; its option is `seed` alone."""
    archive = Archive(setting)
    return Grid(archive, _walk(archive))


def _walk(archive: Archive) -> Iterator[Assignment]:
    refused = 0
    for point in _points(archive):
        if archive.known(key_of(point)):
            continue
        refused = 0 if archive.allowed(point) else refused + 1
        if refused >= REFUSALS:
            return
        if not refused:
            yield point


def _points(archive: Archive) -> Iterator[Assignment]:
    """All points, grid after grid."""
    space, rng = archive.space, archive.setting.random
    last = _COARSE if space.size() is not None else _FINE
    for halvings in range(_COARSE, last + 1):
        grown = gridded(space, halvings)
        numbering = numbering_of(grown.parameters)
        for number in scattered(numbering.size, rng.randrange(numbering.size)):
            point = completed(grown, numbering.at(number))
            if fits(space, point):
                yield point
