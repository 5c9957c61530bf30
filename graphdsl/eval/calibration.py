"""Whether confidence means what it says (Guo et al. 2017, arXiv 1706.04599)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The items with a confidence in [`low`, `high`), in the last bin also 1.

    `confidence` and `accuracy` are their means.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(
    confidences: Sequence[float], correct: Sequence[float], bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """The bins of equal width that are not empty, from low to high.

    Raises `ValueError` without items, for lists of different lengths, a confidence or correctness
    outside [0, 1], and fewer than one bin.
    """
    _check(confidences, correct)
    if bins < 1:
        raise ValueError(f"{bins} bins, where at least one is needed")
    edges = [index / bins for index in range(bins)]
    members: list[list[int]] = [[] for _ in edges]
    for item, confidence in enumerate(confidences):
        members[bisect_right(edges, confidence) - 1].append(item)
    return tuple(
        ReliabilityBin(
            edges[index],
            (index + 1) / bins,
            len(items),
            math.fsum(confidences[item] for item in items) / len(items),
            math.fsum(correct[item] for item in items) / len(items),
        )
        for index, items in enumerate(members)
        if items
    )


def calibration_error(
    confidences: Sequence[float], correct: Sequence[float], bins: int = 10
) -> float:
    """The expected calibration error: the mean over items of |accuracy - confidence| of their bin.

    Raises as `reliability`.

    >>> round(calibration_error([0.95, 0.95, 0.55, 0.55], [1, 1, 1, 0]), 3)
    0.05
    """
    table = reliability(confidences, correct, bins)
    gaps = (one.count * abs(one.accuracy - one.confidence) for one in table)
    return math.fsum(gaps) / len(confidences)


def brier(confidences: Sequence[float], correct: Sequence[float]) -> float:
    """The mean squared difference of confidence and correctness (Brier 1950); 0 is best.

    Raises as `reliability`.
    """
    _check(confidences, correct)
    pairs = zip(confidences, correct, strict=True)
    return math.fsum((sure - right) ** 2 for sure, right in pairs) / len(confidences)


def _check(confidences: Sequence[float], correct: Sequence[float]) -> None:
    if len(confidences) != len(correct):
        raise ValueError(f"{len(confidences)} confidences, but {len(correct)} items")
    if not confidences:
        raise ValueError("calibration needs at least one item")
    for item, (sure, right) in enumerate(zip(confidences, correct, strict=True), 1):
        if not (0 <= sure <= 1 and 0 <= right <= 1):
            raise ValueError(
                f"item {item}: confidence {sure} and correctness {right} are not both from 0 to 1"
            )
