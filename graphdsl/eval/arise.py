"""ARISE: does a system get better with more compute, and at which price in tokens?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import stdev

Level = tuple[float, float]
"""Correctness (0 or 1, or a share between) and tokens of one item at one scaling level."""


def arise(levels: Sequence[Level]) -> float:
    """The ARISE of one item over its scaling levels, in their order.

    The sum over j ≥ 2 of Δa_j · (t_{j-1} / t_j)^{sign Δa_j} with Δa_j = a_j - a_{j-1}: a gain
    earns t_{j-1} / t_j, so the cheaper the better, and a loss costs t_j / t_{j-1}. One level
    gives 0. Raises `ValueError` without levels, for tokens that are not above 0, and for a
    correctness outside [0, 1].

    >>> arise([(0, 1000), (1, 2000), (1, 4000), (0, 8000)])
    -1.5
    """
    _check(levels)
    return math.fsum(_step(before, after) for before, after in pairwise(levels))


@dataclass(frozen=True, slots=True)
class AriseReport:
    """ARISE over a set of items.

    `mean` over `items`, with its `standard_error` (None for one item). `improved` and `degraded`
    count the steps between levels, of all items, at which correctness rose and fell.
    """

    mean: float
    standard_error: float | None
    items: int
    improved: int
    degraded: int


def arise_report(items: Iterable[Sequence[Level]]) -> AriseReport:
    """The mean ARISE of items with its standard error, and what the levels changed.

    Raises `ValueError` without items, and as `arise`.
    """
    listed = list(items)
    if not listed:
        raise ValueError("ARISE needs at least one item")
    values = [arise(levels) for levels in listed]
    changes = [after[0] - before[0] for levels in listed for before, after in pairwise(levels)]
    count = len(values)
    return AriseReport(
        math.fsum(values) / count,
        stdev(values) / math.sqrt(count) if count > 1 else None,
        count,
        sum(change > 0 for change in changes),
        sum(change < 0 for change in changes),
    )


def steady(samples: Sequence[float], most: float = 0.05) -> bool:
    """Whether repeated values of one a_j or t_j have a standard error below `most` of their mean.

    The rule of the paper for repeating is not published in what we could read; this one is ours.
    Values that are all equal are steady; otherwise at least two are needed.
    """
    if not samples:
        return False
    if min(samples) == max(samples):
        return len(samples) > 1
    error = stdev(samples) / math.sqrt(len(samples))
    return error < most * abs(math.fsum(samples) / len(samples))


def _step(before: Level, after: Level) -> float:
    change, ratio = after[0] - before[0], before[1] / after[1]
    return change * ratio if change > 0 else change / ratio


def _check(levels: Sequence[Level]) -> None:
    if not levels:
        raise ValueError("ARISE needs at least one scaling level")
    for number, (correct, tokens) in enumerate(levels, 1):
        if not 0 <= correct <= 1:
            raise ValueError(f"level {number}: a correctness of {correct} is not from 0 to 1")
        if not 0 < tokens < math.inf:
            raise ValueError(f"level {number}: {tokens} tokens, where more than 0 are needed")
