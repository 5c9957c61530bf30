"""Several scores of one candidate become one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

NO_STEPS: Final = -1.0
"""The score of a candidate without any step, as in the code of Bag of Tricks (arXiv 2502.07191)."""


def finite(value: float | None) -> float | None:
    """A score that can be compared; None for NaN and infinities, which mean nothing (rule G5)."""
    return value if value is not None and math.isfinite(value) else None


def repeated(values: Sequence[float], how: str, repeats: int) -> float | None:
    """The score of a candidate that was to be judged so often; None where no judgement counts.

    `values` are those that could be read. A `sum` over fewer than `repeats` is rescaled to that
    number, so that candidates stay comparable (GRM, arXiv 2504.02495).

    >>> repeated([7, 8], "sum", 4), repeated([1, 0, 1], "median", 3)
    (30.0, 1.0)
    """
    if not values:
        return None
    if how == "median":
        return float(median(values))
    mean = math.fsum(values) / len(values)
    return mean * repeats if how == "sum" else mean


def stepped(values: Sequence[float], how: str) -> float | None:
    """The score of a candidate from those of its steps; None where one of them is no number.

    `last`, `min`, `mean` and `product` as in Bag of Tricks (arXiv 2502.07191); without steps it
    is -1. A product means something only for scores in [0, 1].

    >>> [stepped([0.75, 0.5, 0.5], how) for how in ("last", "min", "product")]
    [0.5, 0.5, 0.1875]
    """
    if any(finite(value) is None for value in values):
        return None
    if not values:
        return NO_STEPS
    match how:
        case "min":
            return min(values)
        case "mean":
            return math.fsum(values) / len(values)
        case "product":
            return math.prod(values)
        case _:
            return values[-1]
