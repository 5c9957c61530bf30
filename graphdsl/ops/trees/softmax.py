"""Shares by softmax, where some scores are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence


def softmax(scores: Sequence[float], softness: float = 1.0) -> list[float]:
    """Shares that sum to 1; minus infinity has none, unless all are: then all are equal.

    >>> [round(share, 3) for share in softmax([2.0, 1.0, -math.inf])]
    [0.731, 0.269, 0.0]
    >>> softmax([-math.inf, -math.inf])
    [0.5, 0.5]
    """
    if not scores:
        return []
    top = max(scores)
    if top == -math.inf:
        return [1 / len(scores)] * len(scores)
    if top == math.inf:
        masses = [float(score == top) for score in scores]
    else:
        masses = [math.exp((score - top) / softness) for score in scores]
    whole = sum(masses)
    return [mass / whole for mass in masses]
