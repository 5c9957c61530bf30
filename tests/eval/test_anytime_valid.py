"""What holds at every look: confidence sequences and e-processes, by simulation with seeds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.eval import (
    BernsteinSequence,
    BettingProcess,
    betting_interval,
    hoeffding,
    log_paired_e_value,
    look_level,
    normal_mixture,
    paired_e_value,
)
from tests.eval.independent import numpy, special


def flips(p: float, n: int, seed: int) -> list[int]:
    chance = random.Random(seed)
    return [int(chance.random() < p) for _ in range(n)]


# ---- confidence sequences


def test_the_looks_share_the_level() -> None:
    spent = math.fsum(1 - look_level(n, 0.95) for n in range(1, 100_000))
    assert spent < 0.05
    assert spent == pytest.approx(0.05, abs=1e-5)


def plug_in(x: list[int], delta: float) -> tuple[float, float]:
    """The formula as it is written, with arrays."""
    values, n = numpy.array(x, dtype=float), len(x)
    t = numpy.arange(1, n + 1)
    mean = (0.5 + numpy.cumsum(values)) / (t + 1)
    variance = (0.25 + numpy.cumsum((values - mean) ** 2)) / (t + 1)
    before_mean = numpy.concatenate([[0.5], mean[:-1]])
    before_variance = numpy.concatenate([[0.25], variance[:-1]])
    log = math.log(2 / delta)
    bets = numpy.minimum(numpy.sqrt(2 * log / (before_variance * t * numpy.log(1 + t))), 0.5)
    risk = numpy.sum((values - before_mean) ** 2 * (-numpy.log(1 - bets) - bets))
    total = numpy.sum(bets)
    centre, half = numpy.sum(bets * values) / total, (log + risk) / total
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


@given(st.lists(st.integers(0, 1), min_size=1, max_size=60))
def test_the_bernstein_sequence_is_its_formula(values: list[int]) -> None:
    sequence = BernsteinSequence()
    for value in values:
        sequence.add(value)
    assert sequence.n == len(values)
    assert tuple(sequence.interval) == pytest.approx(plug_in(values, 0.05), abs=1e-9)


def test_golden_mean_widths() -> None:
    """Bernoulli(.7) at n = 50, 200, 400."""
    golden = {"union": (0.69, 0.38, 0.28), "mixture": (0.46, 0.22, 0.15)}
    golden["bernstein"] = (0.47, 0.23, 0.17)
    widths: dict[str, list[list[float]]] = {name: [[], [], []] for name in golden}
    for seed in range(40):
        values = flips(0.7, 400, seed)
        for place, n in enumerate((50, 200, 400)):
            some = values[:n]
            sequence = BernsteinSequence()
            for value in some:
                sequence.add(value)
            uncut = fmean(some) - hoeffding(some, look_level(n)).low
            widths["union"][place].append(2 * uncut)
            widths["mixture"][place].append(normal_mixture(fmean(some), n).width)
            widths["bernstein"][place].append(sequence.interval.width)
    for name, expected in golden.items():
        found = [fmean(one) for one in widths[name]]
        assert found == pytest.approx(expected, abs=0.02), name


def test_sequences_rarely_miss_the_mean_at_any_look() -> None:
    missed = {"mixture": 0, "bernstein": 0}
    for seed in range(300):
        values, total = flips(0.3, 200, seed), 0
        sequence, wrong = BernsteinSequence(), set[str]()
        for n, value in enumerate(values, 1):
            total += value
            sequence.add(value)
            if 0.3 not in sequence.interval:
                wrong.add("bernstein")
            if 0.3 not in normal_mixture(total / n, n):
                wrong.add("mixture")
        for name in wrong:
            missed[name] += 1
    assert max(missed.values()) <= 15  # 5 % of the runs


def test_the_mixture_is_tightest_where_it_is_asked_to_be() -> None:
    widths = {
        at: normal_mixture(0.5, 400, bounds=(-10, 11), tightest_at=at).width
        for at in (25, 100, 400, 1600, 6400)
    }
    assert min(widths, key=widths.__getitem__) == 400


def test_bounds_move_and_stretch_a_sequence() -> None:
    unit, wide = BernsteinSequence(), BernsteinSequence(bounds=(-4.0, 6.0))
    for value in flips(0.7, 90, 3):
        unit.add(value)
        wide.add(10 * value - 4)
    low, high = unit.interval
    assert tuple(wide.interval) == pytest.approx((10 * low - 4, 10 * high - 4))
    assert tuple(BernsteinSequence(bounds=(2, 3)).interval) == (2, 3)
    moved = normal_mixture(3, 90, bounds=(-4, 6))
    low, high = normal_mixture(0.7, 90)
    assert tuple(moved) == pytest.approx((10 * low - 4, 10 * high - 4))


# ---- e-processes


@given(st.integers(0, 150), st.integers(0, 150))
def test_the_paired_e_value_is_its_formula(wins: int, losses: int) -> None:
    tail = special.betainc(losses + 1, wins + 1, 0.5)  # P(Beta(w + 1, l + 1) > ½)
    expected = 2.0 ** (wins + losses + 1) * special.beta(wins + 1, losses + 1) * tail
    assert paired_e_value(wins, losses) == pytest.approx(float(expected), rel=1e-6)


@given(st.integers(0, 80), st.integers(0, 80))
def test_the_paired_e_value_is_a_fair_bet(wins: int, losses: int) -> None:
    """With wins as likely as losses the next one is worth what it is worth now."""
    after = (paired_e_value(wins + 1, losses) + paired_e_value(wins, losses + 1)) / 2
    assert after == pytest.approx(paired_e_value(wins, losses), rel=1e-9)


def test_an_e_value_beyond_any_float_is_infinite_and_has_a_logarithm() -> None:
    assert paired_e_value(2000, 0) == math.inf
    assert log_paired_e_value(2000, 0) == pytest.approx(2001 * math.log(2) - math.log(2001))
    assert paired_e_value(0, 2000) == pytest.approx(1 / 2001)


def first_rejection(win: float, lose: float, items: int, seed: int) -> int | None:
    """After how many items the paired e-value reaches 20, if ever."""
    chance = random.Random(seed)
    wins = losses = 0
    for item in range(1, items + 1):
        drawn = chance.random()
        wins += drawn < win
        losses += win <= drawn < win + lose
        if drawn < win and paired_e_value(wins, losses) >= 20:
            return item
    return None


@pytest.mark.parametrize(
    ("win", "lose", "share", "items"),
    [(0.30, 0.10, 1.0, 56), (0.20, 0.10, 0.97, 181), (0.12, 0.02, 1.0, 83)],
)
def test_golden_power_of_the_paired_e_value(
    win: float, lose: float, share: float, items: int
) -> None:
    found = [first_rejection(win, lose, 600, seed) for seed in range(300)]
    stopped = [item for item in found if item is not None]
    assert len(stopped) / 300 == pytest.approx(share, abs=0.04)
    assert median(stopped) == pytest.approx(items, rel=0.15)


def test_equal_systems_are_rarely_told_apart_however_often_one_looks() -> None:
    false = sum(first_rejection(0.15, 0.15, 600, seed) is not None for seed in range(200))
    assert false <= 15  # 5 % of 200, and what chance adds


def test_bets_are_those_of_the_formula() -> None:
    process = BettingProcess(null=0.1)
    differences = [1, 0, 0.5, -1, 1, 1, 0.2]
    wealth = 1.0
    for t, difference in enumerate(differences):
        seen = numpy.array(differences[:t]) - 0.1
        bet = 0.0
        if t:
            mean, variance = float(seen.mean()), float(seen.var())
            bet = min(max(mean / (variance + mean**2), 0), 0.5 / 1.1)
        wealth *= 1 + bet * (difference - 0.1)
        process.add(difference)
        assert process.log_wealth == pytest.approx(math.log(wealth))


def test_betting_finds_a_gain_and_seldom_one_that_is_not_there() -> None:
    found = {0.0: 0, 0.2: 0}
    for gain, seed in ((gain, seed) for gain in found for seed in range(150)):
        chance, process = random.Random(seed), BettingProcess()
        for _ in range(400):
            drawn = chance.random()
            process.add((drawn < 0.2 + gain) - (drawn > 0.8))
        found[gain] += process.rejects(0.05)
    assert found[0.2] > 140
    assert found[0.0] <= 12


def test_what_was_refuted_once_stays_refuted() -> None:
    process = BettingProcess()
    for _ in range(30):
        process.add(1)
    assert process.rejects(0.05)
    for _ in range(30):
        process.add(-1)
    assert process.log_wealth < math.log(20) <= process.best
    assert process.rejects(0.05)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=60))
def test_a_betting_interval_turns_round_with_its_values(differences: list[int]) -> None:
    low, high = betting_interval(differences, grid=40)
    assert -1 <= low <= high <= 1
    turned = betting_interval([-difference for difference in differences], grid=40)
    assert (-turned.high, -turned.low) == pytest.approx((low, high))


def test_a_betting_interval_narrows_round_the_mean() -> None:
    chance = random.Random(1)
    differences = [float(chance.choice([1, 0, 0, 0, -1, 1])) for _ in range(600)]
    some, all_ = betting_interval(differences[:100]), betting_interval(differences)
    assert all_.width < some.width < 1
    assert 1 / 6 in some
    assert 1 / 6 in all_


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: look_level(0), "looks are counted from 1"),
        (lambda: look_level(1, 1.5), r"a level of 1\.5"),
        (lambda: normal_mixture(0.5, 0), "of 0 values"),
        (lambda: normal_mixture(1.5, 5), r"a mean of 1\.5"),
        (lambda: normal_mixture(0.5, 5, tightest_at=0), "tightest at 0"),
        (lambda: BernsteinSequence(bounds=(1, 0)), "values cannot be from 1 to 0"),
        (lambda: BernsteinSequence(level=0), "a level of 0"),
        (lambda: BernsteinSequence().add(2), "the value 2 is not from 0"),
        (lambda: BernsteinSequence().add(math.nan), "the value nan"),
        (lambda: paired_e_value(-1, 0), "-1 wins"),
        (lambda: BettingProcess(-1), "a mean of at most -1"),
        (lambda: BettingProcess().add(1.5), r"the difference 1\.5"),
        (lambda: BettingProcess().rejects(0), "not between 0 and 1"),
        (lambda: betting_interval([2]), "the difference -?2"),
        (lambda: betting_interval([1], grid=1), "a grid of 1 parts"),
    ],
)
def test_what_cannot_be_is_a_value_error(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()
