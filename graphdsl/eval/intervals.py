"""Intervals around a mean of n independent items, for one look at the data.

Who looks again after every block needs `graphdsl.eval.confidence_sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

from graphdsl.eval.beta import beta_quantile


class Interval(NamedTuple):
    """From `low` to `high`, in the unit of what was measured."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """`high` - `low`."""
        return self.high - self.low

    def __contains__(self, value: object) -> bool:
        """Whether a number lies inside, ends included."""
        return isinstance(value, int | float) and self.low <= value <= self.high


def wilson(successes: float, n: int, level: float = 0.95) -> Interval:
    """The score interval of a proportion (Wilson 1927).

    Covers at about `level` on average, also near 0 and 1. `successes` may be a fraction, where
    credit was split. Raises `ValueError` for n < 1, successes outside [0, n] and a level outside
    (0, 1).

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    check_counts(successes, n)
    z = NormalDist().inv_cdf(1 - missing(level) / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    scale = 1 + z * z / n
    low, high = (middle - half) / scale, (middle + half) / scale
    return Interval(
        0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high)
    )


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """The exact interval of a proportion (Clopper and Pearson 1934): never covers less than
    `level`, and is wider than `wilson`. Raises as `wilson`, and for successes that are no whole
    number.

    >>> tuple(round(end, 4) for end in clopper_pearson(8, 10))
    (0.4439, 0.9748)
    """
    check_counts(successes, n)
    if successes != int(successes):
        raise ValueError(f"{successes} successes: the exact interval counts whole ones")
    tail = missing(level) / 2
    low = beta_quantile(tail, successes, n - successes + 1) if successes else 0.0
    high = beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return Interval(low, high)


def hoeffding(
    values: Sequence[float], level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """For the mean of any values between `bounds` (Hoeffding 1963); holds at every n, and is wide.

    The half width is (b - a) · √(ln(2/δ) / 2n) with δ = 1 - `level`. Raises `ValueError` without
    values, for one outside the bounds, and a level outside (0, 1).
    """
    mean = mean_within(values, bounds)
    half = math.sqrt(math.log(2 / missing(level)) / (2 * len(values)))
    return around(mean, (bounds[1] - bounds[0]) * half, bounds)


def empirical_bernstein(
    values: Sequence[float], level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> Interval:
    """For the mean of values between `bounds` that vary little (Audibert et al. 2009, theorem 1).

    The half width is √(2V ln(3/δ) / n) + 3(b - a) ln(3/δ) / n, V being the variance with divisor
    n. Raises as `hoeffding`.
    """
    mean = mean_within(values, bounds)
    n, log = len(values), math.log(3 / missing(level))
    variance = math.fsum((value - mean) ** 2 for value in values) / n
    half = math.sqrt(2 * variance * log / n) + 3 * (bounds[1] - bounds[0]) * log / n
    return around(mean, half, bounds)


def around(mean: float, half: float, bounds: tuple[float, float]) -> Interval:
    """`mean` ± `half`, cut at the bounds of the values."""
    return Interval(max(bounds[0], mean - half), min(bounds[1], mean + half))


def missing(level: float) -> float:
    """1 - `level`. Raises `ValueError` for a level outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"a level of {level} is not between 0 and 1; 0.95 is usual")
    return 1 - level


def check_counts(successes: float, n: int) -> None:
    """Raises `ValueError` unless 0 ≤ successes ≤ n and n ≥ 1."""
    if n < 1:
        raise ValueError(f"an interval needs at least one item, and n is {n}")
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n} items")


def mean_within(values: Sequence[float], bounds: tuple[float, float]) -> float:
    """The mean. Raises `ValueError` without values, or for one outside the bounds."""
    low, high = bounds
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"values cannot be from {low} to {high}")
    if not values:
        raise ValueError("an interval needs at least one value")
    for value in values:
        if not low <= value <= high:
            raise ValueError(f"the value {value} is not from {low} to {high}")
    return math.fsum(values) / len(values)
