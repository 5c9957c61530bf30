"""Best-first, A*, UCT, PUCT and UCB: hand-computed choices, and an independent implementation."""

from __future__ import annotations

import math
from random import Random

import pytest

from graphdsl.ops.trees import astar
from graphdsl.ops.trees.astar import AStar
from graphdsl.ops.trees.best_first import BestFirst
from graphdsl.ops.trees.mcts import Mcts, uct
from graphdsl.ops.trees.puct import puct
from graphdsl.ops.trees.search import Search, Trial
from graphdsl.ops.trees.tree import Outcome, Tree
from graphdsl.ops.trees.ucb import Ucb
from tests.ops.trees.grove import by_chance, parents, play, told


def test_best_first_expands_the_highest_score() -> None:
    asked = play(Search(BestFirst(8, 2), Random(0)), told(0.4, 0.6, 0.5, 0.1, 0.2, 0.3, 0.0, 0.0))
    assert parents(asked) == [[0, 0], [2, 2], [3, 3], [1, 1]]


def test_best_first_takes_the_shallower_of_equals_then_the_earlier() -> None:
    asked = play(Search(BestFirst(8, 2), Random(0)), told(*[0.5] * 8))
    assert parents(asked) == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_best_first_asks_every_model_and_keeps_to_the_number_of_nodes() -> None:
    asked = play(Search(BestFirst(7, 2, 2), Random(0), 2), told(*[0.5] * 7))
    assert [[trial.model for trial in row] for row in asked] == [[0, 0, 1, 1], [0, 0, 1]]


def test_astar_adds_up_rises_only() -> None:
    policy = AStar(6, 2)
    search = Search(policy, Random(0))
    play(search, told(0.4, 0.5, 0.7, 0.2, 0.9, 0.1))
    # 1: g=.4 h=.4; 2: g=.5 h=.5 and popped first; 3: g=.5+.2 h=.7; 4: g=.5 h=.2; 3 is next
    assert [round(policy.f(search.tree[number]), 6) for number in (1, 2, 3, 4)] == [
        0.8,
        1.0,
        1.4,
        0.7,
    ]
    assert [node.parent for node in search.tree.nodes[1:]] == [0, 0, 2, 2, 3, 3]


def test_astar_takes_the_deeper_of_equals() -> None:
    # 2 and its child 3 both have f = 1: h .5 + g .5, and h .5 + g .5
    asked = play(Search(AStar(4, 2), Random(0)), told(0.5, 0.5, 0.5, 0.1))
    assert parents(asked) == [[0, 0], [1, 1]]
    more = play(Search(AStar(6, 2), Random(0)), told(0.5, 0.5, 0.5, 0.1, 0.1, 0.1))
    assert parents(more)[2] == [3, 3]


def test_the_first_finished_path_of_the_queue_is_the_answer_of_astar() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome({1: 0.6, 2: 0.3, 3: 0.2, 4: 0.1}[trial.id], open=trial.id == 1)

    search = Search(AStar(40, 2), Random(0))
    assert parents(play(search, script)) == [[0, 0], [1, 1]]
    assert search.tree.chosen == 3  # f .6 + .2 before .6 + .1 and before .3 + .3


def test_astar_without_a_finished_path_chooses_none() -> None:
    search = Search(AStar(4, 2), Random(0))
    play(search, told(*[0.5] * 4))
    assert search.tree.chosen is None


def test_the_worst_leave_a_full_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(astar, "QUEUE", 1)

    def script(trial: Trial, tree: Tree) -> Outcome:
        ended = trial.id in (3, 4)
        return Outcome(None if ended else trial.id / 10, open=not ended)

    # node 1 is evicted by 2, whose children are then all that waits
    search = Search(AStar(40, 2), Random(0))
    assert parents(play(search, script)) == [[0, 0], [2, 2]]


def test_the_formula_of_uct() -> None:
    urgency = uct(math.sqrt(2))(0.3, 0.25, 7, 2)
    assert urgency == pytest.approx(0.3 + math.sqrt(2) * 0.25 * math.sqrt(math.log(7) / 2))


def test_the_formula_of_puct() -> None:
    weight = math.log((7 + 19652 + 1) / 19652) + 1.25
    assert puct(0.3, 0.25, 7, 2) == pytest.approx(0.3 + 0.25 * weight * math.sqrt(7) / 3)


def test_uct_backs_scores_up_to_the_root() -> None:
    policy = Mcts(4, 2, uct(math.sqrt(2)))
    search = Search(policy, Random(0))
    play(search, told(0.2, 0.8, 0.5, 0.6))
    assert policy.visits == [4, 1, 3, 1, 1]
    assert policy.sums == pytest.approx([2.1, 0.2, 1.9, 0.5, 0.6])
    assert [node.parent for node in search.tree.nodes[1:]] == [0, 0, 2, 2]


def test_priors_are_the_softmax_of_siblings() -> None:
    policy = Mcts(20, 2, uct(1.0))
    play(Search(policy, Random(0)), told(0.2, 0.8, *[0.5] * 20), most=3)
    assert policy.priors[1] == pytest.approx(math.exp(0.2) / (math.exp(0.2) + math.exp(0.8)))
    only = Mcts(20, 1, uct(1.0))
    play(Search(only, Random(0)), told(*[0.5] * 20), most=3)
    assert only.priors[1] == 1.0


class PlainMcts:
    """Written again from the formulas, everything computed from the whole tree each time."""

    def __init__(self, exploration: float | None) -> None:
        self.exploration = exploration

    def leaf(self, tree: Tree) -> int:
        node = 0
        while children := [n.id for n in tree.nodes[1:] if n.parent == node]:
            live = [child for child in children if self.live(tree, child)]
            node = max(live, key=lambda child: self.urgency(tree, child, children))
        return node

    def below(self, tree: Tree, number: int) -> list[int]:
        return [n.id for n in tree.nodes[1:] if number == 0 or number in tree.path(n.id)]

    def live(self, tree: Tree, number: int) -> bool:
        inner = {n.parent for n in tree.nodes[1:]}
        return any(tree[n].open and n not in inner for n in self.below(tree, number))

    def urgency(self, tree: Tree, child: int, siblings: list[int]) -> float:
        below = self.below(tree, child)
        mean = sum(tree[n].value for n in below) / len(below)
        known = [s for s in siblings if tree[s].outcome.score is not None]
        masses = {s: math.exp(tree[s].value) for s in known or siblings}
        prior = masses.get(child, 0.0) / sum(masses.values())
        visits, own = len(self.below(tree, tree[child].parent)), len(below)
        if self.exploration is None:
            weight = math.log((visits + 19653) / 19652) + 1.25
            return mean + prior * weight * math.sqrt(visits) / (own + 1)
        return mean + self.exploration * prior * math.sqrt(math.log(visits) / own)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("exploration", [math.sqrt(2), 0.3, None])
def test_mcts_goes_where_the_formulas_say(seed: int, exploration: float | None) -> None:
    urgency = puct if exploration is None else uct(exploration)
    search = Search(Mcts(40, 3, urgency), Random(0))
    plain, script = PlainMcts(exploration), by_chance(seed)
    while trials := search.ask():
        assert {trial.parent for trial in trials} == {plain.leaf(search.tree)}
        for trial in trials:
            search.tell(trial.id, script(trial, search.tree))


def test_uct_passes_over_what_cannot_be_expanded() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(1.0 if trial.id != 2 else 0.0, open=trial.id == 2)

    assert parents(play(Search(Mcts(20, 2, uct(1.0)), Random(0)), script)) == [[0, 0], [2, 2]]


def plain_ucb(scores: dict[int, list[float]], exploration: float) -> int:
    """Which arm comes next."""
    for arm, seen in scores.items():
        if not seen:
            return arm
    total = sum(map(len, scores.values()))
    bounds = {
        arm: sum(seen) / len(seen) + exploration * math.sqrt(math.log(total) / len(seen))
        for arm, seen in scores.items()
    }
    return max(bounds, key=bounds.__getitem__)


def test_ucb_pulls_as_its_formula_says() -> None:
    random = Random(8)
    scores: dict[int, list[float]] = {0: [], 1: [], 2: []}
    search = Search(Ucb(60, 0.5, 3), Random(0), 3)
    while trials := search.ask():
        (trial,) = trials
        assert trial.model == plain_ucb(scores, 0.5)
        assert (trial.parent, trial.whole) == (0, True)
        score = random.random() * (0.3 + 0.3 * trial.model)
        scores[trial.model].append(score)
        search.tell(trial.id, Outcome(score))
    assert sum(map(len, scores.values())) == 60
    assert max(scores, key=lambda arm: len(scores[arm])) == 2


@pytest.mark.parametrize("score", [None, math.nan])
def test_a_failing_arm_loses(score: float | None) -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(score if trial.model == 0 else 0.9, failed=trial.model == 0)

    asked = play(Search(Ucb(40, 0.5, 2), Random(0), 2), script)
    pulls = [row[0].model for row in asked]
    assert pulls.count(1) > 3 * pulls.count(0)
