"""`archon`: the staged search of Archon, ITAS: singles, random points, Bayesian optimisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.improvement import Improvement
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.points import completed, key_of, levels
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told

_LEVELS: Final = 8
"""How many values of a long axis are tried by themselves."""
_SINGLES: Final = 64
"""The most single changes that are tried before anything is combined."""
_STARTS: Final = 240
_SHARE: Final = 40
"""Archon draws about 240 of its 9,576 points: one in forty."""
_WEIGHTS: Final = (0.0, 0.1, 0.3, 1.0)
"""λ, in quality for the whole range of costs. A round draws one: so rounds go for different parts
of the front."""


@dataclass(slots=True)
class Archon:
    """ITAS of Archon (arXiv 2409.15254, section 3.3), over the axes of any space.

    1. The defaults, and the defaults with one value changed (64 changes at most, each axis in
       turn). They rank the labels of each axis, models among them.
    2. Random points: two for each axis, but no more than one in forty of the space or 240, and at
       least four; `samples` says another number.
    3. A Gaussian process is fitted to score − λ·cost, labels standing by their rank too, and the
       point with the largest expected improvement comes next. Further ones of a round take the
       process's word for those before them (the kriging believer, Ginsbourger et al. 2010).

    Limits of one run are a filter: what breaks them is neither proposed nor in the model. Noise is
    in the model, less of it the more items a score rests on. No point is proposed twice.
    """

    archive: Archive
    unseen: Unseen
    starts: int
    improvement: Improvement
    _singles: Iterator[Assignment] = field(init=False)
    _started: int = 0

    def __post_init__(self) -> None:
        self._singles = _singles(self.archive)

    async def ask(self, count: int) -> Sequence[Assignment]:
        """The next of the stage; stages follow each other without a gap."""
        self.archive.settle()
        found = [self.archive.propose(point) for point in islice(self._singles, count)]
        before = len(found)
        found = self.unseen.fill(found, min(count, before + self.starts - self._started))
        self._started += len(found) - before
        if len(found) < count:
            weight = self.archive.setting.random.choice(_WEIGHTS)
            best = self.improvement.best(self.archive.worths(weight), count - len(found))
            found += [self.archive.propose(point) for point in best]
        return self.unseen.fill(found, count)

    def tell(self, told: Told) -> None:
        """Learn what a point was worth, whoever proposed it."""
        self.archive.tell(told)


def archon(setting: Setting) -> Archon:
    """Make the strategy; its options are `seed` and `samples`, the number of random starts."""
    archive = Archive(setting)
    axes = len(setting.space.parameters)
    starts = whole(setting, "samples", random_starts(setting.space.size(), axes))
    return Archon(archive, Unseen(archive), starts, Improvement(archive))


def random_starts(size: int | None, axes: int) -> int:
    """How many random points a space of so many points (None: uncounted) and axes begins with.

    >>> random_starts(9_576, 6), random_starts(200, 4), random_starts(None, 500)
    (12, 5, 240)
    """
    share = _STARTS if size is None else min(_STARTS, -(-size // _SHARE))
    return max(4, min(2 * axes, share))


def _singles(archive: Archive) -> Iterator[Assignment]:
    """The default point, then those with one value changed, as far as they are new and allowed."""
    space = archive.space
    start = completed(space, {})
    axes = [
        [completed(space, start | {one.address: value}) for value in levels(one, _LEVELS)]
        for one in space.parameters
        if one.address in start
    ]
    turns = chain.from_iterable(zip_longest(*axes))
    points = chain([start], (point for point in turns if point is not None and point != start))
    for point in islice(points, _SINGLES + 1):
        if not archive.known(key_of(point)) and archive.allowed(point):
            yield point
