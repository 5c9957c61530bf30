"""Monte Carlo tree search by UCT (Kocsis and Szepesvári 2006; as in TreeQuest)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.softmax import softmax
from graphdsl.ops.trees.tree import ROOT, Node, Tree

Urgency = Callable[[float, float, int, int], float]
"""How urgently a child is visited, from its mean value, its prior, the visits of its parent, and
its own."""


def uct(exploration: float) -> Urgency:
    """Mean value + exploration · prior · √(ln(visits of the parent) / visits).

    >>> round(uct(2**0.5)(0.5, 0.6, 4, 1), 4)
    1.4991
    """

    def urgency(mean: float, prior: float, parent: int, visits: int) -> float:
        return mean + exploration * prior * math.sqrt(math.log(parent) / visits)

    return urgency


@dataclass(slots=True)
class Mcts:
    """Goes down from the root to the most urgent child until one has none; expands that.

    An expansion makes `branch` children by each model. A child's score is added to it and to all
    nodes above, and counts as a visit of each; a missing one is 0. The prior is the softmax of
    the scores of siblings, 1 for an only child. Of equally urgent children the first is taken;
    those below which nothing is open are passed over. Ends with `nodes` candidates, or when
    nothing is open.
    """

    nodes: int
    branch: int
    urgency: Urgency
    models: int = 1
    visits: list[int] = field(default_factory=lambda: [0])
    sums: list[float] = field(default_factory=lambda: [0.0])
    priors: list[float] = field(default_factory=lambda: [1.0])
    _children: list[list[int]] = field(default_factory=lambda: [[]])
    _live: list[bool] = field(default_factory=lambda: [True])

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """The children of one leaf."""
        if made:
            self._add(tree, made)
        room = self.nodes - tree.made
        if room <= 0 or not self._live[ROOT]:
            return ()
        leaf = self._leaf()
        wants = [Want(leaf, model) for _ in range(self.branch) for model in range(self.models)]
        return wants[:room]

    def _leaf(self) -> int:
        node = ROOT
        while children := self._children[node]:
            parent = self.visits[node]
            node = max(
                (child for child in children if self._live[child]),
                key=lambda child, parent=parent: self._urgency(child, parent),
            )
        return node

    def _urgency(self, child: int, parent: int) -> float:
        visits = self.visits[child]
        return self.urgency(self.sums[child] / visits, self.priors[child], parent, visits)

    def _add(self, tree: Tree, made: Sequence[Node]) -> None:
        """The children of one node."""
        priors = softmax([node.rank for node in made])
        for node, prior in zip(made, priors, strict=True):
            self._children[node.parent].append(node.id)
            self._children.append([])
            self.visits.append(0)
            self.sums.append(0.0)
            self.priors.append(prior)
            self._live.append(node.open)
            for number in (*tree.path(node.id), ROOT):
                self.visits[number] += 1
                self.sums[number] += node.value
        self._close(tree, made[0].parent)

    def _close(self, tree: Tree, number: int) -> None:
        """Nodes below which nothing is open, from that one upwards."""
        while not any(self._live[child] for child in self._children[number]):
            self._live[number] = False
            if number == ROOT:
                return
            number = tree[number].parent
