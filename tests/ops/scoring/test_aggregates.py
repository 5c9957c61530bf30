"""Several scores of one candidate become one: against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.scoring.aggregates import finite, repeated, stepped

UNIT = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(UNIT, st.integers(1, 64))
def test_repeated_scores_are_means_sums_of_all_and_medians(
    values: list[float], repeats: int
) -> None:
    assert repeated(values, "mean", repeats) == pytest.approx(np.mean(values))
    assert repeated(values, "sum", repeats) == pytest.approx(np.mean(values) * repeats)
    assert repeated(values, "median", repeats) == pytest.approx(np.median(values))


@given(st.lists(st.integers(1, 10), min_size=1, max_size=12))
def test_a_sum_of_all_judgements_is_the_plain_sum(points: list[int]) -> None:
    assert repeated(points, "sum", len(points)) == pytest.approx(sum(points))


def test_without_judgements_there_is_no_score() -> None:
    assert [repeated([], how, 4) for how in ("mean", "sum", "median")] == [None] * 3


@given(UNIT)
def test_steps_are_the_last_least_mean_and_product(values: list[float]) -> None:
    assert stepped(values, "last") == values[-1]
    assert stepped(values, "min") == np.min(values)
    assert stepped(values, "mean") == pytest.approx(np.mean(values))
    assert stepped(values, "product") == pytest.approx(np.prod(values))


@pytest.mark.parametrize("how", ["last", "min", "mean", "product"])
def test_no_steps_score_minus_one_and_a_step_without_a_number_spoils_all(how: str) -> None:
    assert stepped([], how) == -1.0
    assert stepped([0.5, math.nan, 0.5], how) is None


def test_only_finite_scores_are_scores() -> None:
    assert [finite(value) for value in (0.5, math.nan, math.inf, -math.inf, None)] == [
        0.5,
        None,
        None,
        None,
        None,
    ]
