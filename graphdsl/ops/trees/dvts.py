"""Diverse verifier tree search (Beeching et al. 2024, the code of search-and-learn)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.tree import ROOT, Node, Tree, best_first


@dataclass(slots=True)
class Dvts:
    """`width` / `branch` trees that do not see each other; each goes on from its own best child.

    A tree ends when its best child has. What remains of `width` is spread over the first trees.
    The last of `depth` rounds writes to the end, so that all its leaves are results.
    """

    width: int
    branch: int
    depth: int
    _owners: list[int] = field(default_factory=list[int])
    """The tree of each want of the last round."""

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One round of all trees that go on."""
        last = (made[0].depth if made else 0) + 1 >= self.depth
        wants: list[Want] = []
        owners: list[int] = []
        for number, node in sorted(self._best(tree, made).items()):
            if node.open:
                wants += [Want(node.id, whole=last)] * self._samples(number)
                owners += [number] * self._samples(number)
        self._owners = owners
        return wants

    def _best(self, tree: Tree, made: Sequence[Node]) -> dict[int, Node]:
        """The best new node of each tree that has one; at first the root of all."""
        if not made:
            return dict.fromkeys(range(self._trees), tree[ROOT])
        children: dict[int, list[Node]] = {}
        for number, node in zip(self._owners, made, strict=True):
            if not node.failed:
                children.setdefault(number, []).append(node)
        return {number: best_first(nodes)[0] for number, nodes in children.items()}

    @property
    def _trees(self) -> int:
        return max(1, self.width // self.branch)

    def _samples(self, number: int) -> int:
        each, more = divmod(self.width, self._trees)
        return each + (number < more)
