"""Beam search (Snell et al. 2024, arXiv 2408.03314; the code of search-and-learn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree, best_first


@dataclass(slots=True)
class Beam:
    """Every round extends `width` beams and keeps the best `width` / `branch` that are open.

    Those that have ended are put aside; the kept ones are copied in turn until there are `width`
    again, the best first. With fewer than `branch` beams one is kept. The last of `depth` rounds
    writes to the end.
    """

    width: int
    branch: int
    depth: int

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One round."""
        keep = max(1, self.width // self.branch)
        active = best_first(node for node in made if node.open)[:keep] if made else [tree[ROOT]]
        if not active:
            return ()
        last = active[0].depth + 1 >= self.depth
        wants = [Want(node.id, whole=last) for node in active]
        return [wants[i % len(wants)] for i in range(self.width)]
