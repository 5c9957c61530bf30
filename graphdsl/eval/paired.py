"""Two systems on the same items: what their difference is, and whether there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from statistics import NormalDist

from graphdsl.eval.bootstrap import bootstrap
from graphdsl.eval.intervals import Interval, missing, wilson


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """On how many items both systems are right, only the first, only the second, and neither."""

    both: int
    first: int
    second: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.first, self.second, self.neither) < 0 or self.items < 1:
            raise ValueError(f"{self}: counts are at least 0, and there is at least one item")

    @property
    def items(self) -> int:
        """All of them."""
        return self.both + self.first + self.second + self.neither

    @property
    def difference(self) -> float:
        """Accuracy of the first less that of the second."""
        return (self.first - self.second) / self.items


def paired_counts(first: Sequence[float], second: Sequence[float]) -> PairedCounts:
    """The counts of two lists of 0 and 1, item by item.

    Raises `ValueError` for other scores (see `paired_difference`), lists of different lengths, and
    no items.
    """
    pairs = _pairs(first, second)
    for ours, theirs in pairs:
        if ours not in (0, 1) or theirs not in (0, 1):
            raise ValueError(f"scores {ours} and {theirs}: only 0 and 1 can be counted")
    return PairedCounts(*(pairs.count(pair) for pair in ((1, 1), (1, 0), (0, 1), (0, 0))))


def newcombe(counts: PairedCounts, level: float = 0.95) -> Interval:
    """The interval of a difference of paired proportions (Newcombe 1998, *Statistics in Medicine*
    17:2635, method 10): squares of the Wilson intervals added, less their correlation.

    Raises `ValueError` for a level outside (0, 1).

    >>> tuple(round(end, 4) for end in newcombe(PairedCounts(20, 12, 2, 16)))
    (0.0562, 0.3292)
    """
    n = counts.items
    ours, theirs = counts.both + counts.first, counts.both + counts.second
    (low1, high1), (low2, high2) = wilson(ours, n, level), wilson(theirs, n, level)
    p1, p2, phi = ours / n, theirs / n, _phi(counts)
    down, up = _apart(p1 - low1, high2 - p2, phi), _apart(high1 - p1, p2 - low2, phi)
    return Interval(counts.difference - down, counts.difference + up)


def mcnemar(counts: PairedCounts, mid: bool = False) -> float:
    """The exact two-sided p-value of "both are right equally often" (McNemar 1947): a sign test on
    the items where they differ.

    `mid` counts half of what is as probable as the data, which is less conservative (Fagerland et
    al. 2013, doi 10.1186/1471-2288-13-91). 1 where they never differ.

    >>> round(mcnemar(PairedCounts(20, 12, 2, 16)), 4)
    0.0129
    """
    differing = counts.first + counts.second
    fewer = min(counts.first, counts.second)
    tail = sum(math.comb(differing, i) for i in range(fewer + 1))
    if not mid:
        return min(1.0, 2 * tail / 2**differing)
    return (2 * tail - math.comb(differing, fewer)) / 2**differing if differing else 1.0


def paired_difference(
    first: Sequence[float],
    second: Sequence[float],
    level: float = 0.95,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """The interval of the mean difference of any scores, by resampling items (`bootstrap`).

    Raises `ValueError` for lists of different lengths, and as `bootstrap`.
    """
    differences = [ours - theirs for ours, theirs in _pairs(first, second)]
    return bootstrap(differences, level, resamples=resamples, seed=seed)


def items_needed(gain: float, differing: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """How many items show a true gain in accuracy between systems that differ on a share of them.

    The variance of a paired difference is d - gain², d the share on which only one is right, so
    that systems with common samples need fewer. Raises `ValueError` for a gain that is 0 or above
    d, and a power or level outside (0, 1).

    >>> items_needed(0.05, 0.4), items_needed(0.05, 0.12)
    (1248, 369)
    """
    if not 0 < abs(gain) <= differing <= 1:
        raise ValueError(f"a gain of {gain} among systems that differ on {differing} of the items")
    normal = NormalDist()
    distance = normal.inv_cdf(1 - missing(level) / 2) + normal.inv_cdf(1 - missing(power))
    return max(1, math.ceil(distance**2 * (differing - gain**2) / gain**2 - 1e-9))


def sign_flip(differences: Sequence[float], *, resamples: int = 4000, seed: int = 0) -> float:
    """The two-sided p-value of "differences are as likely one way as the other" (Fisher 1935).

    Every difference keeps its size and has its sign drawn anew: all of the ways where they are
    few, else so many with a fixed seed, the data counted among them. 1 where all are 0. Raises
    `ValueError` for no differences, and fewer than one resample.

    >>> sign_flip([1.0, 0.5]), sign_flip([0.0, 0.0])
    (0.5, 1.0)
    """
    if not differences or resamples < 1:
        raise ValueError(f"{len(differences)} differences and {resamples} resamples: 1 at least")
    sizes = [abs(one) for one in differences if one]
    seen = abs(math.fsum(differences)) * (1 - 1e-12)
    if 2 ** len(sizes) <= resamples:
        signs = product((1, -1), repeat=len(sizes))
        extreme = [_flipped(sizes, one) >= seen for one in signs]
        return sum(extreme) / len(extreme)
    random = Random(seed)
    drawn = (random.choices((1, -1), k=len(sizes)) for _ in range(resamples))
    return (1 + sum(_flipped(sizes, one) >= seen for one in drawn)) / (1 + resamples)


def _flipped(sizes: Sequence[float], signs: Sequence[int]) -> float:
    return abs(math.fsum(size * sign for size, sign in zip(sizes, signs, strict=True)))


def _pairs(first: Sequence[float], second: Sequence[float]) -> list[tuple[float, float]]:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores are not of the same items")
    if not first:
        raise ValueError("a comparison needs at least one item")
    return list(zip(first, second, strict=True))


def _phi(counts: PairedCounts) -> float:
    """The correlation of the two, corrected for continuity; 0 where one is always the same."""
    a, b, c, d = counts.both, counts.first, counts.second, counts.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    product = a * d - b * c
    if product > 0:
        product = max(product - counts.items / 2, 0)
    return product / math.sqrt(margins)


def _apart(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
