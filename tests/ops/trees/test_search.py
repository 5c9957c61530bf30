"""Every policy by the interface: idempotent, order-free, repeatable, and restored from data."""

from __future__ import annotations

import json
from random import Random

import pytest

from graphdsl.ops.trees.search import Search, restored
from graphdsl.ops.trees.tree import Outcome
from tests.ops.trees.grove import POLICIES, by_chance, parents, play

NAMES = sorted(POLICIES)


@pytest.fixture(autouse=True)
def _solver(request: pytest.FixtureRequest) -> None:  # pyright: ignore[reportUnusedFunction]
    if "ets" in request.node.name:
        pytest.importorskip("scipy")


def new(name: str, seed: int = 1) -> Search:
    return Search(POLICIES[name](), Random(seed), 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_ends_and_the_same_seed_repeats_it(name: str) -> None:
    first, second = play(new(name), by_chance(3)), play(new(name), by_chance(3))
    assert first == second
    assert first[-1]


@pytest.mark.parametrize("name", NAMES)
def test_asking_again_gives_the_trials_that_were_not_told(name: str) -> None:
    search = new(name)
    trials = search.ask()
    assert search.ask() == trials
    search.tell(trials[0].id, Outcome(0.5, open=True))
    assert search.ask() == trials[1:] or len(trials) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_telling_and_telling_twice_change_nothing(name: str) -> None:
    script, backwards = by_chance(5), new(name)
    plain = play(new(name), script)
    for expected in plain:
        trials = backwards.ask()
        assert list(trials) == expected
        for trial in reversed(trials):
            backwards.tell(trial.id, script(trial, backwards.tree))
            backwards.tell(trial.id, Outcome(0.0))
    assert backwards.ask() == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_is_plain_data_and_restores_the_search(name: str) -> None:
    whole, half = new(name), new(name)
    asked = play(whole, by_chance(7))
    play(half, by_chance(7), most=len(asked) // 2)
    data = json.loads(json.dumps(half.checkpoint()))
    again = restored(data, POLICIES[name](), Random(1), 2)
    assert again.checkpoint() == half.checkpoint()
    assert again.ask() == half.ask()
    assert again.tree.nodes == half.tree.nodes
    assert play(again, by_chance(7)) == asked[len(asked) // 2 :]
    assert again.tree.nodes == whole.tree.nodes


def test_a_checkpoint_within_a_round_restores_what_is_missing() -> None:
    search = new("beam")
    for trial in search.ask()[1:]:
        search.tell(trial.id, Outcome(0.5, open=True))
    again = restored(search.checkpoint(), POLICIES["beam"](), Random(1), 2)
    assert [trial.id for trial in again.ask()] == [1]


@pytest.mark.parametrize("name", NAMES)
def test_a_search_that_is_over_asks_for_nothing(name: str) -> None:
    search = new(name)
    play(search, by_chance(2))
    assert search.ask() == ()
    assert search.ask() == ()


@pytest.mark.parametrize("name", NAMES)
def test_only_open_nodes_are_expanded(name: str) -> None:
    search = new(name)
    asked = play(search, by_chance(11))
    assert all(search.tree[parent].open for row in parents(asked) for parent in row)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "outcome",
    [Outcome(failed=True), Outcome(0.5), Outcome(None), Outcome(float("nan"))],
    ids=["failed", "ended", "no score", "nan"],
)
def test_when_all_end_at_once_the_search_does(name: str, outcome: Outcome) -> None:
    asked = play(new(name), lambda trial, tree: outcome)
    again = {"ab_mcts": 20, "ucb": 20, "smc": 3}  # these go on from the root
    assert len(asked) == again.get(name, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("score", [None, float("nan"), 0.0, 1.0, -3.0, 7.0, float("-inf")])
def test_no_score_and_strange_scores_break_nothing(name: str, score: float | None) -> None:
    search = new(name)
    asked = play(
        search, lambda trial, tree: Outcome(score, open=tree[trial.parent].depth < 3), most=40
    )
    assert len(asked) > 1


def test_a_trial_that_nobody_asked_for_is_refused() -> None:
    search = new("beam")
    search.ask()
    with pytest.raises(ValueError, match="trial 99 was not asked for"):
        search.tell(99, Outcome())


def test_models_take_turns_where_the_policy_leaves_it_open() -> None:
    search = new("beam")
    assert [trial.model for trial in search.ask()] == [0, 1, 0, 1]
