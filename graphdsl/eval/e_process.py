"""Evidence that may be looked at after every item: bets against a claim.

An e-value is what one unit of money has become in bets that are fair if the claim holds. Whatever
the rule for stopping, it reaches 1/α with probability of at most α then (Ville's inequality).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.eval.intervals import Interval, missing

_MOST: Final = 0.5
"""The largest share of the money that one outcome may cost."""


def paired_e_value(wins: int, losses: int) -> float:
    """The e-value against "the first system is not better", from items that only one gets right.

    2^(w + l + 1) · B(w + 1, l + 1) · P(Beta(w + 1, l + 1) > ½): a mixture of bets over all chances
    of winning above ½, with no parameter to choose. Computed exactly. Infinite above 1e308. Raises
    `ValueError` for negative counts.

    >>> paired_e_value(0, 0), round(paired_e_value(10, 2), 3)
    (1.0, 9.441)
    """
    log = log_paired_e_value(wins, losses)
    return math.exp(log) if log < 709 else math.inf


def log_paired_e_value(wins: int, losses: int) -> float:
    """The natural logarithm of `paired_e_value`, which is always finite."""
    if min(wins, losses) < 0:
        raise ValueError(f"{wins} wins and {losses} losses: counts are at least 0")
    bets = wins + losses + 1
    term, total = 1, 1
    for j in range(wins):  # C(bets, 0) + … + C(bets, wins)
        term = term * (bets - j) // (j + 1)
        total += term
    return math.log(total) - math.log(bets * math.comb(wins + losses, wins))


@dataclass(slots=True)
class BettingProcess:
    """Bets against "the mean of D is at most `null`", for differences D in [-1, 1] told in order.

    The wealth is ∏ (1 + λ_t (D_t - m)) with λ_t = clip(μ̂ / (σ̂² + μ̂²), 0, ½ / (1 + m)) from the
    mean and variance of D - m so far (Waudby-Smith and Ramdas, arXiv 2010.09686, §4). Against "the
    mean is at least m", tell it -D with `null` = -m. Raises `ValueError` for a null outside
    (-1, 1].
    """

    null: float = 0.0
    log_wealth: float = field(default=0.0, init=False)
    best: float = field(default=0.0, init=False)
    """The largest `log_wealth` there has been."""
    _n: int = field(default=0, init=False)
    _mean: float = field(default=0.0, init=False)
    _squares: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if not -1 < self.null <= 1:
            raise ValueError(f"a mean of at most {self.null}: differences are from -1 to 1")

    def add(self, difference: float) -> None:
        """Take one more difference. Raises `ValueError` for one outside [-1, 1]."""
        if not -1 <= difference <= 1:
            raise ValueError(f"the difference {difference} is not from -1 to 1")
        gain = difference - self.null
        self.log_wealth += math.log1p(self._bet() * gain)
        self.best = max(self.best, self.log_wealth)
        self._n += 1
        step = gain - self._mean
        self._mean += step / self._n
        self._squares += step * (gain - self._mean)

    def rejects(self, alpha: float) -> bool:
        """Whether the wealth has ever reached 1/α, so that the claim may be given up for good.

        Raises `ValueError` for α outside (0, 1).
        """
        return self.best >= -math.log1p(-missing(alpha))

    def _bet(self) -> float:
        if self._n == 0 or self._mean <= 0:
            return 0.0
        moment = self._squares / self._n + self._mean**2
        return min(self._mean / moment, _MOST / (1 + self.null))


def betting_interval(
    differences: Sequence[float], level: float = 0.95, *, grid: int = 400
) -> Interval:
    """Where the mean of differences in [-1, 1] lies, at every n at once: what no bet has refuted.

    `grid` + 1 claims are tested from each side, each at half of 1 - `level`; an end is the
    outermost claim up to which all are refuted, so that between claims nothing is lost. Raises
    `ValueError` for a difference outside [-1, 1], a grid below 2 and a level outside (0, 1).
    """
    if grid < 2:
        raise ValueError(f"a grid of {grid} parts, where at least 2 are needed")
    alpha = missing(level) / 2
    down = _refuted([-difference for difference in differences], alpha, grid)
    return Interval(_refuted(differences, alpha, grid), -down)


def _refuted(differences: Sequence[float], alpha: float, grid: int) -> float:
    """The largest m up to which every claim "the mean is at most m" is refuted."""
    last = -1.0
    for step in range(1, grid):
        process = BettingProcess(2 * step / grid - 1)
        for difference in differences:
            process.add(difference)
        if not process.rejects(alpha):
            break
        last = process.null
    return last
