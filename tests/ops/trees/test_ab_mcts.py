"""AB-MCTS-A: posteriors by hand, draws by their distributions, and which sums a score goes into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import fmean, pvariance

import pytest

from graphdsl.ops.trees.ab_mcts import AbMcts
from graphdsl.ops.trees.posterior import Seen, beta, gaussian, gaussian_parameters
from graphdsl.ops.trees.search import Search, Trial
from graphdsl.ops.trees.tree import Outcome, Tree
from tests.ops.trees.grove import parents, play


def seen(*scores: float) -> Seen:
    found = Seen()
    for score in scores:
        found.add(score)
    return found


def updated(scores: Sequence[float]) -> tuple[float, float, float, float]:
    """The posterior, one score after another, each with the one before as its prior."""
    mean, kappa, nu, tau = 0.0, 1.0, 1.0, 0.1
    for score in scores:
        spread = kappa * (score - mean) ** 2 / (kappa + 1)
        mean, tau = (kappa * mean + score) / (kappa + 1), (nu * tau + spread) / (nu + 1)
        kappa, nu = kappa + 1, nu + 1
    return mean, kappa, nu, tau


def test_the_gaussian_posterior_by_hand() -> None:
    # n=2, mean .6, SS .08: m = 1.2/3, tau² = (.1 + .08 + 2·.36/3)/3
    assert gaussian_parameters(seen(0.4, 0.8)) == pytest.approx((0.4, 3.0, 3.0, 0.14))
    assert gaussian_parameters(seen()) == pytest.approx((0.0, 1.0, 1.0, 0.1))


def test_the_gaussian_posterior_is_the_same_one_by_one() -> None:
    random = Random(3)
    for count in range(1, 30):
        scores = [random.random() for _ in range(count)]
        assert gaussian_parameters(seen(*scores)) == pytest.approx(updated(scores))


def test_gaussian_draws_have_the_moments_of_students_t() -> None:
    data = seen(*[0.2, 0.5, 0.8, 0.6, 0.4, 0.7, 0.3, 0.5, 0.6])
    mean, kappa, nu, tau = gaussian_parameters(data)
    random = Random(5)
    draws = [gaussian(data, random) for _ in range(40_000)]
    variance = tau / kappa * nu / (nu - 2)
    assert abs(fmean(draws) - mean) < 5 * math.sqrt(variance / len(draws))
    assert pvariance(draws) == pytest.approx(variance, rel=0.08)


def test_beta_draws_have_the_moments_of_their_counts() -> None:
    data, random = seen(1.0, 0.5, 0.25), Random(6)
    a, b = 0.5 + 1.75, 0.5 + 1.25
    draws = [beta(data, random) for _ in range(40_000)]
    variance = a * b / ((a + b) ** 2 * (a + b + 1))
    assert abs(fmean(draws) - a / (a + b)) < 5 * math.sqrt(variance / len(draws))
    assert pvariance(draws) == pytest.approx(variance, rel=0.05)


def test_the_first_expansion_of_a_node_is_a_new_child() -> None:
    search = Search(AbMcts(1), Random(0))
    assert [trial.parent for trial in search.ask()] == [0]


class Greedy:
    """Draws the mean of what was seen, and keeps which sums it was asked about."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def __call__(self, data: Seen, random: Random) -> float:
        self.asked.append((data.count, round(data.total, 6)))
        return data.total / data.count if data.count else 0.5


def test_a_score_counts_for_new_children_of_its_parent_and_for_all_edges_above() -> None:
    greedy = Greedy()
    search = Search(AbMcts(5, greedy), Random(0))
    scores = {1: 0.4, 2: 0.9, 3: 0.2}

    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(scores.get(trial.id, 0.5), open=True)

    # root: new (1, .4) against old (0): .4 < .5, on to 1, which has no child: a child of it, 2
    # root: new (1, .4) against old (1, .9) and on to 1, own (2, 1.3): there new (1, .9) wins: 3
    # root: the same, old (2, 1.1), own of 1 (3, 1.5): new (2, 1.1) against old (0): .55 wins: 4
    asked = play(search, script, most=4)
    assert parents(asked) == [[0], [1], [1], [1]]
    assert greedy.asked == [
        (1, 0.4),
        (0, 0.0),
        (1, 0.4),
        *[(1, 0.4), (1, 0.9), (2, 1.3), (1, 0.9), (0, 0.0)],
        *[(1, 0.4), (2, 1.1), (3, 1.5), (2, 1.1), (0, 0.0)],
    ]


def test_where_no_child_is_open_a_new_one_is_made() -> None:
    asked = play(Search(AbMcts(6), Random(0)), lambda trial, tree: Outcome(0.9))
    assert parents(asked) == [[0]] * 6


@pytest.mark.parametrize("prior", [gaussian, beta])
def test_the_better_model_is_asked_more_often(prior: object) -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.8 if trial.model == 1 else 0.2)

    search = Search(AbMcts(60, prior, 2), Random(2), 2)  # pyright: ignore[reportArgumentType]
    models = [row[0].model for row in play(search, script)]
    assert models.count(1) > 2 * models.count(0) > 0


@pytest.mark.parametrize("score", [-4.0, 9.0, None, math.nan])
def test_scores_outside_of_0_and_1_are_clipped_and_missing_ones_are_0(score: float | None) -> None:
    greedy = Greedy()
    play(Search(AbMcts(2, greedy), Random(0)), lambda trial, tree: Outcome(score, open=True))
    assert (1, 1.0 if score == 9.0 else 0.0) in greedy.asked


def test_good_answers_are_revised_and_bad_ones_left() -> None:
    deeper = play(
        Search(AbMcts(40), Random(1)),
        lambda trial, tree: Outcome(min(1.0, 0.3 * (1 + tree[trial.parent].depth)), open=True),
    )
    wider = play(
        Search(AbMcts(40), Random(1)),
        lambda trial, tree: Outcome(0.9 if trial.parent == 0 else 0.0, open=True),
    )
    assert (
        sum(row == [0] for row in parents(deeper)) < 20 < sum(row == [0] for row in parents(wider))
    )
