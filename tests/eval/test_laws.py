"""Scaling laws: coverage and saturation are found again from their own points."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.eval import Saturation, fit_coverage, fit_saturation
from tests.eval.independent import numpy, optimize


@given(st.floats(-5, -0.1), st.floats(0.05, 1.5))
def test_a_coverage_law_is_found_from_its_points(a: float, b: float) -> None:
    law = fit_coverage([(k, math.exp(a * k**-b)) for k in (1, 2, 4, 8, 16)])
    assert (law.a, law.b) == (pytest.approx(a, rel=1e-6), pytest.approx(b, rel=1e-6))
    assert law.error < 1e-9


def test_the_fit_is_the_line_that_numpy_finds() -> None:
    points = [(1, 0.15), (4, 0.32), (16, 0.55), (64, 0.71), (256, 0.9)]
    k, coverage = numpy.array(points).T
    slope, start = numpy.polyfit(numpy.log(k), numpy.log(-numpy.log(coverage)), 1)
    law = fit_coverage(points)
    assert law.b == pytest.approx(-float(slope))
    assert law.a == pytest.approx(-math.exp(float(start)))
    missed = numpy.exp(law.a * k**-law.b) - coverage
    assert law.error == pytest.approx(float(numpy.sqrt(numpy.mean(missed**2))))


def test_coverage_reaches_twice_the_data_and_no_farther() -> None:
    law = fit_coverage([(1, 0.1), (10, 0.5), (100, 1.0)])
    assert law.largest == 100
    assert 0.5 < law.at(200) < 1
    with pytest.raises(ValueError, match="k is 201; the law was fitted to k from 1 to 100 and"):
        law.at(201)
    with pytest.raises(ValueError, match=r"k is 0\.5"):
        law.at(0.5)


def test_the_samples_for_a_coverage_are_the_fewest() -> None:
    law = fit_coverage([(k, math.exp(-2 * k**-0.5)) for k in (1, 4, 16, 64)])
    k = law.samples_for(0.75)
    assert law.at(k) >= 0.75 > law.at(k - 1)
    assert law.samples_for(math.exp(-1)) == 4
    assert law.samples_for(0.01) == 1
    with pytest.raises(ValueError, match="reaches from 1 to 128"):
        law.samples_for(0.999)
    flat = fit_coverage([(1, 0.5), (2, 0.5001)])
    with pytest.raises(ValueError, match="reaches from 1 to 4"):
        flat.samples_for(0.9)
    with pytest.raises(ValueError, match="not between 0 and 1"):
        law.samples_for(1)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([], "at two or more k"),
        ([(1, 0.5)], "at two or more k"),
        ([(1, 0.0), (2, 1.0), (3, 0.5)], "at two or more k"),
        ([(4, 0.5), (4, 0.6)], "at two or more k"),
        ([(1, 0.5), (2, 0.5)], "coverage does not rise with k"),
        ([(1, 0.5), (2, 0.4)], "coverage does not rise with k"),
        ([(0, 0.5), (2, 0.4)], "with k = 0"),
        ([(math.nan, 0.5), (2, 0.4)], "with k = nan"),
        ([(1, 0.5), (2, 1.4)], r"a coverage of 1\.4"),
    ],
)
def test_coverage_refuses_what_no_law_fits(
    points: Sequence[tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_coverage(points)


# ---- saturation


def test_the_golden_saturation_point() -> None:
    assert Saturation(0.9, 0.3).samples_until(0.01) == 10


@given(st.floats(0.05, 1), st.floats(0.01, 0.99), st.floats(1e-6, 0.5))
def test_the_saturation_point_is_the_first_with_so_small_a_gain(
    limit: float, p: float, least: float
) -> None:
    curve = Saturation(limit, p)
    n = curve.samples_until(least)
    assert curve.gain(n) <= least * (1 + 1e-6)
    if n > 1:
        assert curve.gain(n - 1) > least * (1 - 1e-6)


@given(st.floats(0.05, 1), st.floats(0, 1), st.integers(0, 50))
def test_the_gain_is_the_difference_of_two_accuracies(limit: float, p: float, n: int) -> None:
    curve = Saturation(limit, p)
    assert curve.gain(n) == pytest.approx(curve.at(n + 1) - curve.at(n), abs=1e-12)
    assert curve.at(n) <= limit


def test_p_is_cut_so_that_every_point_is_finite() -> None:
    assert Saturation(0.9, 0).samples_until(0.01) == 1
    assert Saturation(0.9, 1).samples_until(0.01) == 1
    assert Saturation(0.9, 0.3).samples_until(math.inf) == 1
    assert Saturation(0.9, 0).p == 1e-6
    assert Saturation(0.9, 0).samples_until(1e-7) == pytest.approx(math.log(9) / 1e-6, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 0.95), st.floats(0.03, 0.9))
def test_a_saturation_is_found_from_its_points(limit: float, p: float) -> None:
    curve = fit_saturation([(n, limit * (1 - (1 - p) ** n)) for n in (1, 2, 4, 8, 16, 32, 64)])
    assert curve.limit == pytest.approx(limit, rel=1e-4)
    assert curve.p == pytest.approx(p, rel=1e-4)


def test_the_fit_is_as_good_as_that_of_scipy() -> None:
    chance = random.Random(2)
    points = [(n, 0.8 * (1 - 0.75**n) + chance.gauss(0, 0.02)) for n in (1, 2, 4, 8, 16, 32)]
    n, y = numpy.array(points).T

    def shape(n: object, limit: float, p: float) -> object:
        return limit * (1 - (1 - p) ** n)  # type: ignore[operator]

    (limit, p), _ = optimize.curve_fit(shape, n, y, p0=(0.5, 0.5), bounds=((0, 0), (1, 1)))
    curve = fit_saturation(points)
    assert curve.limit == pytest.approx(float(limit), rel=1e-5)
    assert curve.p == pytest.approx(float(p), rel=1e-5)


def test_a_limit_above_one_is_cut() -> None:
    curve = fit_saturation([(1, 0.2), (2, 0.4), (3, 0.6), (4, 0.8)])
    assert curve.limit == 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(1, 0.5)], "at two or more different n"),
        ([(3, 0.5), (3, 0.6)], "at two or more different n"),
        ([(1, 0.0), (2, 0.0)], "all accuracies are 0"),
        ([(0, 0.0), (2, 0.5)], "with n = 0"),
        ([(1, 0.5), (2, -0.5)], r"an accuracy of -0\.5"),
    ],
)
def test_saturation_refuses_what_has_no_fit(
    points: Sequence[tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_saturation(points)


@pytest.mark.parametrize(
    ("limit", "p", "message"),
    [(0, 0.5, "a limit of 0"), (1.2, 0.5, "a limit of"), (0.5, 1.5, "a probability of")],
)
def test_a_saturation_refuses_what_is_no_probability(limit: float, p: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Saturation(limit, p)


def test_a_gain_of_zero_is_never_reached() -> None:
    with pytest.raises(ValueError, match="the gain never ends"):
        Saturation(0.9, 0.3).samples_until(0)
    with pytest.raises(ValueError, match="-1 samples"):
        Saturation(0.9, 0.3).at(-1)
