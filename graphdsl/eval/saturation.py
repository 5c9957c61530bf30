"""Where more samples or turns stop paying (*Scaling over Scaling*, the model TTSPM).

Samples in parallel and turns in a row (an absorbing chain with a probability of thinking again)
have the same form: F(N) = F_max · (1 - (1 - p)^N).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 1e-6
"""p is cut to [1e-6, 1 - 1e-6]."""

_GRID: Final = 400
_REFINEMENTS: Final = 80
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Saturation:
    """The accuracy `limit` (F_max) that is approached, and the chance `p` of one more sample to
    reach it. Raises `ValueError` for a limit outside (0, 1] and p outside [0, 1].

    >>> Saturation(0.9, 0.3).samples_until(0.01)
    10
    """

    limit: float
    p: float

    def __post_init__(self) -> None:
        if not 0 < self.limit <= 1:
            raise ValueError(f"a limit of {self.limit} is not above 0 and at most 1")
        if not 0 <= self.p <= 1:
            raise ValueError(f"a probability of {self.p} is not from 0 to 1")
        object.__setattr__(self, "p", min(1 - _LEAST, max(_LEAST, self.p)))

    def at(self, n: float) -> float:
        """The accuracy with n samples or turns. Raises `ValueError` for n < 0."""
        return -self.limit * math.expm1(_not_below_zero(n) * math.log1p(-self.p))

    def gain(self, n: float) -> float:
        """What sample n + 1 adds: F_max · p · (1 - p)^n. Raises `ValueError` for n < 0."""
        return self.limit * self.p * math.exp(_not_below_zero(n) * math.log1p(-self.p))

    def samples_until(self, least_gain: float) -> int:
        """The fewest samples after which one more gains at most `least_gain`, at least 1.

        ⌈ln(ε / (F_max · p)) / ln(1 - p)⌉. Raises `ValueError` unless `least_gain` is above 0: the
        gain never ends.
        """
        if not least_gain > 0:
            raise ValueError(f"a least gain of {least_gain} is not above 0: the gain never ends")
        if least_gain >= self.limit * self.p:
            return 1
        log = math.log(least_gain / (self.limit * self.p)) / math.log1p(-self.p)
        return max(1, math.ceil(log - 1e-9))


def fit_saturation(points: Sequence[tuple[float, float]]) -> Saturation:
    """The curve through points (n, accuracy) by least squares.

    For each p the best limit is known; p is searched on a grid and then between its neighbours.
    Raises `ValueError` for n < 1 or an accuracy outside [0, 1], fewer than two different n, and
    where all accuracies are 0.

    >>> curve = fit_saturation([(n, 0.9 * (1 - 0.7**n)) for n in (1, 2, 4, 8, 16)])
    >>> round(curve.limit, 6), round(curve.p, 6)
    (0.9, 0.3)
    """
    for n, accuracy in points:
        if not (1 <= n < math.inf and 0 <= accuracy <= 1):
            raise ValueError(
                f"an accuracy of {accuracy} with n = {n}: n is at least 1, and accuracy from 0 to 1"
            )
    if len({n for n, _ in points}) < 2:
        raise ValueError("a fit needs accuracies at two or more different n")
    if all(accuracy == 0 for _, accuracy in points):
        raise ValueError("all accuracies are 0, so nothing is approached")
    edge = math.log((1 - _LEAST) / _LEAST)
    grid = [edge * (2 * i / _GRID - 1) for i in range(_GRID + 1)]
    best = min(range(len(grid)), key=lambda i: _missed(points, _share(grid[i])))
    ends = grid[max(0, best - 1)], grid[min(_GRID, best + 1)]
    p = _share(_lowest(points, *ends))
    return Saturation(_limit(points, p), p)


def _not_below_zero(n: float) -> float:
    if n < 0:
        raise ValueError(f"{n} samples, where at least 0 are needed")
    return n


def _limit(points: Sequence[tuple[float, float]], p: float) -> float:
    """The limit with the least squares for this p."""
    shapes = [-math.expm1(n * math.log1p(-p)) for n, _ in points]
    above = math.fsum(shape * y for shape, (_, y) in zip(shapes, points, strict=True))
    return min(1.0, above / math.fsum(shape * shape for shape in shapes))


def _missed(points: Sequence[tuple[float, float]], p: float) -> float:
    curve = Saturation(_limit(points, p), p)
    return math.fsum((curve.at(n) - y) ** 2 for n, y in points)


def _lowest(points: Sequence[tuple[float, float]], low: float, high: float) -> float:
    """Golden-section search, on the logit of p."""
    for _ in range(_REFINEMENTS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _missed(points, _share(left)) <= _missed(points, _share(right)):
            high = right
        else:
            low = left
    return (low + high) / 2


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
