"""`greedy`, `evolve` and `archon`: what they propose, step by step."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.archon import archon
from graphdsl.search.strategies.evolve import evolve
from graphdsl.search.strategies.greedy import greedy
from graphdsl.search.strategies.table import STRATEGIES
from graphdsl.search.strategy import Strategy, Told
from graphdsl.testing.strategy_spaces import labels, numbers, setting_of


async def proposed(
    strategy: Strategy, quality: Callable[[Assignment], float], rounds: int, count: int = 8
) -> list[Assignment]:
    """All proposals in order."""
    found: list[Assignment] = []
    for _ in range(rounds):
        batch = await strategy.ask(count)
        found += batch
        for point in batch:
            strategy.tell(Told(point, quality(point), 20))
    return found


def texts(points: list[Assignment]) -> list[str]:
    return ["".join(map(str, point.values())) for point in points]


# ---- greedy


async def test_greedy_sweeps_the_axes_and_keeps_what_is_best() -> None:
    setting = setting_of([labels("x", "a", "b", "c"), labels("y", "a", "b"), numbers("z", 1, 3)])

    def quality(point: Assignment) -> float:
        return (point["x"] == "c") + (point["y"] == "a") + float(point["z"]) / 10

    points = await proposed(greedy(setting), quality, 4)
    assert texts(points) == ["aa1", "ba1", "ca1", "cb1", "ca2", "ca3"]


async def test_greedy_then_tries_the_rest() -> None:
    setting = setting_of([labels("x", "a", "b", "c"), labels("y", "a", "b", "c")])
    points = texts(await proposed(greedy(setting), lambda point: 0.5, 9))
    assert points[:5] == ["aa", "ba", "ca", "ab", "ac"]
    assert sorted(points[5:]) == ["bb", "bc", "cb", "cc"]


@pytest.mark.parametrize(("rounds", "found"), [(1, False), (2, True)])
async def test_another_round_of_greedy_mends_what_the_first_could_not_see(
    rounds: int, found: bool
) -> None:
    """y: b pays only once z: b is there, which the first sweep learns last."""
    holes = [labels(name, *"abcdef") for name in "yz"]
    setting = setting_of([*holes, labels("w", *"abcdef")], options={"rounds": rounds})

    def quality(point: Assignment) -> float:
        return (point["z"] == "b") + (point["y"] == point["z"] == "b") + (point["y"] == "f") / 2

    points = texts(await proposed(greedy(setting), quality, 5 if rounds == 2 else 4))
    assert ("bba" in points) is found


async def test_greedy_sweeps_what_its_choices_make_active() -> None:
    setting = setting_of(
        [labels("x", "a", "b"), labels("n", "1", "2", when=(("x", ("b",)),))],
    )
    points = await proposed(greedy(setting), lambda point: float(point["x"] == "b"), 3)
    assert texts(points) == ["a", "b1", "b2"]


# ---- evolve


async def test_children_have_their_values_from_their_parents_or_next_to_them() -> None:
    setting = setting_of([numbers(f"n{at}", 1, 50) for at in range(6)], options={"population": 4})
    strategy = evolve(setting)
    for turn in range(4):
        parent: Assignment = {f"n{at}": 20 * (1 + turn % 2) for at in range(6)}
        strategy.tell(Told(parent | {"n0": 20 + turn}, 0.9, 20))
    lowest: Assignment = {f"n{at}": 1 for at in range(6)}
    strategy.tell(Told(lowest, 0.1, 20))
    inherited = [
        value in {20, 40, 21, 22, 23}
        for point in await strategy.ask(40)
        for value in point.values()
    ]
    assert 0.7 < fmean(inherited) < 0.98


async def test_evolution_keeps_both_ends_of_a_front() -> None:
    setting = setting_of([labels(f"x{at}", "a", "b") for at in range(9)], minimise=("calls",))
    strategy = evolve(setting)
    best: dict[float, float] = {}
    for _ in range(25):
        for point in await strategy.ask(8):
            calls = float(list(point.values()).count("b"))
            best[calls] = calls / 9
            strategy.tell(Told(point, calls / 9, 20, {"calls": calls}))
    assert {0.0, 9.0} <= best.keys()


# ---- archon


async def test_archon_begins_with_single_changes_and_random_points() -> None:
    setting = setting_of([labels(f"x{at}", *"abcd") for at in range(5)])
    strategy = archon(setting)
    points = await proposed(strategy, lambda point: 0.5, 16, 1)
    changed = [sum(value != "a" for value in point.values()) for point in points]
    assert changed == [0] + [1] * 15
    assert strategy.starts == 10
    await proposed(strategy, lambda point: 0.5, 10, 1)
    assert texts(await proposed(strategy, lambda point: 0.5, 1, 1))


async def test_archon_takes_the_number_of_random_starts_from_the_program() -> None:
    assert archon(setting_of([labels("x", *"abcd")], options={"samples": 230})).starts == 230


async def test_archon_finds_what_single_changes_point_to() -> None:
    """Ten axes of four labels: a million points, and each best label by itself is a little good."""
    names = [f"x{at}" for at in range(10)]
    setting = setting_of([labels(name, *"abcd") for name in names], options={"samples": 4})

    def quality(point: Assignment) -> float:
        return fmean("abcd".index(str(point[name])) == at % 4 for at, name in enumerate(names))

    points = await proposed(archon(setting), quality, 8)
    assert quality(points[0]) < 0.5
    assert max(map(quality, points)) == 1.0


# ---- all


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("greedy", {"rounds": 0}, "`rounds` is at least 1, not 0"),
        ("evolve", {"population": 2.5}, "`population` is a whole number, not 2.5"),
        ("nsga2", {"population": "many"}, "`population` is a whole number, not 'many'"),
        ("reinforce", {"rate": 0}, "`rate` is a number above 0 and up to 1, not 0"),
        ("archon", {"samples": True}, "`samples` is a whole number, not True"),
    ],
)
def test_an_option_out_of_bounds_is_a_value_error(
    name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        STRATEGIES[name](setting_of([labels("x", "a", "b")], options=options))


def test_worth_is_score_less_the_share_of_cost() -> None:
    archive = Archive(setting_of([labels("x", *"abc")], minimise=("calls",)))
    for label, quality, calls in [("a", 0.5, 10.0), ("b", 0.6, 20.0), ("c", 0.7, 30.0)]:
        archive.tell(Told({"x": label}, quality, 20, {"calls": calls}))
    archive.settle()
    assert list(archive.worths(0.3).values()) == pytest.approx([0.5, 0.45, 0.4])
    assert archive.best() == (("x", "c"),)
