"""Intervals for one look: against scipy, against their coverage, and at their edges."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.eval import (
    Interval,
    bootstrap,
    clopper_pearson,
    empirical_bernstein,
    hoeffding,
    wilson,
)
from graphdsl.eval.beta import beta_cdf, beta_quantile
from tests.eval.independent import numpy, special, stats

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.floats(-2, 5), st.floats(-2, 5), st.floats(0, 1))
def test_the_beta_distribution_is_that_of_scipy(log_a: float, log_b: float, x: float) -> None:
    a, b = 10**log_a, 10**log_b
    assert beta_cdf(x, a, b) == pytest.approx(float(special.betainc(a, b, x)), abs=1e-9)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500), st.floats(0.5, 500))
def test_a_quantile_inverts_the_distribution(p: float, a: float, b: float) -> None:
    x = beta_quantile(p, a, b)
    assert x == pytest.approx(float(special.betaincinv(a, b, p)), rel=1e-7)


@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_scipy(counts: tuple[int, int], level: float) -> None:
    test = stats.binomtest(*counts)
    expected = test.proportion_ci(level, method="wilson")
    assert tuple(wilson(*counts, level)) == pytest.approx((expected.low, expected.high))


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_clopper_pearson_is_that_of_scipy(counts: tuple[int, int], level: float) -> None:
    expected = stats.binomtest(*counts).proportion_ci(level, method="exact")
    found = clopper_pearson(*counts, level)
    assert tuple(found) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(COUNTS)
def test_an_interval_holds_its_share_and_turns_round_with_it(counts: tuple[int, int]) -> None:
    successes, n = counts
    for interval in (wilson, clopper_pearson):
        low, high = interval(successes, n)
        assert 0 <= low <= successes / n <= high <= 1
        other = interval(n - successes, n)
        assert (1 - other.high, 1 - other.low) == pytest.approx((low, high), abs=1e-9)
        assert interval(successes, n, 0.99).width > interval(successes, n, 0.9).width


def coverages(interval: Callable[[int, int], Interval], n: int) -> list[float]:
    """The exact chances that the interval of a binomial number holds p, for p = 0.02, 0.04, …"""
    intervals = [interval(k, n) for k in range(n + 1)]

    def chance(p: float) -> float:
        inside = [k for k in range(n + 1) if p in intervals[k]]
        return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in inside)

    return [chance(i / 50) for i in range(1, 50)]


def test_wilson_covers_at_its_level_on_average_and_clopper_pearson_always() -> None:
    wilsons = coverages(wilson, 40)
    assert sum(wilsons) / len(wilsons) == pytest.approx(0.95, abs=0.01)
    assert min(wilsons) > 0.9
    assert min(coverages(clopper_pearson, 40)) >= 0.95


def test_no_success_and_only_successes_leave_doubt() -> None:
    assert wilson(0, 10).low == 0
    assert wilson(0, 10).high > 0.25
    assert wilson(10, 10).high == 1
    assert clopper_pearson(0, 10) == pytest.approx((0, 1 - 0.025**0.1))
    assert clopper_pearson(10, 10) == pytest.approx((0.025**0.1, 1))


def test_wilson_takes_split_credit() -> None:
    assert wilson(7, 10).low < wilson(7.5, 10).low < wilson(8, 10).low


@pytest.mark.parametrize(
    ("n", "exact", "of_five", "any_values"),
    [
        (100, 0.094, 0.121, 0.136),
        (200, 0.066, 0.085, 0.096),
        (300, 0.053, 0.069, 0.078),
        (500, 0.041, 0.054, 0.061),
        (1000, 0.029, 0.038, 0.043),
        (2000, 0.020, 0.027, 0.030),
    ],
)
def test_golden_half_widths_at_seventy_percent(
    n: int, exact: float, of_five: float, any_values: float
) -> None:
    right = round(0.7 * n)
    assert round(clopper_pearson(right, n).width / 2, 3) == exact
    assert round(clopper_pearson(right, n, 0.99).width / 2, 3) == of_five
    assert round(hoeffding([1] * right + [0] * (n - right)).width / 2, 3) == any_values


def test_bernstein_is_its_formula_and_pays_where_values_vary_little() -> None:
    values = [0.5 + 0.01 * (i % 3) for i in range(1000)]
    log = math.log(3 / 0.05)
    half = math.sqrt(2 * float(numpy.var(values)) * log / 1000) + 3 * log / 1000
    mean = sum(values) / 1000
    assert empirical_bernstein(values) == pytest.approx((mean - half, mean + half))
    assert empirical_bernstein(values).width < hoeffding(values).width


def test_bounds_move_and_stretch_an_interval() -> None:
    values = [0.2, 0.4, 0.9, 0.3] * 50
    for interval in (hoeffding, empirical_bernstein):
        low, high = interval(values)
        moved = interval([10 * value - 4 for value in values], bounds=(-4, 6))
        assert moved == pytest.approx((10 * low - 4, 10 * high - 4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: wilson(1, 0), "n is 0"),
        (lambda: wilson(3, 2), "3 successes among 2 items"),
        (lambda: wilson(-1, 2), "-1 successes"),
        (lambda: wilson(1, 2, 1), "a level of 1 is not between 0 and 1"),
        (lambda: wilson(1, 2, 95), "a level of 95 is not between 0 and 1"),
        (lambda: wilson(math.nan, 2), "nan successes"),
        (lambda: clopper_pearson(1.5, 2), "counts whole ones"),  # type: ignore[arg-type]
        (lambda: hoeffding([]), "at least one value"),
        (lambda: hoeffding([1.5]), r"the value 1\.5 is not from 0"),
        (lambda: hoeffding([math.nan]), "the value nan"),
        (lambda: hoeffding([1], bounds=(1, 1)), "values cannot be from 1 to 1"),
        (lambda: beta_cdf(1.5, 1, 1), "x is from 0 to 1"),
        (lambda: beta_cdf(0.5, 0, 1), "a and b above 0"),
        (lambda: beta_quantile(-1, 1, 1), "a probability of -1"),
        (lambda: bootstrap([]), "at least one value"),
        (lambda: bootstrap([math.inf]), "are finite"),
        (lambda: bootstrap([1, 2], resamples=1), "1 resamples"),
        (lambda: bootstrap([1, 2], 0), "a level of 0"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


# ---- bootstrap


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_bootstrap_is_that_of_scipy(method: str) -> None:
    chance = random.Random(4)
    values = [chance.expovariate(1) for _ in range(60)]
    expected = stats.bootstrap(
        (values,), numpy.mean, n_resamples=20_000, method=method, rng=numpy.random.default_rng(1)
    ).confidence_interval
    found = bootstrap(values, method=method, resamples=20_000, seed=2)  # type: ignore[arg-type]
    assert tuple(found) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_the_correction_moves_an_interval_towards_the_long_tail() -> None:
    values = [0.0] * 30 + [1.0] * 3
    plain = bootstrap(values, method="percentile")
    corrected = bootstrap(values)
    assert corrected.low >= plain.low
    assert corrected.high > plain.high


def test_a_seed_gives_one_interval() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    spread = [float(i) ** 1.5 for i in range(30)]
    assert bootstrap(spread, seed=1) != bootstrap(spread, seed=2)


def test_values_that_are_all_equal_have_no_width() -> None:
    assert bootstrap([0.5] * 5) == (0.5, 0.5)
    assert bootstrap([3]) == (3, 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_the_bootstrap_lies_among_the_values(values: list[float]) -> None:
    low, high = bootstrap(values, resamples=200)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


@pytest.mark.slow
def test_the_bootstrap_covers_at_about_its_level() -> None:
    chance = random.Random(9)
    hits = 0
    for trial in range(400):
        values = [chance.expovariate(1) for _ in range(50)]
        hits += 1 in bootstrap(values, resamples=400, seed=trial)
    assert hits / 400 == pytest.approx(0.94, abs=0.035)
