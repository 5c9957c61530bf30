"""What AB-MCTS believes of scores, and how it draws from that (arXiv 2503.04412)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

MEAN: Final = 0.0
KAPPA: Final = 1.0
NU: Final = 1.0
TAU_SQUARE: Final = 0.1
"""The Gaussian prior: mean, how many scores it counts for, degrees of freedom, and scale."""

ALPHA: Final = 0.5
"""Both parameters of the Beta prior (Jeffreys)."""


@dataclass(slots=True)
class Seen:
    """Scores in [0, 1]: how many, their sum, and the sum of their squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, score: float) -> None:
        """One more."""
        self.count += 1
        self.total += score
        self.squares += score * score


Prior = Callable[[Seen, Random], float]
"""Draws what the mean of further scores may be, after these."""


def gaussian_parameters(seen: Seen) -> tuple[float, float, float, float]:
    """Mean, kappa, nu and tau² after these scores: the conjugate normal-inverse-χ² (Murphy 2023).

    >>> seen = Seen()
    >>> for score in (0.4, 0.8):
    ...     seen.add(score)
    >>> [round(number, 4) for number in gaussian_parameters(seen)]
    [0.4, 3.0, 3.0, 0.14]
    """
    count = seen.count
    mean = seen.total / count if count else 0.0
    spread = max(0.0, seen.squares - count * mean * mean)
    kappa, nu = KAPPA + count, NU + count
    shrunk = count * KAPPA * (MEAN - mean) ** 2 / kappa
    tau = (NU * TAU_SQUARE + spread + shrunk) / nu
    return (KAPPA * MEAN + count * mean) / kappa, kappa, nu, tau


def gaussian(seen: Seen, random: Random) -> float:
    """σ² from InvGamma(ν/2, ντ²/2), then the mean from N(m, σ²/κ)."""
    mean, kappa, nu, tau = gaussian_parameters(seen)
    variance = nu * tau / 2 / random.gammavariate(nu / 2, 1.0)
    return random.gauss(mean, math.sqrt(variance / kappa))


def beta(seen: Seen, random: Random) -> float:
    """From Beta(1/2 + Σ s, 1/2 + Σ (1 - s))."""
    return random.betavariate(ALPHA + seen.total, ALPHA + seen.count - seen.total)


PRIORS: Final[dict[str, Prior]] = {"gaussian": gaussian, "beta": beta}
"""By the word in a program."""
