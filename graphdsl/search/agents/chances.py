"""Steps of distributions: what a round of samples and an agent's advice do to one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

Chances = tuple[float, ...]
"""Probabilities of the cells of a parameter; they sum to 1."""

FLOOR: Final = 0.02
"""No cell becomes less likely than this, or than half an even share where that is less."""


def even(count: int) -> Chances:
    """All cells equally likely."""
    return (1 / count,) * count


def normal(weights: Sequence[float]) -> Chances:
    """Weights that are not negative, as chances; all equally likely where none is above 0."""
    total = math.fsum(weights)
    return tuple(one / total for one in weights) if total > 0 else even(len(weights))


def clipped(chances: Chances, floor: float = FLOOR) -> Chances:
    """Chances of at least `floor`, at most half an even share; what others lose is in proportion.

    >>> clipped((0.0, 0.25, 0.75), 0.1)
    (0.1, 0.225, 0.675)
    """
    least = min(floor, 0.5 / len(chances))
    low: set[int] = set()
    while True:
        rest = math.fsum(one for at, one in enumerate(chances) if at not in low)
        scale = (1 - least * len(low)) / rest
        found = tuple(least if at in low else one * scale for at, one in enumerate(chances))
        below = {at for at, one in enumerate(found) if one < least}
        if not below:
            return found
        low |= below


def scaled(advantages: Sequence[float], least: float) -> list[float]:
    """Advantages in units of their root mean square, or of `least` where that is more: a round in
    which all did about the same teaches little.

    >>> scaled([0.5, -0.5], 0.25), scaled([0.125, -0.125], 0.25)
    ([1.0, -1.0], [0.5, -0.5])
    """
    if not advantages:
        return []
    unit = max(least, math.sqrt(math.fsum(one * one for one in advantages) / len(advantages)))
    return [one / unit for one in advantages]


def gradient(
    chances: Chances, drawn: Sequence[tuple[int, float]], samples: int, ordered: bool = False
) -> tuple[float, ...]:
    """The policy gradient with respect to the logarithms of the chances: (1/M) Σ A_i (e_i - p).

    `drawn` are cell and advantage of those of the M samples in which the parameter was decided.
    With `ordered` cells a quarter of what was learnt of a cell is said of each neighbour (of three
    and more; at an end that quarter stays), which the pure gradient does not do.
    """
    total = [0.0] * len(chances)
    for cell, advantage in drawn:
        for at, share in enumerate(_spread(cell, len(chances), ordered)):
            total[at] += advantage * (share - chances[at])
    return tuple(one / samples for one in total)


def stepped(chances: Chances, slope: Sequence[float], rate: float) -> Chances:
    """One step along a gradient: p ∝ p · exp(rate · g)."""
    return normal([p * math.exp(rate * g) for p, g in zip(chances, slope, strict=True)])


def blended(first: Chances, second: Chances, weight: float) -> Chances:
    """The mixture (1 - w) · first + w · second."""
    return tuple((1 - weight) * a + weight * b for a, b in zip(first, second, strict=True))


def _spread(cell: int, count: int, ordered: bool) -> list[float]:
    share = [0.0] * count
    if not ordered or count < 3:
        share[cell] = 1.0
        return share
    for at, part in ((cell - 1, 0.25), (cell, 0.5), (cell + 1, 0.25)):
        share[at if 0 <= at < count else cell] += part
    return share
