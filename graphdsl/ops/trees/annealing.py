"""Temperatures that flatten the resampling of particles early (arXiv 2510.05825)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

Annealing = Callable[[Sequence[float], float], float]
"""The temperature from the shares of the particles and the part of all steps that is over."""


def none(shares: Sequence[float], over: float) -> float:
    """Always 1."""
    return 1.0


def ess(shares: Sequence[float], over: float) -> float:
    """By the effective sample size ESS = 1/Σp²: max(1, (N/ESS)·(1 - t/S)) where both ESS/N and t/S
    are below 1/2, else 1.

    >>> ess([1.0, 0.0, 0.0, 0.0], 0.25), ess([0.25] * 4, 0.25), ess([1.0, 0.0, 0.0, 0.0], 0.5)
    (3.0, 1.0, 1.0)
    """
    ratio = 1 / sum(share * share for share in shares) / len(shares)
    return max(1.0, (1 - over) / ratio) if ratio < 0.5 and over < 0.5 else 1.0


def entropy(shares: Sequence[float], over: float) -> float:
    """1 / (H + (1 - H)·t/S), where H is the entropy of the shares over that of equal ones.

    >>> entropy([0.5, 0.5], 0.1), entropy([1.0, 0.0], 0.25), entropy([1.0], 0.25)
    (1.0, 4.0, 1.0)
    """
    if len(shares) == 1:
        return 1.0
    found = -sum(share * math.log(share) for share in shares if share > 0) / math.log(len(shares))
    return 1 / (found + (1 - found) * over)


def base(shares: Sequence[float], over: float) -> float:
    """max(1, 2 - t/S).

    >>> base([1.0], 0.25), base([1.0], 1.0)
    (1.75, 1.0)
    """
    return max(1.0, 2 - over)


ANNEALINGS: Final[dict[str, Annealing]] = {
    "none": none,
    "ess": ess,
    "entropy": entropy,
    "base": base,
}
"""By the word in a program."""
