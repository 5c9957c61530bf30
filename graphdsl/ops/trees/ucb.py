"""UCB1 over models (Auer et al. 2002, Machine Learning 47; as in TreeQuest)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree


@dataclass(slots=True)
class Ucb:
    """A bandit whose arms are the models; each pull writes a new whole answer.

    The arm of the highest mean score + exploration · √(ln(pulls) / pulls of the arm), after each
    was pulled once, in order; of equal ones the first. A missing score is 0. Ends with `nodes`
    candidates.
    """

    nodes: int
    exploration: float
    models: int = 1
    _sums: list[float] = field(default_factory=list[float])
    _pulls: list[int] = field(default_factory=list[int])

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One pull."""
        if not made:
            self._sums, self._pulls = [0.0] * self.models, [0] * self.models
        for node in made:
            self._sums[node.model] += node.value
            self._pulls[node.model] += 1
        if tree.made >= self.nodes:
            return ()
        arm = max(range(self.models), key=lambda arm: self._bound(arm, tree.made))
        return (Want(ROOT, arm, whole=True),)

    def _bound(self, arm: int, total: int) -> float:
        pulls = self._pulls[arm]
        if not pulls:
            return math.inf
        return self._sums[arm] / pulls + self.exploration * math.sqrt(math.log(total) / pulls)
