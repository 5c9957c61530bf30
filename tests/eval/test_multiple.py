"""Many claims at once, and the best of many."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.eval import (
    certificate_alpha,
    challenger_alpha,
    e_bh,
    holm,
    optimism,
    shrunken_mean,
)
from tests.eval.independent import numpy

P_VALUES = st.lists(st.floats(0, 0.2), max_size=6)


def test_what_is_spent_stays_below_alpha() -> None:
    challengers = math.fsum(challenger_alpha(k, 0.05) for k in range(1, 100_000))
    assert 0.0499 < challengers < 0.05
    assert math.fsum(certificate_alpha(look, 0.05) for look in range(1, 40)) <= 0.05
    assert certificate_alpha(1, 0.05) == 0.025


def closed_bonferroni(p_values: list[float], alpha: float) -> tuple[bool, ...]:
    """A claim falls where every set of claims with it has a p-value below α / its size."""
    n = len(p_values)
    sets = [subset for size in range(1, n + 1) for subset in combinations(range(n), size)]

    def falls(subset: tuple[int, ...]) -> bool:
        return min(p_values[i] for i in subset) <= alpha / len(subset)

    return tuple(all(falls(subset) for subset in sets if i in subset) for i in range(n))


@given(P_VALUES)
def test_holm_is_the_closure_of_bonferroni(p_values: list[float]) -> None:
    assert holm(p_values, 0.1) == closed_bonferroni(p_values, 0.1)


def brute_e_bh(e_values: list[float], alpha: float) -> int:
    """The largest k so that k values are at least K / (α k)."""
    total = len(e_values)
    return max(
        (k for k in range(1, total + 1) if sum(e >= total / (alpha * k) for e in e_values) >= k),
        default=0,
    )


@given(st.lists(st.sampled_from([0.0, 1.0, 20.0, 30.0, 45.0, 60.0, 100.0, math.inf]), max_size=8))
def test_e_bh_rejects_the_largest_set_that_fits(e_values: list[float]) -> None:
    rejected = e_bh(e_values, 0.1)
    assert sum(rejected) == brute_e_bh(e_values, 0.1)
    kept = [e for e, gone in zip(e_values, rejected, strict=True) if not gone]
    assert all(
        e > max(kept, default=-1) for e, gone in zip(e_values, rejected, strict=True) if gone
    )


@pytest.mark.parametrize(
    ("candidates", "golden"), [(1, 0), (10, 1.54), (20, 1.87), (80, 2.43), (500, 3.04)]
)
def test_golden_optimism(candidates: int, golden: float) -> None:
    assert round(optimism(candidates), 2) == golden


def test_optimism_is_the_mean_of_the_best() -> None:
    draws = numpy.random.default_rng(1).standard_normal((40_000, 7)).max(axis=1)
    assert optimism(7) == pytest.approx(float(draws.mean()), abs=0.015)
    assert optimism(2) == pytest.approx(1 / math.sqrt(math.pi), abs=1e-6)


def test_a_shrunken_mean_moves_from_the_prior_to_the_mean() -> None:
    means = [shrunken_mean(0.9, items, 0.5) for items in (0, 5, 20, 1000)]
    assert means[0] == 0.5
    assert means == sorted(means)
    assert means[2] == pytest.approx(0.7)
    assert means[3] > 0.89


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: challenger_alpha(0), "counted from 1"),
        (lambda: challenger_alpha(1, 1), "not between 0 and 1"),
        (lambda: certificate_alpha(0), "counted from 1"),
        (lambda: holm([1.5]), "p-values are from 0 to 1"),
        (lambda: holm([math.nan]), "p-values are from 0 to 1"),
        (lambda: holm([0.5], 0), "not between 0 and 1"),
        (lambda: e_bh([-1]), "e-values are at least 0"),
        (lambda: e_bh([math.nan]), "e-values are at least 0"),
        (lambda: optimism(0), "the best of 0 candidates"),
        (lambda: shrunken_mean(0.5, 0, 0.5, 0), "a mean of 0 items"),
        (lambda: shrunken_mean(0.5, -1, 0.5), "a mean of -1 items"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
