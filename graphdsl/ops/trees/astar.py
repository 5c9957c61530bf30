"""A* over partial solutions (A*-Decoding, arXiv 2505.13672)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree, weighed

QUEUE: Final = 1024
"""Most nodes that wait; the worst leave first. The paper gives no number."""


@dataclass(slots=True)
class AStar:
    """Expands the node of the highest f = g + h, by `branch` continuations.

    h is a node's score. g adds up how much h has risen along the path: g(child) = g(parent) +
    max(0, h(child) - h(parent)), both 0 at the root; a missing score is 0 there, and f is then
    minus infinity. Of equal f the deeper goes first, then the earlier. The first finished path
    that would be expanded is the answer (`Tree.chosen`). Ends without one with `nodes` candidates,
    or when nothing waits.
    """

    nodes: int
    branch: int
    _risen: dict[int, float] = field(default_factory=lambda: {ROOT: 0.0})
    _queue: list[tuple[float, int, int]] = field(default_factory=list[tuple[float, int, int]])

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """The continuations of the best node."""
        for node in made:
            self._add(tree, node)
        if not made:
            self._queue.append((0.0, 0, ROOT))
        del self._queue[QUEUE:]
        if not self._queue:
            return ()
        room = self.nodes - tree.made
        node = tree[self._queue[0][2]]
        if not node.open:
            tree.chosen = node.id
            return ()
        if room <= 0:
            return ()
        del self._queue[0]
        return [Want(node.id)] * min(self.branch, room)

    def f(self, node: Node) -> float:
        """Its place in the queue: more is better."""
        return self._risen[node.id] + node.rank

    def _add(self, tree: Tree, node: Node) -> None:
        if node.failed:
            return
        before = weighed(tree[node.parent].outcome.score)
        self._risen[node.id] = self._risen[node.parent] + max(0.0, node.value - before)
        insort(self._queue, (-self.f(node), -node.depth, node.id))
