"""How much an agent's advice counts beside what was learnt without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

LEAST: Final = 0.02
MOST: Final = 0.9
"""Bounds of the weight: no agent is left out for good, and none is followed blindly."""


def trust(preferences: Sequence[float], worths: Sequence[float]) -> float:
    """The weight of advice, by whether it would rather have drawn the better points.

    1 / (1 + exp(-z)) with z = ρ·√n, ρ the correlation between its preference for each point seen
    so far and what the point was worth; about a standard normal number for advice that has nothing
    to do with it. Hostile advice counts next to nothing after a few points, and ½ where nothing is
    known.

    >>> round(trust([1.0, -1.0, 2.0, 0.0], [0.6, 0.4, 0.7, 0.5]), 3), trust([1.0], [0.5])
    (0.881, 0.5)
    """
    n = len(worths)
    spread = math.sqrt(_product(preferences, preferences) * _product(worths, worths))
    if n < 2 or spread < 1e-12:
        return 0.5
    z = _product(preferences, worths) / spread * math.sqrt(n)
    return min(MOST, max(LEAST, 1 / (1 + math.exp(-z))))


def _product(first: Sequence[float], second: Sequence[float]) -> float:
    """The sum of products of deviations from the means."""
    if not first:
        return 0.0
    a, b = math.fsum(first) / len(first), math.fsum(second) / len(second)
    return math.fsum((x - a) * (y - b) for x, y in zip(first, second, strict=True))
