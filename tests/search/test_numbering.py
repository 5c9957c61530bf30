"""Numbers of points, and the order in which a grid walks through them."""

from __future__ import annotations

from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.ir.nodes import Assignment, Hole
from graphdsl.search.numbering import gridded, numbering_of, scattered
from graphdsl.search.space import Space
from graphdsl.search.strategies.grid import grid
from graphdsl.search.strategies.points import completed
from graphdsl.search.strategy import Setting, Told
from graphdsl.testing.strategy_spaces import labels, numbers, setting_of
from tests.search.test_space import conditional_holes, space_of


def points_of(space: Space) -> list[Assignment]:
    """All points by their numbers."""
    numbering = numbering_of(space.parameters)
    return [completed(space, numbering.at(number)) for number in range(numbering.size)]


@settings(max_examples=100, deadline=None)
@given(conditional_holes())
def test_each_number_is_another_point_and_each_point_has_one(holes: list[Hole]) -> None:
    space = space_of(*holes)
    numbered = {tuple(point.items()) for point in points_of(space)}
    enumerated = {tuple(point.items()) for point in space.enumerate(10_000)}
    assert len(points_of(space)) == space.size()
    assert numbered == enumerated


def test_a_number_beyond_the_last_is_an_index_error() -> None:
    (factor,) = numbering_of(space_of(labels("a", "x", "y")).parameters).factors
    with pytest.raises(IndexError):
        factor.at(2)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3_000), st.integers(0, 10**9))
def test_a_scattered_walk_meets_every_number_once(size: int, start: int) -> None:
    assert sorted(scattered(size, start)) == list(range(size))


def test_the_first_steps_of_a_walk_lie_far_apart() -> None:
    """Three gaps only (Steinhaus), and none more than three times the even one."""
    for many in (5, 20, 100):
        seen = sorted(islice(scattered(10**6, 0), many))
        gaps = [b - a for a, b in zip(seen, [*seen[1:], seen[0] + 10**6], strict=True)]
        assert max(gaps) < 3 * 10**6 / many


def test_a_walk_through_an_enormous_space_starts_at_once() -> None:
    size = 2**1830
    first = list(islice(scattered(size, 3), 4))
    assert len(set(first)) == 4
    assert all(0 <= number < size for number in first)


def test_a_continuum_is_halved_with_both_ends() -> None:
    space = gridded(space_of(numbers("t", 0.1, 0.9, None), labels("a", "x", "y")), 2)
    assert {point["t"] for point in points_of(space)} == {0.1, 0.3, 0.5, 0.7, 0.9}
    assert space.size() == 10


async def _walked(setting: Setting, count: int) -> list[Assignment]:
    return list(await grid(setting).ask(count))


async def test_a_grid_that_is_cut_off_has_met_every_value() -> None:
    names = [f"f.x{at}" for at in range(6)]
    points = await _walked(setting_of([labels(name, *"abcd") for name in names]), 24)
    for name in names:
        counts = [sum(point[name] == label for point in points) for label in "abcd"]
        assert min(counts) >= 3, (name, counts)


async def test_another_seed_starts_elsewhere() -> None:
    holes = [labels(f"f.x{at}", *"abcd") for at in range(6)]
    first = {tuple(p.items()) for p in await _walked(setting_of(holes, seed=1), 20)}
    second = {tuple(p.items()) for p in await _walked(setting_of(holes, seed=2), 20)}
    assert first != second


async def test_a_grid_over_a_continuum_is_refined_when_it_is_done() -> None:
    points = await _walked(setting_of([numbers("f.t", 0.0, 1.0, None)]), 17)
    values = [point["f.t"] for point in points]
    assert set(values[:5]) == {0.0, 0.25, 0.5, 0.75, 1.0}
    assert set(values[5:9]) == {0.125, 0.375, 0.625, 0.875}
    assert len(set(values)) == 17


async def test_a_grid_passes_over_what_was_told_of() -> None:
    setting = setting_of([labels("f.x", "a", "b", "c")])
    strategy = grid(setting)
    strategy.tell(Told({"f.x": "b"}, 0.5, 8))
    points = await strategy.ask(9)
    assert {point["f.x"] for point in points} == {"a", "c"}


async def test_random_tries_a_small_alternative_as_often_as_a_large_one() -> None:
    """Uniform over graphs would almost never try the alternative without parameters."""
    space = space_of(
        labels("x", "plain", "rich"),
        *(labels(f"n{at}", *"abcdefgh", when=(("x", ("rich",)),)) for at in range(3)),
    )
    drawn = [space.sample(Random(seed))["x"] for seed in range(200)]
    assert 70 < drawn.count("plain") < 130
