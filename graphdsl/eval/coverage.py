"""Coverage as a power law of the number of samples (Brown et al. 2024, arXiv 2407.21787, §3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FARTHEST: Final = 2
"""How many times the largest k of the data the law may be asked for."""

_FAR: Final = 100
"""The logarithm of a k that no data have."""


@dataclass(frozen=True, slots=True)
class CoverageLaw:
    """coverage(k) = exp(a · k^-b), a < 0 and b > 0, fitted to data up to `largest` samples.

    `error` is the root mean square of what the law misses at the points that were fitted.
    """

    a: float
    b: float
    largest: float
    error: float

    def at(self, k: float) -> float:
        """The coverage of k samples.

        Raises `ValueError` for k < 1, and beyond twice the data: the law is an observation, and
        nothing says how far it holds.
        """
        farthest = FARTHEST * self.largest
        if not 1 <= k <= farthest:
            raise ValueError(
                f"k is {k}; the law was fitted to k from 1 to {farthest / FARTHEST:g}"
                f" and reaches from 1 to {farthest:g}"
            )
        return math.exp(self.a * k**-self.b)

    def samples_for(self, coverage: float) -> int:
        """The fewest samples with that coverage. Raises `ValueError` beyond twice the data."""
        if not 0 < coverage < 1:
            raise ValueError(f"a coverage of {coverage} is not between 0 and 1")
        needed = -math.log(math.log(coverage) / self.a) / self.b
        k = max(1, math.ceil(math.exp(min(needed, _FAR)) * (1 - 1e-12)))
        self.at(k)
        return k


def fit_coverage(points: Sequence[tuple[float, float]]) -> CoverageLaw:
    """The law through points (k, coverage): a line through log(-log coverage) over log k.

    The paper does not say how it fits in what we could read; least squares are ours. Points with
    coverage 0 or 1 lie on no such line and are left out. Raises `ValueError` for k < 1 or a
    coverage outside [0, 1], where fewer than two different k are left, and where coverage does
    not rise with k.

    >>> law = fit_coverage([(k, math.exp(-2 * k**-0.5)) for k in (1, 4, 16)])
    >>> round(law.a, 6), round(law.b, 6), round(law.at(32), 4)
    (-2.0, 0.5, 0.7022)
    """
    for k, coverage in points:
        if not (1 <= k < math.inf and 0 <= coverage <= 1):
            raise ValueError(
                f"a coverage of {coverage} with k = {k}: k is at least 1, and coverage from 0 to 1"
            )
    inside = [(k, coverage) for k, coverage in points if 0 < coverage < 1]
    if len({k for k, _ in inside}) < 2:
        raise ValueError("a fit needs coverage strictly between 0 and 1 at two or more k")
    line = [(math.log(k), math.log(-math.log(coverage))) for k, coverage in inside]
    slope, start = _line(line)
    if slope >= 0:
        raise ValueError("coverage does not rise with k, so no power law fits it")
    law = CoverageLaw(-math.exp(start), -slope, max(k for k, _ in points), 0.0)
    missed = math.fsum((law.at(k) - coverage) ** 2 for k, coverage in inside)
    return CoverageLaw(law.a, law.b, law.largest, math.sqrt(missed / len(inside)))


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and start of the least-squares line."""
    count = len(points)
    middle_x = math.fsum(x for x, _ in points) / count
    middle_y = math.fsum(y for _, y in points) / count
    spread = math.fsum((x - middle_x) ** 2 for x, _ in points)
    slope = math.fsum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    return slope, middle_y - slope * middle_x
