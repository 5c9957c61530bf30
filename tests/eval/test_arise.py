"""ARISE: gains that cost little count much, losses that cost much count more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.eval import arise, arise_report, steady
from tests.eval.independent import numpy

LEVELS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 0.5]), st.floats(1, 1e6)), min_size=1, max_size=8
)


def test_the_golden_value() -> None:
    assert arise([(0, 1000), (1, 2000), (1, 4000), (0, 8000)]) == -1.5


@given(LEVELS)
def test_it_is_the_sum_of_the_paper(levels: list[tuple[float, float]]) -> None:
    a, t = numpy.array(levels).T
    step = numpy.diff(a)
    expected = float(numpy.sum(step * (t[:-1] / t[1:]) ** numpy.sign(step)))
    assert arise(levels) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(LEVELS)
def test_the_same_levels_backwards_give_the_opposite(levels: list[tuple[float, float]]) -> None:
    """A gain from t to u earns t/u; going back, the loss from u to t costs t/u."""
    assert arise(levels[::-1]) == pytest.approx(-arise(levels), rel=1e-9, abs=1e-9)


@given(LEVELS, st.floats(0.1, 10))
def test_the_unit_of_tokens_does_not_matter(levels: list[tuple[float, float]], unit: float) -> None:
    scaled = [(a, t * unit) for a, t in levels]
    assert arise(scaled) == pytest.approx(arise(levels), rel=1e-9, abs=1e-9)


def test_the_report_counts_what_changed() -> None:
    report = arise_report(
        [[(0, 100), (1, 200)], [(1, 100), (0, 200), (1, 400)], [(1, 100), (1, 200)]]
    )
    values = [0.5, -2 + 0.5, 0]
    assert report.mean == pytest.approx(sum(values) / 3)
    assert report.standard_error == pytest.approx(float(numpy.std(values, ddof=1)) / math.sqrt(3))
    assert (report.items, report.improved, report.degraded) == (3, 2, 1)


def test_one_item_has_no_standard_error() -> None:
    assert arise_report([[(1, 100)]]).standard_error is None


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], "at least one scaling level"),
        ([(0, 100), (1, 0)], "level 2: 0 tokens, where more than 0 are needed"),
        ([(0, -5)], "level 1: -5 tokens"),
        ([(0, math.inf)], "level 1: inf tokens"),
        ([(0, math.nan)], "level 1: nan tokens"),
        ([(2, 100)], "level 1: a correctness of 2 is not from 0 to 1"),
        ([(math.nan, 100)], "level 1: a correctness of nan"),
    ],
)
def test_it_refuses_what_cannot_be(levels: list[tuple[float, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arise(levels)


def test_a_report_needs_an_item() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        arise_report([])


def test_samples_are_steady_once_their_standard_error_is_small() -> None:
    assert not steady([])
    assert not steady([100])
    assert steady([100, 100])
    assert not steady([0, 1, 1])
    assert steady([90, 110] * 10)
    assert not steady([-1, 1] * 100)
