"""Two candidates on the same cells: evidence that may be looked at after every block of items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.eval.e_process import BettingProcess, log_paired_e_value

_BETS: Final = 50
"""Sizes of bets, evenly over (0, 1), that are placed on differences that are no whole numbers."""


@dataclass(frozen=True, slots=True)
class Duel:
    """Logarithms of e-values: `better` against "the first is not better than the second", `worse`
    against "the first is not worse". `items` is how many both were seen on."""

    better: float
    worse: float
    items: int


def duel(first: Sequence[float], second: Sequence[float]) -> Duel:
    """Compare two candidates by their qualities on the same items, in the order of the study.

    Either e-value may be looked at whenever one likes: that of a claim which holds reaches 1/α
    with a probability of at most α. Raises ValueError for lists of different lengths, and for
    qualities outside [0, 1].
    """
    differences = [ours - theirs for ours, theirs in zip(first, second, strict=True)]
    if not all(0 <= value <= 1 for side in (first, second) for value in side):
        raise ValueError("qualities are from 0 to 1")
    return Duel(
        log_e_value(differences), log_e_value([-one for one in differences]), len(differences)
    )


def log_e_value(differences: Sequence[float]) -> float:
    """The logarithm of the e-value against "the mean of the differences is at most 0".

    E = ∫ ∏ (1 + κ d_t) dκ over bets κ from 0 to 1. For differences of -1, 0 and 1 that is formula 5
    of search.md part 7.4, `paired_e_value`, and exact; others are the mean over fixed bets, which
    is an e-value by itself, so that nothing hangs on when the first of them comes.
    """
    if all(one in (-1.0, 0.0, 1.0) for one in differences):
        return log_paired_e_value(differences.count(1.0), differences.count(-1.0))
    sizes = [(place + 0.5) / _BETS for place in range(_BETS)]
    wealth = [math.fsum(math.log1p(size * one) for one in differences) for size in sizes]
    most = max(wealth)
    return most + math.log(math.fsum(math.exp(one - most) for one in wealth) / _BETS)


def needed(level: float) -> float:
    """The logarithm that an e-value must reach to reject at that level."""
    return -math.log(level)


def trails(first: Sequence[float], second: Sequence[float], margin: float, level: float) -> bool:
    """Whether it is shown that the first is better than the second by less than `margin`.

    Evidence against "the mean difference is at least `margin`", which may be looked at whenever
    one likes; wrong with a probability of at most `level`.
    """
    process = BettingProcess(-margin)
    for difference in _differences(second, first):
        process.add(difference)
    return process.rejects(level)


def _differences(first: Sequence[float], second: Sequence[float]) -> Iterable[float]:
    return (ours - theirs for ours, theirs in zip(first, second, strict=True))
