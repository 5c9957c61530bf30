"""The beta distribution: what exact intervals of proportions are made of."""

from __future__ import annotations

import math
from typing import Final

_TINY: Final = 1e-300
_ENOUGH: Final = 1e-15
_STEPS: Final = 100_000
"""Of the continued fraction, which takes about sqrt(a + b) of them."""


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(Beta(a, b) ≤ x), the regularised incomplete beta function; a and b above 0.

    By its continued fraction (NIST DLMF 8.17.22), which converges fast left of the mean. Raises
    `ValueError` for other parameters, or x outside [0, 1].

    >>> round(beta_cdf(0.5, 2, 3), 6)
    0.6875
    """
    if not (0 < a < math.inf and 0 < b < math.inf and 0 <= x <= 1):
        raise ValueError(f"there is no Beta({a}, {b}) at {x}: x is from 0 to 1, a and b above 0")
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _left(1 - x, b, a)
    return _left(x, a, b)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x at which `beta_cdf` is p, by bisection to the last digit.

    Raises `ValueError` for p outside [0, 1], and as `beta_cdf`.

    >>> round(beta_quantile(0.6875, 2, 3), 9)
    0.5
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a probability of {p} is not from 0 to 1")
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return high if p > 0 else 0.0


def t_quantile(p: float, freedom: float) -> float:
    """The p-quantile of Student's t distribution with so many degrees of freedom, p from ½ on.

    Raises `ValueError` for p outside [½, 1) and a freedom that is not above 0.

    >>> round(t_quantile(0.975, 10), 4)
    2.2281
    """
    if not 0.5 <= p < 1:
        raise ValueError(f"a probability of {p} is not from 0.5 to 1")
    share = beta_quantile(2 * (1 - p), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - share) / share)


def log_beta(a: float, b: float) -> float:
    """The natural logarithm of the beta function B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _left(x: float, a: float, b: float) -> float:
    """Lentz's method on the continued fraction."""
    scale = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b)) / a
    upper, lower = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = lower
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            lower = 1 / _away(1 + term * lower)
            upper = _away(1 + term / upper)
            value *= lower * upper
        if abs(lower * upper - 1) < _ENOUGH:
            break
    return min(1.0, scale * value)


def _away(value: float) -> float:
    """Away from zero, by which is divided."""
    return value if abs(value) > _TINY else _TINY
