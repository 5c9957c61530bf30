"""How good a scorer is at choosing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from graphdsl.eval import TiesItem, best_of_accuracy, ties_report
from tests.eval.independent import numpy


def test_completions_tied_at_the_top_share_the_credit() -> None:
    items = [
        ([0.9, 0.1, 0.2, 0.3], 0),
        ([0.5, 0.5, 0.1, 0.2], 0),
        ([0.5, 0.5, 0.5, 0.5], 3),
        ([0.1, 0.9, 0.2, 0.3], 0),
        ([None, 0.9, math.nan, 0.3], 1),
        ([None, 0.9, 0.2, 0.3], 0),
    ]
    assert best_of_accuracy(items) == pytest.approx((1 + 0.5 + 0.25 + 0 + 1 + 0) / 6)


def test_a_scorer_that_says_nothing_is_right_one_time_in_four() -> None:
    assert best_of_accuracy([([None] * 4, place) for place in range(4)]) == 0.25


def numpy_ties(items: list[TiesItem]) -> float:
    """The score of the benchmark, with arrays."""
    gap = numpy.array([min(i.right) - max(i.wrong) for i in items])
    reference = numpy.array([i.reference_right - max(i.reference_wrong) for i in items])
    spread = numpy.array([max(i.right) - min(i.right) for i in items])
    smaller = numpy.minimum(gap, reference)
    return float(
        0.30 * numpy.mean(gap > 0)
        + 0.30 * numpy.mean(reference > 0)
        + 0.20 * numpy.mean(gap > spread)
        + 0.20 * numpy.mean(smaller > spread)
        + 0.01 * numpy.mean(numpy.tanh(smaller / spread - 1))
    )


def test_the_ties_score_is_that_of_the_benchmark() -> None:
    chance = random.Random(6)

    def some(count: int, middle: float) -> tuple[float, ...]:
        return tuple(chance.gauss(middle, 1) for _ in range(count))

    items = [TiesItem(some(3, 4), some(8, 0), chance.gauss(4, 1), some(8, 0)) for _ in range(60)]
    report = ties_report(items)
    assert report.score == pytest.approx(numpy_ties(items))
    assert 0 < report.preferred_hard <= report.preferred <= report.tied_accuracy <= 1


def test_a_scorer_that_finds_all_right_ones_equally_good_has_the_best_ties_score() -> None:
    report = ties_report([TiesItem((1, 1, 1), (0, 0.5), 1, (0,))])
    assert report.score == pytest.approx(1.01)
    assert report.margin == 1


def test_without_spread_the_margin_takes_its_limit() -> None:
    equal = ties_report([TiesItem((1, 1), (1,), 1, (1,))])
    assert (equal.margin, equal.score) == (0, 0)
    worse = ties_report([TiesItem((0, 0), (1,), 1, (0,))])
    assert worse.margin == -1
    assert worse.score == pytest.approx(0.3 - 0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: best_of_accuracy([]), "at least one item"),
        (lambda: best_of_accuracy([([1, 2], 2)]), "item 1: there is no completion 2 of 2"),
        (lambda: best_of_accuracy([([1, 2], 0), ([], 0)]), "item 2"),
        (lambda: ties_report([]), "at least one item"),
        (lambda: TiesItem((), (1,), 1, (1,)), "needs right and wrong"),
        (lambda: TiesItem((math.nan,), (1,), 1, (1,)), "are finite"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
