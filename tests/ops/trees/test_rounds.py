"""Beam search, DVTS and REBASE: hand-computed rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest

from graphdsl.ops.trees.beam import Beam
from graphdsl.ops.trees.dvts import Dvts
from graphdsl.ops.trees.rebase import Rebase, shared
from graphdsl.ops.trees.search import Policy, Search, Trial
from graphdsl.ops.trees.tree import Outcome, Tree
from tests.ops.trees.grove import parents, play, told


def search(policy: Policy) -> Search:
    return Search(policy, Random(0))


def test_a_beam_keeps_the_best_and_copies_them_in_turn() -> None:
    asked = play(search(Beam(4, 2, 9)), told(0.1, 0.9, 0.3, 0.7, *[0.5] * 4), most=2)
    assert parents(asked) == [[0, 0, 0, 0], [2, 4, 2, 4]]


def test_beams_that_ended_are_put_aside_and_the_width_stays() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(1.0 if trial.id == 1 else 0.2, open=trial.id != 1)

    assert parents(play(search(Beam(4, 2, 9)), script, most=2))[1] == [2, 3, 2, 3]


def test_with_fewer_open_beams_than_are_kept_all_go_on() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=trial.id == 3)

    assert parents(play(search(Beam(4, 2, 9)), script, most=2))[1] == [3, 3, 3, 3]


def test_equal_beams_stay_in_order_and_a_missing_score_is_the_worst() -> None:
    asked = play(search(Beam(6, 2, 9)), told(None, 0.5, 0.5, float("nan"), 0.5, 0.1), most=1)
    assert len(asked[0]) == 6
    again = play(search(Beam(6, 2, 9)), told(None, 0.5, 0.5, math.nan, 0.5, *[0.1] * 9), most=2)
    assert parents(again)[1] == [2, 3, 5, 2, 3, 5]


@pytest.mark.parametrize(("width", "branch", "keep"), [(5, 2, 2), (1, 4, 1), (3, 4, 1), (4, 1, 4)])
def test_a_width_that_branch_does_not_divide_keeps_the_whole_part(
    width: int, branch: int, keep: int
) -> None:
    scores = [place / 10 for place in range(20)]
    second = parents(play(search(Beam(width, branch, 9)), told(*scores), most=2))[1]
    assert len(second) == width
    assert len(set(second)) == keep


@pytest.mark.parametrize("policy", [Beam(2, 2, 3), Dvts(2, 2, 3)], ids=["beam", "dvts"])
def test_the_last_round_writes_to_the_end(policy: Policy) -> None:
    rounds = play(search(policy), told(*[0.5] * 6), most=3)
    assert [row[0].whole for row in rounds] == [False, False, True]


def test_dvts_keeps_the_best_of_each_tree() -> None:
    # trees own trials 1 2 and 3 4; the second tree keeps its best though it is worse than 2
    asked = play(search(Dvts(4, 2, 9)), told(0.9, 0.8, 0.1, 0.2, *[0.5] * 4), most=2)
    assert parents(asked)[1] == [1, 1, 4, 4]


def test_a_dvts_tree_ends_with_its_best_child_and_the_others_go_on() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome({1: 0.9, 2: 0.1, 3: 0.2, 4: 0.4}.get(trial.id, 0.5), open=trial.id != 1)

    assert parents(play(search(Dvts(4, 2, 9)), script, most=3))[1:] == [[4, 4], [5, 5]]


def test_a_dvts_tree_survives_a_failed_child_and_dies_when_all_fail() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=True, failed=False) if trial.id == 2 else Outcome(failed=True)

    assert parents(play(search(Dvts(4, 2, 9)), script))[1:] == [[2, 2]]


def test_dvts_spreads_what_branch_does_not_divide_over_the_first_trees() -> None:
    asked = play(search(Dvts(7, 3, 9)), told(*[0.5] * 20), most=2)
    assert parents(asked)[1] == [1, 1, 1, 1, 5, 5, 5]


def test_the_example_of_rebase() -> None:
    assert shared([0.9, 0.8, 0.3, 0.1], 16, 0.2) == [10, 6, 0, 0]


def allocation(scores: Sequence[float], width: int, softness: float) -> list[int]:
    """As published: subtract from what is left, in the order of falling scores."""
    counts = [0] * len(scores)
    left, mass = width, sum(math.exp(score / softness) for score in scores)
    for index in sorted(range(len(scores)), key=lambda index: -scores[index]):
        own = math.exp(scores[index] / softness)
        counts[index] = min(left, math.ceil(left * own / mass - 1e-9)) if mass > 1e-12 else 0
        left, mass = left - counts[index], mass - own
    return counts


def test_rebase_shares_as_published_and_uses_the_whole_width() -> None:
    random = Random(4)
    for _ in range(300):
        scores = [random.random() for _ in range(random.randint(1, 12))]
        width = random.randint(1, 40)
        found = shared(scores, width, 0.2)
        assert found == allocation(scores, width, 0.2)
        assert sum(found) == width


@pytest.mark.parametrize(
    ("scores", "width", "counts"),
    [
        ([0.5], 7, [7]),
        ([0.5, 0.5], 4, [2, 2]),
        ([0.5, 0.5, 0.5], 4, [2, 1, 1]),
        ([-math.inf, 0.1], 4, [0, 4]),
        ([-math.inf, -math.inf], 4, [2, 2]),
        ([1000.0, -1000.0], 4, [4, 0]),
        ([], 4, []),
        ([0.1, 0.2], 0, [0, 0]),
    ],
)
def test_rebase_at_its_edges(scores: list[float], width: int, counts: list[int]) -> None:
    assert shared(scores, width, 0.2) == counts


def test_the_width_of_rebase_falls_with_ended_paths_but_not_with_failed_ones() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=trial.id > 2, failed=trial.id == 2)

    asked = play(search(Rebase(6)), script, most=2)
    assert len(asked[1]) == 5


def test_rebase_ends_when_the_width_is_used_up() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=trial.id == 1)

    assert [len(row) for row in play(search(Rebase(2)), script)] == [2, 1]
