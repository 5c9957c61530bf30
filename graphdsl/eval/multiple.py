"""Many claims from the same data: what each may spend, and what choosing the best one does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from graphdsl.eval.intervals import missing


def challenger_alpha(k: int, alpha: float = 0.05) -> float:
    """What the k-th of an unknown number of challengers may spend: 6α / (π² k²), α in all.

    Raises `ValueError` for k < 1 and α outside (0, 1).
    """
    if k < 1:
        raise ValueError(f"challenger {k}: challengers are counted from 1")
    missing(alpha)
    return 6 * alpha / (math.pi * k) ** 2


def certificate_alpha(look: int, alpha: float = 0.05) -> float:
    """What the n-th look at a held-out split may spend: α · 2^-n, less than α in all.

    Raises `ValueError` for look < 1 and α outside (0, 1).
    """
    if look < 1:
        raise ValueError(f"look {look}: looks are counted from 1")
    missing(alpha)
    return alpha * 2.0**-look


def holm(p_values: Sequence[float], alpha: float = 0.05) -> tuple[bool, ...]:
    """Which claims may be given up so that none of them is given up wrongly, with 1 - α
    (Holm 1979); under any dependence.

    Raises `ValueError` for a p-value outside [0, 1] and α outside (0, 1).

    >>> holm([0.01, 0.04, 0.03, 0.005])
    (True, False, False, True)
    """
    missing(alpha)
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError("p-values are from 0 to 1")
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(order):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        rejected[place] = True
    return tuple(rejected)


def e_bh(e_values: Sequence[float], alpha: float = 0.05) -> tuple[bool, ...]:
    """Which claims may be given up so that a share of at most α of these is wrong, on average
    (Wang and Ramdas, arXiv 2009.02824); under any dependence.

    The k largest with E_(k) ≥ K / (α k), for the largest such k. Raises `ValueError` for an
    e-value that is negative or NaN, and α outside (0, 1).

    >>> e_bh([100, 20, 1, 45])
    (True, False, False, True)
    """
    missing(alpha)
    if not all(value >= 0 for value in e_values):
        raise ValueError("e-values are at least 0")
    order = sorted(e_values, reverse=True)
    total = len(order)
    fits = [k for k, value in enumerate(order, 1) if value >= total / (alpha * k)]
    least = order[fits[-1] - 1] if fits else math.inf
    return tuple(bool(fits) and value >= least for value in e_values)


def optimism(candidates: int) -> float:
    """How much too good the best of K equally good candidates looks, in standard errors.

    The mean of the largest of K standard normal numbers. Raises `ValueError` for K < 1.

    >>> [round(optimism(k), 2) for k in (1, 10, 80)]
    [0.0, 1.54, 2.43]
    """
    if candidates < 1:
        raise ValueError(f"the best of {candidates} candidates")
    step, normal = 0.01, NormalDist()
    upper = (normal.cdf(i * step) for i in range(1001))
    below = math.fsum(1 - p**candidates - (1 - p) ** candidates for p in upper)
    ends = (1 - 0.5**candidates - 0.5**candidates) / 2
    return (below - ends) * step


def shrunken_mean(mean: float, items: int, prior: float, weight: float = 20) -> float:
    """A mean of few items, drawn towards a prior that counts as `weight` items.

    Raises `ValueError` where there is neither item nor weight, or one of them is negative.

    >>> shrunken_mean(0.9, 20, 0.5)
    0.7
    """
    if min(items, weight) < 0 or items + weight == 0:
        raise ValueError(f"a mean of {items} items and a prior that counts as {weight}")
    return (mean * items + prior * weight) / (items + weight)
