"""What the strategies that ask Optuna share: repeats, limits, and what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.optuna_engine import Engine, quiet
from graphdsl.search.strategies.points import Key, completed, key_of
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Told

_REPEATS: Final = 2
"""How often a point is proposed in all: the second time means more items for it."""
_TRIES: Final = 4
"""How many points the engine gives for one that is wanted; what is missing then is random."""


@dataclass(slots=True)
class OptunaSearch:
    """Asks an engine and proposes what may be proposed.

    The defaults come first, unless somebody told of them. A point that the engine repeats is
    proposed twice at most; in its place comes a new one drawn at random. A finite space ends when
    all its points are known.
    """

    archive: Archive
    unseen: Unseen
    engine: Engine

    async def ask(self, count: int) -> Sequence[Assignment]:
        """Points that the sampler takes for promising, and random ones in place of repeats."""
        self.archive.settle()
        if not self.unseen.any():
            return []
        found: dict[Key, Assignment] = {}
        start = completed(self.archive.space, {})
        if not self.archive.known(key_of(start)) and self.archive.allowed(start):
            found[key_of(start)] = start
        if len(found) < count:
            self._engine_proposals(found, count)
        return self.unseen.fill([self.archive.propose(point) for point in found.values()], count)

    def tell(self, told: Told) -> None:
        """Learn what a point was worth, whoever proposed it."""
        self.archive.tell(told)

    def _engine_proposals(self, found: dict[Key, Assignment], count: int) -> None:
        with quiet():
            for point in self.engine.proposals(_TRIES * count):
                key = key_of(point)
                if self.archive.proposed.get(key, 0) < _REPEATS:
                    found.setdefault(key, point)
                if len(found) >= count:
                    return
