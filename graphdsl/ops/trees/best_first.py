"""Best-first search (as in TreeQuest, Inoue et al. 2025, arXiv 2503.04412)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree


@dataclass(slots=True)
class BestFirst:
    """Always expands the open node of the highest score: `branch` children by each model.

    Of equal ones the shallower goes first, then the earlier. Each node is expanded once. Ends
    with `nodes` candidates, or when none is open.
    """

    nodes: int
    branch: int
    models: int = 1
    _queue: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """The children of the best open node."""
        for node in made if made else (tree[ROOT],):
            if node.open:
                heappush(self._queue, (-node.rank, node.depth, node.id))
        room = self.nodes - tree.made
        if room <= 0 or not self._queue:
            return ()
        best = heappop(self._queue)[2]
        wants = [Want(best, model) for model in range(self.models) for _ in range(self.branch)]
        return wants[:room]
