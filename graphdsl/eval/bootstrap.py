"""Intervals of a mean by resampling the items (Efron 1979), for scores of any shape."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

from graphdsl.eval.intervals import Interval, missing

_NORMAL = NormalDist()


def bootstrap(
    values: Sequence[float],
    level: float = 0.95,
    *,
    method: Literal["bca", "percentile"] = "bca",
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The interval of the mean, from the means of random samples of the values with replacement.

    `percentile` takes their quantiles; `bca` corrects these for bias and skew (Efron 1987). The
    same seed gives the same interval. Values that are all equal have one of no width, which says
    that the method does not know, and not that there is no doubt. Raises `ValueError` without
    values, for one that is not finite, for a level outside (0, 1), and below two resamples.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    if not all(map(math.isfinite, values)):
        raise ValueError("the values of an interval are finite")
    if resamples < 2:
        raise ValueError(f"{resamples} resamples, where at least 2 are needed")
    tail = missing(level) / 2
    mean = math.fsum(values) / len(values)
    if min(values) == max(values):
        return Interval(mean, mean)
    chance, n = random.Random(seed), len(values)
    means = sorted(math.fsum(chance.choices(values, k=n)) / n for _ in range(resamples))
    ends = tail, 1 - tail
    if method == "bca":
        ends = _corrected(values, mean, means, tail)
    return Interval(_quantile(means, ends[0]), _quantile(means, ends[1]))


def _corrected(
    values: Sequence[float], mean: float, means: Sequence[float], tail: float
) -> tuple[float, float]:
    """Where the ends lie among the means, given their bias and the skew of the values."""
    below = (bisect_left(means, mean) + bisect_right(means, mean)) / (2 * len(means))
    bias = _NORMAL.inv_cdf(min(1 - 0.5 / len(means), max(0.5 / len(means), below)))
    scale = max(abs(value - mean) for value in values)  # neither cubes nor squares vanish
    apart = [(value - mean) / scale for value in values]
    skew = math.fsum(d**3 for d in apart) / (6 * math.fsum(d**2 for d in apart) ** 1.5)

    def moved(share: float) -> float:
        reach = bias + _NORMAL.inv_cdf(share)
        return _NORMAL.cdf(bias + reach / (1 - skew * reach))

    return moved(tail), moved(1 - tail)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """With linear interpolation between the two nearest."""
    place = share * (len(ordered) - 1)
    before = min(int(place), len(ordered) - 2)
    return ordered[before] + (place - before) * (ordered[before + 1] - ordered[before])
