"""The policy gradient: against finite differences, by hand, and in expectation."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Space
from graphdsl.search.strategies.adam import Adam
from graphdsl.search.strategies.policy import Logits, Policy, leave_one_out
from graphdsl.search.strategies.reinforce import Reinforce, reinforce
from graphdsl.search.strategy import Told
from graphdsl.testing.strategy_spaces import SPACES, labels, numbers, setting_of
from tests.search.test_space import space_of

STEP = 1e-5


def random_logits(policy: Policy, seed: int) -> Logits:
    rng = Random(seed)
    return {name: [rng.gauss(0, 1) for _ in row] for name, row in policy.even().items()}


def moved(logits: Logits, name: str, at: int, by: float) -> Logits:
    row = [value + by * (place == at) for place, value in enumerate(logits[name])]
    return logits | {name: row}


def entropy(policy: Policy, logits: Logits, names: set[str]) -> float:
    """Of the choices with these names, each by itself."""
    rows = [
        one.probabilities(logits[one.parameter.address])
        for one in policy.choices
        if one.parameter.address in names
    ]
    return -math.fsum(p * math.log(p) for row in rows for p in row)


@pytest.mark.parametrize("space", ["labels", "conditions", "collaboration", "steps"])
def test_the_gradient_is_that_of_finite_differences(space: str) -> None:
    policy = Policy.of(Space.of(setting_of(SPACES[space]).graph))
    logits, rng = random_logits(policy, 3), Random(4)
    points = [policy.sample(logits, rng) for _ in range(5)]
    worths = [rng.random() for _ in points]
    bonus = 0.3
    decided = {name for point in points for name in point}

    def surrogate(at: Logits) -> float:
        total = math.fsum(worths)
        parts = [
            (worth - (total - worth) / 4) * policy.log_probability(at, point) / 5
            for worth, point in zip(worths, points, strict=True)
        ]
        return math.fsum(parts) + bonus * entropy(policy, at, decided)

    gradient = policy.gradient(logits, points, worths, bonus)
    assert set(gradient) == decided
    for name, slope in gradient.items():
        for at, part in enumerate(slope):
            up, down = (surrogate(moved(logits, name, at, by)) for by in (STEP, -STEP))
            assert part == pytest.approx((up - down) / (2 * STEP), abs=1e-8)


def test_an_edge_moves_by_a_less_its_probability() -> None:
    """By hand: θ = ln 3, so σ = ¾; u = 1 with the edge, 0 without; A = ±1, M = 2."""
    policy = Policy.of(space_of(labels("g.edge.1.2", "off", "on")))
    logits: Logits = {"g.edge.1.2": [math.log(3)]}
    points: list[Assignment] = [{"g.edge.1.2": "on"}, {"g.edge.1.2": "off"}]
    (slope,) = policy.gradient(logits, points, [1.0, 0.0], 0.0).values()
    assert slope == [pytest.approx((1 * (1 - 0.75) + -1 * (0 - 0.75)) / 2)]


def test_probabilities_of_all_points_sum_to_one() -> None:
    for name in ("conditions", "collaboration", "steps"):
        space = setting_of(SPACES[name]).space
        policy = Policy.of(space)
        logits = random_logits(policy, 9)
        total = math.fsum(math.exp(policy.log_probability(logits, p)) for p in space.enumerate(999))
        assert total == pytest.approx(1.0)


def test_points_are_drawn_by_their_probabilities() -> None:
    space = setting_of(SPACES["conditions"]).space
    policy = Policy.of(space)
    logits, rng = random_logits(policy, 2), Random(8)
    drawn = [tuple(policy.sample(logits, rng).items()) for _ in range(4_000)]
    for point in space.enumerate(99):
        chance = math.exp(policy.log_probability(logits, point))
        seen = drawn.count(tuple(point.items())) / len(drawn)
        assert abs(seen - chance) < 4.5 * math.sqrt(chance * (1 - chance) / len(drawn))


def test_the_estimate_has_no_bias() -> None:
    """The mean of many estimates is the true gradient of the expected worth."""
    space = space_of(labels("a", "x", "y"), labels("b", "on", "off", when=(("a", ("x",)),)))
    policy = Policy.of(space)
    logits, rng = random_logits(policy, 5), Random(6)

    def worth(point: Assignment) -> float:
        return 1.0 if point == {"a": "x", "b": "on"} else 0.3 * (point["a"] == "y")

    def expected(at: Logits) -> float:
        points = list(space.enumerate(9))
        return math.fsum(math.exp(policy.log_probability(at, p)) * worth(p) for p in points)

    estimates: list[float] = []
    for _ in range(4_000):
        points = [policy.sample(logits, rng) for _ in range(3)]
        gradient = policy.gradient(logits, points, [worth(p) for p in points], 0.0)
        estimates.append(gradient.get("b", [0.0])[0])
    up, down = (expected(moved(logits, "b", 0, by)) for by in (STEP, -STEP))
    assert fmean(estimates) == pytest.approx((up - down) / (2 * STEP), abs=0.01)


def test_the_baseline_is_the_mean_of_the_others() -> None:
    assert leave_one_out([3.0, 1.0, 2.0]) == [1.5, -1.5, 0.0]
    assert leave_one_out([0.7]) == [0.0]
    assert leave_one_out([]) == []


def test_a_hole_that_no_sample_decided_has_no_gradient() -> None:
    policy = Policy.of(
        space_of(labels("a", "x", "y"), labels("b", "1", "2", when=(("a", ("y",)),)))
    )
    gradient = policy.gradient(policy.even(), [{"a": "x"}, {"a": "x"}], [1.0, 0.0], 0.5)
    assert set(gradient) == {"a"}


def test_extreme_logits_stay_finite() -> None:
    policy = Policy.of(space_of(labels("e", "off", "on"), labels("m", "a", "b", "c")))
    logits: Logits = {"e": [-900.0], "m": [900.0, 0.0, -900.0]}
    point: Assignment = {"e": "off", "m": "a"}
    gradient = policy.gradient(logits, [point] * 2, [1.0, 0.0], 1.0)
    assert all(math.isfinite(part) for row in gradient.values() for part in row)
    assert policy.likeliest(logits) == {"e": "off", "m": "a"}


def test_a_long_axis_is_a_choice_of_some_values() -> None:
    (choice,) = Policy.of(space_of(numbers("n", 1, 10**9))).choices
    assert len(choice.values) == 33
    assert (choice.values[0], choice.values[-1]) == (1, 10**9)


def test_adam_climbs_by_its_rate_at_first() -> None:
    """By hand: both moments are corrected to g and g², so the first step is the rate."""
    logits: Logits = {"a": [0.0, 0.0]}
    adam = Adam(0.1)
    adam.step(logits, {"a": [0.02, -5.0]})
    assert logits["a"] == pytest.approx([0.1, -0.1], abs=1e-6)
    adam.step(logits, {"a": [0.02, 5.0]})
    first, second = -0.9 * 0.1 * 5 + 0.1 * 5, 0.999 * 0.001 * 25 + 0.001 * 25
    step = 0.1 * (first / (1 - 0.81)) / math.sqrt(second / (1 - 0.999**2))
    assert logits["a"] == pytest.approx([0.2, -0.1 + step], abs=1e-6)


# ---- the strategy


async def learned(strategy: Reinforce, rounds: int) -> None:
    """Tell that only the first label of everything is worth something."""
    for _ in range(rounds):
        for point in await strategy.ask(8):
            good = fmean(str(value) in "ax" for value in point.values())
            strategy.tell(Told(point, good, 20))


async def test_its_probabilities_move_to_what_is_good() -> None:
    setting = setting_of([labels(f"f.x{at}", *"abc") for at in range(6)])
    strategy = reinforce(setting)
    before = strategy.distribution()["f.x0"]
    assert before == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    seen = [before["a"]]
    for _ in range(3):
        await learned(strategy, 10)
        seen.append(fmean(row["a"] for row in strategy.distribution().values()))
    assert all(a < b for a, b in pairwise(seen))
    assert seen[-1] > 0.8


async def test_equal_worths_move_nothing() -> None:
    strategy = reinforce(setting_of([labels(f"f.x{at}", *"abc") for at in range(6)]))
    for _ in range(8):
        for point in await strategy.ask(8):
            strategy.tell(Told(point, 0.4, 20))
    for row in strategy.distribution().values():
        assert row == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})


async def test_it_shows_its_likeliest_point() -> None:
    setting = setting_of([labels(f"f.x{at}", *"abcd") for at in range(8)])
    strategy = reinforce(setting)
    shown: list[Assignment] = []
    for _ in range(30):
        batch = await strategy.ask(9)
        likeliest = strategy.policy.likeliest(strategy.logits)
        shown += [point for point in batch[:1] if point == likeliest]
        for point in batch:
            strategy.tell(Told(point, fmean(value == "b" for value in point.values()), 20))
    assert len(shown) >= 4
    assert shown[-1] == {f"f.x{at}": "b" for at in range(8)}


async def test_a_known_point_is_a_sample_without_being_proposed_again() -> None:
    setting = setting_of([labels("f.x", "a", "b"), labels("f.y", "a", "b")])
    strategy, proposed = reinforce(setting), list[Assignment]()
    for _ in range(5):
        for point in await strategy.ask(8):
            proposed.append(point)
            strategy.tell(Told(point, 1.0 if point["f.x"] == "a" else 0.0, 20))
    assert len(proposed) == 4
    assert strategy.distribution()["f.x"]["a"] > 0.6
