"""Reward-balanced search (Wu et al. 2024, arXiv 2408.00724)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.softmax import softmax
from graphdsl.ops.trees.tree import ROOT, Node, Tree

_ROUNDING: Final = 1e-9
"""Quotients that exceed a whole number by less are that number."""


def shared(scores: Sequence[float], width: int, softness: float) -> list[int]:
    """How often each leaf is expanded: from the best on, its part of what is left, rounded up.

    Parts go by e^(score / softness); leaves without a score (minus infinity) have none unless all
    lack one. Of equal scores the first counts as better.

    >>> shared([0.3, 0.9, 0.1, 0.8], 16, 0.2)
    [0, 10, 0, 6]
    """
    counts = [0] * len(scores)
    masses = softmax(scores, softness)
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    left, rest = width, 0.0
    rests: list[float] = []
    for index in reversed(order):  # sums of what remains, smallest first: differences would drift
        rest += masses[index]
        rests.append(rest)
    for index in order:
        rest = rests.pop()
        if left <= 0 or rest <= 0:
            break
        counts[index] = min(left, math.ceil(left * masses[index] / rest - _ROUNDING))
        left -= counts[index]
    return counts


@dataclass(slots=True)
class Rebase:
    """Spreads `width` over the open leaves by their scores, until none is left.

    The width falls by one with each path that has come to an end; a failed one leaves its place
    to the others.
    """

    width: int
    softness: float = 0.2

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """One round."""
        if not made:
            return [Want(ROOT)] * self.width
        self.width -= sum(not node.open and not node.failed for node in made)
        leaves = [node for node in made if node.open]
        if not leaves or self.width <= 0:
            return ()
        return self.spread(leaves)

    def spread(self, leaves: Sequence[Node]) -> list[Want]:
        """The width over these leaves."""
        counts = shared([leaf.rank for leaf in leaves], self.width, self.softness)
        wants: list[Want] = []
        for leaf, count in zip(leaves, counts, strict=True):
            wants += [Want(leaf.id)] * count
        return wants
