"""Fronts and crowding of NSGA-II, against their definitions."""

from __future__ import annotations

import math
from random import Random

from graphdsl.search.strategies.ranking import crowding, dominates, fronts, ranked


def random_points(seed: int, aims: int) -> list[tuple[float, ...]]:
    rng = Random(seed)
    return [tuple(float(rng.randrange(6)) for _ in range(aims)) for _ in range(40)]


def test_fronts_are_peeled_off_one_by_one() -> None:
    for seed, aims in [(1, 1), (2, 2), (3, 3)]:
        points = random_points(seed, aims)
        left = set(range(len(points)))
        for front in fronts(points):
            best = {a for a in left if not any(dominates(points[b], points[a]) for b in left)}
            assert set(front) == best
            left -= best
        assert not left


def test_fronts_by_hand() -> None:
    points = [(1.0, 5.0), (3.0, 3.0), (5.0, 1.0), (2.0, 2.0), (1.0, 1.0), (3.0, 3.0)]
    assert fronts(points) == [[0, 1, 2, 5], [3], [4]]


def test_crowding_by_hand() -> None:
    """(4 − 0) / 10 + (10 − 6) / 10, and (10 − 1) / 10 + (9 − 0) / 10."""
    room = crowding([(0.0, 10.0), (1.0, 9.0), (4.0, 6.0), (10.0, 0.0)])
    assert room[0] == room[3] == math.inf
    assert [round(value, 9) for value in room[1:3]] == [0.8, 1.8]


def test_nothing_and_equal_points_have_ranks_too() -> None:
    assert fronts([]) == []
    assert crowding([]) == []
    assert sorted(ranked([(0.5, 1.0)] * 3)) == [0, 1, 2]


def test_the_roomier_of_a_front_comes_first() -> None:
    points = [(0.0, 10.0), (1.0, 9.0), (4.0, 6.0), (10.0, 0.0), (0.5, 0.5)]
    assert ranked(points) == [0, 3, 2, 1, 4]
