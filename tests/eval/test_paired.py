"""Two systems on the same items."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.eval import (
    PairedCounts,
    bootstrap,
    items_needed,
    mcnemar,
    newcombe,
    paired_counts,
    paired_difference,
)
from tests.eval.independent import numpy, stats

COUNTS = st.builds(PairedCounts, *[st.integers(0, 60)] * 3, st.integers(1, 60))


def test_published_examples() -> None:
    """Armitage and Berry 1994, p. 127 (p-value and interval as StatsDirect gives them), and Bentur
    et al. 2009 as Fagerland et al. 2013 analyse it."""
    sputum = PairedCounts(20, 12, 2, 16)
    assert round(mcnemar(sputum), 4) == 0.0129
    assert newcombe(sputum) == pytest.approx((0.056156, 0.329207), abs=1e-6)
    airways = PairedCounts(1, 1, 7, 12)
    assert round(mcnemar(airways), 4) == 0.0703
    assert round(mcnemar(airways, mid=True), 4) == 0.0391
    assert newcombe(airways) == pytest.approx((-0.507, -0.026), abs=5e-4)


@given(COUNTS)
def test_mcnemar_is_the_sign_test_of_scipy(counts: PairedCounts) -> None:
    differing = counts.first + counts.second
    expected = stats.binomtest(counts.first, differing).pvalue if differing else 1
    assert mcnemar(counts) == pytest.approx(float(expected))
    if differing:
        least = min(counts.first, counts.second)
        mid = 2 * stats.binom.cdf(least, differing, 0.5) - stats.binom.pmf(least, differing, 0.5)
        assert mcnemar(counts, mid=True) == pytest.approx(float(mid))
        assert mcnemar(counts, mid=True) <= mcnemar(counts)


@given(COUNTS)
def test_newcombe_holds_the_difference_and_turns_round(counts: PairedCounts) -> None:
    low, high = newcombe(counts)
    assert -1 <= low <= counts.difference <= high <= 1
    turned = PairedCounts(counts.both, counts.second, counts.first, counts.neither)
    assert newcombe(turned) == pytest.approx((-high, -low), abs=1e-12)


def test_newcombe_covers_at_about_its_level() -> None:
    """Exactly, over all tables of 14 items, for some chances of the four cells."""
    for chances in ((0.4, 0.2, 0.1, 0.3), (0.6, 0.1, 0.1, 0.2), (0.25, 0.25, 0.25, 0.25)):
        n, covered = 14, 0.0
        true = chances[1] - chances[2]
        for a, b, c in product(range(n + 1), repeat=3):
            if a + b + c <= n:
                cells = (a, b, c, n - a - b - c)
                if true in newcombe(PairedCounts(*cells)):
                    covered += stats.multinomial.pmf(cells, n, chances)
        assert covered == pytest.approx(0.96, abs=0.025)


def test_counts_are_taken_item_by_item() -> None:
    counts = paired_counts([1, 1, 0, 0, 1], [1, 0, 1, 0, 0])
    assert counts == PairedCounts(both=1, first=2, second=1, neither=1)
    assert counts.difference == pytest.approx(0.2)


def test_a_paired_difference_is_the_bootstrap_of_the_differences() -> None:
    chance = random.Random(3)
    first = [chance.random() for _ in range(80)]
    second = [score - chance.gauss(0.05, 0.1) for score in first]
    found = paired_difference(first, second, seed=5)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    assert found == bootstrap(differences, seed=5)
    assert 0 < found.low < found.high
    assert paired_difference(first, first) == (0, 0)


def test_pairs_tell_apart_what_single_intervals_cannot() -> None:
    chance = random.Random(8)
    hard = [chance.gauss(0, 1) for _ in range(200)]
    first = [float(value > -0.2) for value in hard]
    second = [float(value > 0.0) for value in hard]
    counts = paired_counts(first, second)
    assert newcombe(counts).low > 0
    assert bootstrap(first).low < bootstrap(second).high


@pytest.mark.parametrize(
    ("gain", "items"),
    [(0.05, (1248, 934, 620, 369)), (0.10, (306, 228, 149, 86))],
)
def test_golden_numbers_of_items(gain: float, items: tuple[int, ...]) -> None:
    for differing, expected in zip((0.4, 0.3, 0.2, 0.12), items, strict=True):
        assert expected <= items_needed(gain, differing) <= expected + 1


def test_so_many_items_have_that_power() -> None:
    n = items_needed(0.1, 0.3)
    draws = numpy.random.default_rng(0).multinomial(n, [0.2, 0.1, 0.7], size=4000)
    d = (draws[:, 0] - draws[:, 1]) / n
    error = numpy.sqrt(((draws[:, 0] + draws[:, 1]) / n - d**2) / n)
    assert float(numpy.mean(d / error > 1.96)) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: PairedCounts(0, 0, 0, 0), "at least one item"),
        (lambda: PairedCounts(1, -1, 0, 0), "counts are at least 0"),
        (lambda: paired_counts([1], [1, 0]), "1 and 2 scores are not of the same items"),
        (lambda: paired_counts([], []), "at least one item"),
        (lambda: paired_counts([0.5], [1]), r"scores 0\.5 and 1: only 0 and 1"),
        (lambda: items_needed(0, 0.3), "a gain of 0"),
        (lambda: items_needed(0.4, 0.3), r"a gain of 0\.4 among systems that differ on 0\.3"),
        (lambda: items_needed(0.1, 0.3, power=1), "not between 0 and 1"),
        (lambda: newcombe(PairedCounts(1, 1, 1, 1), 2), "a level of 2"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
