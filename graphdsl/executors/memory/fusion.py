"""Several rankings as one (Cormack, Clarke and Büttcher 2009, Reciprocal Rank Fusion)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

K: Final = 60
"""The constant of the paper: how little the first ranks stand out."""


def fused(rankings: Iterable[Sequence[int]], top: int) -> list[tuple[int, float]]:
    """The `top` ids with the largest sums of 1 / (60 + rank); the smallest id first on ties.

    >>> [row for row, _ in fused([[1, 2, 3], [2, 4]], 3)]
    [2, 1, 4]
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, 1):
            scores[row] += 1 / (K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:top]
