"""How good a scorer is at choosing, measured as RewardBench 2 does (arXiv 2506.01937, and code)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.eval.best_of_k import best_of_k


def best_of_accuracy(items: Sequence[tuple[Sequence[float | None], int]]) -> float:
    """The share of items whose right completion has the highest score.

    An item is the scores of its completions, four in the benchmark, and the place of the right
    one. Completions tied at the top share the credit. A missing or NaN score is the lowest. Raises
    `ValueError` without items, and for a place that is not there.

    >>> best_of_accuracy([([0.9, 0.1, 0.2, 0.3], 0), ([0.5, 0.5, 0.1, 0.2], 0)])
    0.75
    """
    if not items:
        raise ValueError("a best-of accuracy needs at least one item")
    credit: list[float] = []
    for number, (scores, right) in enumerate(items, 1):
        if not 0 <= right < len(scores):
            raise ValueError(f"item {number}: there is no completion {right} of {len(scores)}")
        marks = [float(place == right) for place in range(len(scores))]
        credit.append(best_of_k(scores, marks, len(scores)))
    return math.fsum(credit) / len(credit)


@dataclass(frozen=True, slots=True)
class TiesItem:
    """The scores of the right and wrong completions of a prompt with many right answers, and of
    its `reference`, the same question with one right answer."""

    right: tuple[float, ...]
    wrong: tuple[float, ...]
    reference_right: float
    reference_wrong: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (self.right and self.wrong and self.reference_wrong):
            raise ValueError("a ties item needs right and wrong completions, and wrong references")
        scores = (*self.right, *self.wrong, self.reference_right, *self.reference_wrong)
        if not all(map(math.isfinite, scores)):
            raise ValueError("the scores of a ties item are finite")

    @property
    def spread(self) -> float:
        """How much the scores of right completions differ, which should be little."""
        return max(self.right) - min(self.right)

    @property
    def gap(self) -> float:
        """The lowest score of a right completion less the highest of a wrong one."""
        return min(self.right) - max(self.wrong)

    @property
    def reference_gap(self) -> float:
        """The same for the reference."""
        return self.reference_right - max(self.reference_wrong)


@dataclass(frozen=True, slots=True)
class TiesReport:
    """The ties subset. `tied_accuracy` and `reference_accuracy`: all right completions are scored
    above all wrong ones. `preferred`: the gap is larger than the spread, `preferred_hard`: the
    reference's as well. `margin` is the mean of tanh(smaller gap / spread - 1)."""

    tied_accuracy: float
    reference_accuracy: float
    preferred: float
    preferred_hard: float
    margin: float

    @property
    def score(self) -> float:
        """0.3 + 0.3 of the accuracies, 0.2 + 0.2 of the preferences, 0.01 of the margin, which
        only breaks ties: from -0.01 to 1.01."""
        right = 0.3 * self.tied_accuracy + 0.3 * self.reference_accuracy
        return right + 0.2 * self.preferred + 0.2 * self.preferred_hard + 0.01 * self.margin


def ties_report(items: Sequence[TiesItem]) -> TiesReport:
    """How a scorer treats completions that are equally right. Raises `ValueError` without items.

    A spread of 0 (also of a single right completion) takes the limit of the margin: 1, -1, or 0
    where the gap is 0 as well.
    """
    if not items:
        raise ValueError("a ties report needs at least one item")
    return TiesReport(
        _share([item.gap > 0 for item in items]),
        _share([item.reference_gap > 0 for item in items]),
        _share([item.gap > item.spread for item in items]),
        _share([min(item.gap, item.reference_gap) > item.spread for item in items]),
        math.fsum(_margin(item) for item in items) / len(items),
    )


def _share(held: Sequence[bool]) -> float:
    return sum(held) / len(held)


def _margin(item: TiesItem) -> float:
    gap = min(item.gap, item.reference_gap)
    if item.spread == 0:
        return float((gap > 0) - (gap < 0))
    return math.tanh(gap / item.spread - 1)
