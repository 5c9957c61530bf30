"""`evolve`: a population of points that are crossed and mutated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, holds
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.points import Key, completed, is_ordered, key_of, position
from graphdsl.search.strategies.ranking import ranked
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told

_POPULATION: Final = 16
_TOURNAMENT: Final = 3
_CHILDREN: Final = 16
"""How many children are made for one proposal before it is drawn at random instead."""
_STRIDE: Final = 0.1
"""The deviation of a mutated number in a continuum, as a share of its range."""


@dataclass(slots=True)
class Evolve:
    """A steady-state evolution of assignments.

    The population are the best points of all that were told of: by front and crowding where costs
    count (NSGA-II), by quality where they do not. Two parents win a tournament of three each; each
    parameter comes from either (uniform crossover, Syswerda 1989), and one of them in the mean
    changes: a number or an ordered label mostly to a neighbour, any other label to another one.
    What conditions make active is taken from a parent that has it, or drawn. It begins with the
    defaults and random points; what was proposed once does not come again.
    """

    archive: Archive
    unseen: Unseen
    population: int

    async def ask(self, count: int) -> Sequence[Assignment]:
        """Children of the best; random points while there is no population to speak of."""
        self.archive.settle()
        found = self._defaults()
        aims = self.archive.aims()
        keys = list(aims)
        best = [keys[at] for at in ranked(list(aims.values()))[: self.population]]
        while len(found) < count and len(aims) >= min(self.population, 4):
            child = self._child(best)
            if child is None:
                break
            found.append(self.archive.propose(child))
        return self.unseen.fill(found, count)

    def tell(self, told: Told) -> None:
        """Learn what a point was worth, whoever proposed it."""
        self.archive.tell(told)

    def _defaults(self) -> list[Assignment]:
        start = completed(self.archive.space, {})
        if self.archive.known(key_of(start)) or not self.archive.allowed(start):
            return []
        return [self.archive.propose(start)]

    def _child(self, best: Sequence[Key]) -> Assignment | None:
        """A new point from two parents; None when there seems to be none."""
        for attempt in range(_CHILDREN):
            mother, father = self._winner(best), self._winner(best)
            child = self._crossed(dict(mother), dict(father), 1 + attempt // 4)
            if not self.archive.known(key_of(child)) and self.archive.allowed(child):
                return child
        return None

    def _winner(self, best: Sequence[Key]) -> Key:
        """The best of three that are drawn: the population is in order."""
        rng = self.archive.setting.random
        return best[min(rng.randrange(len(best)) for _ in range(_TOURNAMENT))]

    def _crossed(self, mother: Assignment, father: Assignment, changes: int) -> Assignment:
        """A child, with so many changes in the mean."""
        space, rng = self.archive.space, self.archive.setting.random
        chance = changes / max(1, len(mother))
        child: Assignment = {}
        for one in space.parameters:
            if not holds(one.when, child):
                continue
            genes = [parent[one.address] for parent in (mother, father) if one.address in parent]
            gene = rng.choice(genes) if genes else one.draw(rng)
            child[one.address] = self._mutated(one, gene) if rng.random() < chance else gene
        return child

    def _mutated(self, one: Parameter, gene: str | float) -> str | float:
        rng, size = self.archive.setting.random, one.size
        if size == 1:
            return gene
        if size is None:
            moved = float(gene) + rng.gauss(0, _STRIDE * (one.high - one.low))
            return min(one.high, max(one.low, moved))
        at = position(one, gene)
        if is_ordered(one) and rng.random() < 0.8:
            inside = [near for near in (at - 1, at + 1) if 0 <= near < size]
            return one.value(rng.choice(inside))
        other = rng.randrange(size - 1)
        return one.value(other + (other >= at))


def evolve(setting: Setting) -> Evolve:
    """Make the strategy; its options are `seed` and `population` (16)."""
    archive = Archive(setting)
    return Evolve(archive, Unseen(archive), whole(setting, "population", _POPULATION))
