"""Intervals of a mean that hold at every n at once, for who looks after every block.

With probability of at least `level` the mean lies in all of them, however often one looks and for
whatever reason one stops. Items must come in an order that does not depend on their outcomes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from graphdsl.eval.intervals import Interval, around, missing

_MOST: Final = 0.5
"""No bet is larger, so that one outcome cannot ruin it."""


def look_level(look: int, level: float = 0.95) -> float:
    """The level of a fixed-n interval at the n-th look, so that all looks together have `level`.

    δ_n = 6δ / (π² n²) (a union bound). Raises `ValueError` for look < 1 and a level outside (0, 1).

    >>> round(look_level(1), 4), round(look_level(10), 6)
    (0.9696, 0.999696)
    """
    if look < 1:
        raise ValueError(f"look {look}: looks are counted from 1")
    return 1 - 6 * missing(level) / (math.pi * look) ** 2


def normal_mixture(
    mean: float,
    n: int,
    level: float = 0.95,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    tightest_at: float = 200,
) -> Interval:
    """The interval of the mean of n values between `bounds`, tightest near n = `tightest_at`.

    |S_n - nμ| ≤ √((V + ρ) ln((V + ρ) / (ρ δ²))), V = nσ², σ = (b - a) / 2 (Robbins 1970; Howard
    et al., arXiv 1810.08240, §3.2). Raises `ValueError` for n < 1, `tightest_at` that is not above
    0, a mean outside the bounds, and a level outside (0, 1).
    """
    low, high = bounds
    if n < 1 or not tightest_at > 0 or not low <= mean <= high or not low < high:
        raise ValueError(
            f"a mean of {mean} of {n} values from {low} to {high}, tightest at {tightest_at}"
        )
    delta, variance = missing(level), ((high - low) / 2) ** 2
    log = 2 * math.log(1 / delta)
    rho = tightest_at * variance / (log + math.log1p(log))
    total = n * variance + rho
    half = math.sqrt(total * math.log(total / (rho * delta * delta))) / n
    return around(mean, half, bounds)


@dataclass(slots=True)
class BernsteinSequence:
    """The predictable plug-in empirical Bernstein sequence (Waudby-Smith and Ramdas, arXiv
    2010.09686, theorem 2): adapts to values that vary little, as costs and seconds with a known
    worst case do.

    Values are told one by one. Raises `ValueError` for bounds that are not two finite numbers in
    order, and a level outside (0, 1).
    """

    level: float = 0.95
    bounds: tuple[float, float] = (0.0, 1.0)
    n: int = 0
    _log: float = field(init=False)
    _sum: float = field(default=0.5, init=False)
    _squares: float = field(default=0.25, init=False)
    _bets: float = field(default=0.0, init=False)
    _won: float = field(default=0.0, init=False)
    _risk: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        low, high = self.bounds
        if not -math.inf < low < high < math.inf:
            raise ValueError(f"values cannot be from {low} to {high}")
        self._log = math.log(2 / missing(self.level))

    def add(self, value: float) -> None:
        """Take one more value. Raises `ValueError` for one outside the bounds."""
        low, high = self.bounds
        if not low <= value <= high:
            raise ValueError(f"the value {value} is not from {low} to {high}")
        x = (value - low) / (high - low)
        mean, variance = self._sum / (self.n + 1), self._squares / (self.n + 1)
        self.n += 1
        bet = min(_MOST, math.sqrt(2 * self._log / (variance * self.n * math.log1p(self.n))))
        self._bets += bet
        self._won += bet * x
        self._risk += (x - mean) ** 2 * (-math.log1p(-bet) - bet)
        self._sum += x
        self._squares += (x - self._sum / (self.n + 1)) ** 2

    @property
    def interval(self) -> Interval:
        """Where the mean lies; all of the bounds before the first value."""
        low, high = self.bounds
        if self.n == 0:
            return Interval(low, high)
        centre, half = self._won / self._bets, (self._log + self._risk) / self._bets
        inside = around(min(1.0, max(0.0, centre)), half, (0.0, 1.0))
        return Interval(low + inside.low * (high - low), low + inside.high * (high - low))
