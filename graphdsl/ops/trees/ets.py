"""Efficient tree search (Hooper et al. 2025, arXiv 2502.13575)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from graphdsl.ops.trees.clusters import clusters
from graphdsl.ops.trees.leaf_choice import TIME_LIMIT, LeafChoice, solve
from graphdsl.ops.trees.rebase import Rebase, shared
from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree


@dataclass(slots=True)
class Ets:
    """REBASE over those leaves only that an integer programme keeps; they get the whole width.

    It weighs a leaf's part of the width against the prefixes that it needs for itself, and for
    leaves that mean different things (see `LeafChoice` and `clusters`); meanings count only where
    there are several texts. Where the solver fails or takes longer than `seconds`, all leaves are
    kept, and a note says so. One leaf is kept without asking it.
    """

    width: int
    softness: float = 0.2
    prefix_cost: float = 1.0
    variety: float = 1.5
    seconds: float = TIME_LIMIT

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One round."""
        if not made:
            return [Want(ROOT)] * self.width
        self.width -= sum(not node.open and not node.failed for node in made)
        leaves = [node for node in made if node.open]
        if not leaves or self.width <= 0:
            return ()
        kept = self._kept(tree, leaves)
        return Rebase(self.width, self.softness).spread(kept)

    def choice(self, tree: Tree, leaves: Sequence[Node]) -> LeafChoice:
        """The programme for these leaves."""
        counts = shared([leaf.rank for leaf in leaves], self.width, self.softness)
        several = len({leaf.outcome.step for leaf in leaves}) > 1
        varied = self.variety > 0 and several
        return LeafChoice(
            [count / sum(counts) for count in counts],
            [[*tree.path(leaf.parent)[::-1], ROOT] for leaf in leaves],
            clusters([leaf.outcome for leaf in leaves]) if varied else [0] * len(leaves),
            self.prefix_cost,
            self.variety if varied else 0.0,
        )

    def _kept(self, tree: Tree, leaves: list[Node]) -> list[Node]:
        if len(leaves) == 1:
            return leaves
        mask = solve(self.choice(tree, leaves), self.seconds)
        if mask is None:
            tree.notes.append("the choice of leaves took too long; all are kept, as by rebase")
            tree.fell_back = True
            return leaves
        return [leaf for leaf, keep in zip(leaves, mask, strict=True) if keep]
