"""`greedy`: Archon's baseline, one axis after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.points import Key, completed, key_of, levels
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told

_LEVELS: Final = 16
"""How many values of a long axis are tried."""


@dataclass(slots=True)
class Greedy:
    """Coordinate ascent from the defaults, then the rest of the space in random order.

    Released with Archon (arXiv 2409.15254): sweep the axes one by one, keeping the best value of
    each. An axis that is not active where the sweep stands is left out; one with more than 16
    values, or a continuum, is tried at 16 evenly spaced ones. The value that stands already is kept
    among equals. A sweep that changes nothing is the last.
    """

    archive: Archive
    unseen: Unseen
    rounds: int
    at: Assignment
    waiting: list[Assignment] = field(default_factory=list[Assignment])
    _sweep: Iterator[list[Assignment]] | None = None

    async def ask(self, count: int) -> Sequence[Assignment]:
        """Values of the axis at hand; when all were told of, those of the next one."""
        self.archive.settle()
        if self._sweep is None:
            self._sweep = self._axes()
        while not self.waiting:
            points = next(self._sweep, None)
            if points is None:
                return self.unseen.fill([], count)
            self.waiting = points
        found, self.waiting = self.waiting[:count], self.waiting[count:]
        return [self.archive.propose(point) for point in found]

    def tell(self, told: Told) -> None:
        """Learn what a point was worth; it counts when its axis is decided."""
        self.archive.tell(told)

    def _axes(self) -> Iterator[list[Assignment]]:
        """The new points of each axis in turn; who asks for the next has waited for the answers."""
        start = completed(self.archive.space, {})
        yield self._new([start])
        for _ in range(self.rounds):
            before = dict(self.at)
            for parameter in self.archive.space.parameters:
                here = completed(self.archive.space, self.at)
                if parameter.address not in here:
                    continue
                choices = [self.at | {parameter.address: v} for v in levels(parameter, _LEVELS)]
                yield self._new([completed(self.archive.space, one) for one in choices])
                self._keep(parameter.address, choices)
            if self.at == before:
                return

    def _new(self, points: list[Assignment]) -> list[Assignment]:
        unique = {key_of(point): point for point in points}
        return [
            point
            for key, point in unique.items()
            if not self.archive.known(key) and self.archive.allowed(point)
        ]

    def _keep(self, address: str, choices: list[Assignment]) -> None:
        """Move to the best value of an axis."""
        aims = self.archive.aims()
        space = self.archive.space
        keys: list[Key] = [key_of(completed(space, one)) for one in [self.at, *choices]]
        seen = [at for at, key in enumerate(keys) if key in aims]
        best = max(seen, key=lambda at: aims[keys[at]], default=0)
        if best:
            self.at[address] = choices[best - 1][address]


def greedy(setting: Setting) -> Greedy:
    """Make the strategy; its options are `seed` and `rounds`, the number of sweeps (1)."""
    archive = Archive(setting)
    at = {one.address: one.default for one in setting.space.parameters}
    return Greedy(archive, Unseen(archive), whole(setting, "rounds", 1), at)
