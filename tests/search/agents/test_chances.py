"""Steps of distributions against cases computed by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.search.agents.chances import (
    FLOOR,
    blended,
    clipped,
    gradient,
    normal,
    scaled,
    stepped,
)
from graphdsl.search.agents.trust import LEAST, MOST, trust
from graphdsl.search.strategies.policy import leave_one_out

_CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(normal)


def test_the_gradient_of_a_round_of_two() -> None:
    # (1/2) · [ (+1)·((1,0) - (.25,.75)) + (-1)·((0,1) - (.25,.75)) ] = (1, -1) / 1 · 1
    slope = gradient((0.25, 0.75), [(0, 1.0), (1, -1.0)], 2)
    assert slope == pytest.approx((0.5 * (0.75 + 0.25), 0.5 * (-0.75 - 0.25)))


def test_a_parameter_that_one_sample_of_four_decided_counts_a_quarter() -> None:
    slope = gradient((0.5, 0.5), [(0, 1.0)], 4)
    assert slope == pytest.approx((0.125, -0.125))


def test_a_step_multiplies_the_odds() -> None:
    after = stepped((0.5, 0.5), (0.5, -0.5), 2.0)
    assert after == pytest.approx((math.e / (math.e + 1 / math.e), 1 / (math.e**2 + 1)))


def test_a_step_is_the_gradient_of_the_expected_worth() -> None:
    """Over all samples the estimate is p · (u - mean u): the exact gradient over logits."""
    chances, worths = (0.2, 0.3, 0.5), (1.0, 0.0, 0.5)
    mean = sum(p * u for p, u in zip(chances, worths, strict=True))
    found = [0.0] * 3
    for cell, chance in enumerate(chances):
        slope = gradient(chances, [(cell, worths[cell] - mean)], 1)
        found = [before + chance * one for before, one in zip(found, slope, strict=True)]
    exact = [p * (u - mean) for p, u in zip(chances, worths, strict=True)]
    assert found == pytest.approx(exact)


def test_ordered_cells_share_with_their_neighbours() -> None:
    flat = (0.25, 0.25, 0.25, 0.25)
    assert gradient(flat, [(1, 1.0)], 1, ordered=True) == pytest.approx((0, 0.25, 0, -0.25))
    assert gradient(flat, [(0, 1.0)], 1, ordered=True) == pytest.approx((0.5, 0, -0.25, -0.25))
    assert gradient((0.5, 0.5), [(0, 1.0)], 1, ordered=True) == pytest.approx((0.5, -0.5))


def test_a_round_updates_as_computed_by_hand() -> None:
    # Worths .8 .4 .6: A = (.3, -.3, 0), in units of sqrt(.06): (1.2247, -1.2247, 0).
    advantages = scaled(leave_one_out([0.8, 0.4, 0.6]), 0.05)
    assert advantages == pytest.approx([1.224745, -1.224745, 0.0], abs=1e-6)
    slope = gradient((0.5, 0.5), list(zip((0, 1, 0), advantages, strict=True)), 3)
    assert slope == pytest.approx((0.408248, -0.408248), abs=1e-6)
    learnt = stepped((0.5, 0.5), slope, 1.0)
    assert learnt == pytest.approx((0.693494, 0.306506), abs=1e-5)
    assert blended(learnt, (0.1, 0.9), 0.25) == pytest.approx((0.545121, 0.454879), abs=1e-5)


def test_equal_worths_teach_nothing() -> None:
    assert scaled(leave_one_out([0.5, 0.5, 0.5]), 0.05) == [0, 0, 0]
    assert scaled([], 0.05) == []


@given(_CHANCES)
def test_clipped_chances_are_a_distribution_away_from_its_edges(chances: tuple[float, ...]) -> None:
    found = clipped(chances)
    assert math.fsum(found) == pytest.approx(1)
    assert min(found) >= min(FLOOR, 0.5 / len(found)) - 1e-12


@given(_CHANCES)
def test_clipping_twice_is_clipping_once(chances: tuple[float, ...]) -> None:
    assert clipped(clipped(chances)) == pytest.approx(clipped(chances))


def test_trust_is_even_without_evidence() -> None:
    assert trust([], []) == trust([1.0], [0.3]) == trust([0.0, 0.0], [0.1, 0.9]) == 0.5


def test_trust_follows_the_correlation() -> None:
    worths = [0.1, 0.2, 0.3, 0.4]
    assert trust([1, 2, 3, 4], worths) == pytest.approx(1 / (1 + math.exp(-2)))
    assert trust([4, 3, 2, 1], worths) == pytest.approx(1 / (1 + math.exp(2)))
    assert trust([1, -1, -1, 1], worths) == pytest.approx(0.5)


def test_trust_stays_within_its_bounds() -> None:
    many = [float(one) for one in range(100)]
    assert trust(many, many) == MOST
    assert trust(many, many[::-1]) == LEAST
