"""AB-MCTS-A: wider or deeper, by Thompson sampling (Inoue et al. 2025, arXiv 2503.04412)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.ops.trees.posterior import Prior, Seen, gaussian
from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree


@dataclass(slots=True)
class _Arms:
    """What is believed at one node: of new children, of old ones, and of the node itself."""

    new: Seen = field(default_factory=Seen)
    old: Seen = field(default_factory=Seen)
    own: Seen = field(default_factory=Seen)
    children: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class AbMcts:
    """At each node, from the root on: a new child, or on to an old one, whichever draws higher.

    A new child's score counts for new children of its parent, for itself, and for its model; and
    on each edge above for old children and for the child that the edge leads to. On to an old
    child: the one that draws highest. Without open children: a new one. The model is the one that
    draws highest over all scores that it has had anywhere. Scores are clipped to [0, 1]; a
    missing one is 0. Ends with `nodes` candidates.
    """

    nodes: int
    prior: Prior = gaussian
    models: int = 1
    _arms: list[_Arms] = field(default_factory=lambda: [_Arms()])
    _models: list[Seen] = field(default_factory=list[Seen])

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One new child."""
        if not made:
            self._models = [Seen() for _ in range(self.models)]
        for node in made:
            self._add(tree, node)
        if tree.made >= self.nodes:
            return ()
        return (Want(self._chosen(random), self._model(random)),)

    def _chosen(self, random: Random) -> int:
        """The node that gets a child."""
        node = ROOT
        while True:
            arms = self._arms[node]
            if not arms.children:
                return node
            if self.prior(arms.new, random) >= self.prior(arms.old, random):
                return node
            draws = self._draws((self._arms[child].own for child in arms.children), random)
            node = arms.children[draws.index(max(draws))]

    def _model(self, random: Random) -> int:
        if self.models == 1:
            return 0
        draws = self._draws(self._models, random)
        return draws.index(max(draws))

    def _draws(self, seen: Iterable[Seen], random: Random) -> list[float]:
        return [self.prior(one, random) for one in seen]

    def _add(self, tree: Tree, node: Node) -> None:
        score = min(1.0, max(0.0, node.value))
        arms = _Arms()
        arms.own.add(score)
        self._arms.append(arms)
        self._models[node.model].add(score)
        self._arms[node.parent].new.add(score)
        if node.open:
            self._arms[node.parent].children.append(node.id)
        above = node.parent
        while above != ROOT:
            parent = tree[above].parent
            self._arms[above].own.add(score)
            self._arms[parent].old.add(score)
            above = parent
