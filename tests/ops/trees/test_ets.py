"""ETS: its integer programme against brute force, its clusters, and what happens without it."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import pytest

from graphdsl.errors import ExtraMissing
from graphdsl.ops.trees import ets, leaf_choice
from graphdsl.ops.trees.clusters import CUT, clusters
from graphdsl.ops.trees.ets import Ets
from graphdsl.ops.trees.leaf_choice import LeafChoice, check_solver, solve
from graphdsl.ops.trees.rebase import shared
from graphdsl.ops.trees.search import Search, Trial
from graphdsl.ops.trees.tree import Outcome, Tree
from tests.ops.trees.grove import parents, play

pytest.importorskip("scipy")


def grown(random: Random, leaves: int) -> list[list[int]]:
    """The nodes above leaves of one depth in a random tree, from the parent to the root."""
    above = [[0]]
    number = 1
    for _ in range(random.randint(0, 3)):
        level: list[list[int]] = []
        for _ in range(random.randint(1, 4)):
            level.append([number, *random.choice(above)])
            number += 1
        above = level
    return [list(random.choice(above)) for _ in range(leaves)]


def drawn(random: Random) -> LeafChoice:
    """A small programme."""
    leaves = random.randint(1, 8)
    groups = random.randint(1, leaves)
    labels = [*range(groups), *(random.randrange(groups) for _ in range(leaves - groups))]
    counts = shared([random.random() for _ in range(leaves)], random.randint(1, 16), 0.2)
    return LeafChoice(
        [count / sum(counts) for count in counts],
        grown(random, leaves),
        labels,
        random.choice([0.0, 0.3, 1.0, 3.0]),
        random.choice([0.0, 0.5, 1.5]),
    )


def objective(choice: LeafChoice, kept: tuple[bool, ...]) -> float:
    """As published, with one term for each variable."""
    nodes = {node for above in choice.ancestors for node in above}
    groups = set(choice.clusters)
    of = range(len(kept))
    y = {node: any(kept[i] and node in choice.ancestors[i] for i in of) for node in nodes}
    c = {group: any(kept[i] and choice.clusters[i] == group for i in of) for group in groups}
    cost = choice.prefix_cost * (sum(y.values()) + sum(kept)) / (len(nodes) + len(kept))
    gain = sum(o for o, keep in zip(choice.outcomes, kept, strict=True) if keep)
    return gain - cost + choice.variety / len(groups) * sum(c.values())


def test_the_solver_finds_what_trying_everything_finds() -> None:
    random = Random(12)
    for _ in range(120):
        choice = drawn(random)
        kept = solve(choice)
        assert kept is not None
        assert any(kept)
        masks = [mask for mask in product([False, True], repeat=len(kept)) if any(mask)]
        best = max(objective(choice, mask) for mask in masks)
        assert objective(choice, tuple(kept)) == pytest.approx(best, abs=1e-6)
        assert choice.value(kept) == pytest.approx(best, abs=1e-6)


def test_a_choice_by_hand() -> None:
    # leaves a and b under node 1, c alone under node 2, all under the root: M = 3, N = 3
    choice = LeafChoice([0.5, 0.5, 0.0], [[1, 0], [1, 0], [2, 0]], [0, 0, 0], 1.0, 0.0)
    # a and b: 1 - (2 + 2)/6; all: 1 - 6/6; a: .5 - 3/6
    assert choice.value([True, True, False]) == pytest.approx(1 - 4 / 6)
    assert solve(choice) == [True, True, False]
    # another meaning in c is worth 1.5/2, and costs two nodes
    varied = LeafChoice([0.5, 0.5, 0.0], [[1, 0], [1, 0], [2, 0]], [0, 0, 1], 1.0, 1.5)
    assert solve(varied) == [True, True, True]


def test_one_leaf_is_always_kept() -> None:
    choice = LeafChoice([0.0, 0.1, 0.0], [[0], [0], [0]], [0, 1, 2], 1000.0, 0.0)
    assert solve(choice) == [False, True, False]


def steps(**vectors: tuple[float, ...] | None) -> list[Outcome]:
    return [Outcome(0.5, open=True, step=text, vector=vector) for text, vector in vectors.items()]


def test_near_steps_share_a_cluster() -> None:
    near = math.acos(1 - CUT / 2)
    found = steps(
        a=(1.0, 0.0), b=(math.cos(near), math.sin(near)), c=(0.0, 1.0), d=(0.0, 2.0), e=None
    )
    assert clusters(found) == [0, 0, 1, 1, 2]


def test_linkage_is_the_average() -> None:
    def at(angle: float) -> tuple[float, float]:
        return math.cos(angle), math.sin(angle)

    # neighbours are .04 apart; the third is further than .05 from the mean of the first two
    angle = math.acos(1 - 0.04)
    assert clusters(steps(a=at(0), b=at(angle), c=at(2 * angle))) in ([0, 0, 1], [0, 1, 1])


def test_equal_texts_share_a_cluster_whatever_their_vectors() -> None:
    same = [
        Outcome(step="x", vector=(1.0, 0.0)),
        Outcome(step="y"),
        Outcome(step="x", vector=(0.0, 1.0)),
    ]
    assert clusters(same) == [0, 1, 0]


def test_vectors_of_zeros_and_missing_ones_stand_alone() -> None:
    assert clusters(steps(a=(0.0, 0.0), b=(1.0, 0.0), c=None)) == [0, 1, 2]
    assert clusters(steps(a=(1.0, 0.0))) == [0]


def test_the_programme_of_a_search() -> None:
    policy = Ets(4)
    search = Search(policy, Random(0))

    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.9 if trial.id in (1, 5) else 0.1, open=True, step="same")

    play(search, script, most=2)
    made = search.tree.nodes[5:] or search.tree.nodes[1:]
    choice = policy.choice(search.tree, made)
    assert all(above[-1] == 0 for above in choice.ancestors)
    assert sum(choice.outcomes) == pytest.approx(1.0)
    assert (choice.variety, set(choice.clusters)) == (0.0, {0})  # all steps are equal


def test_ets_expands_only_what_it_keeps_and_uses_the_whole_width() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.9 if trial.id == 2 else 0.1, open=True, step="same")

    rows = parents(play(Search(Ets(4), Random(0)), script, most=2))
    assert rows == [[0] * 4, [2] * 4]


def test_different_steps_are_kept_for_their_variety() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=True, step=f"step {trial.id}")

    rows = parents(play(Search(Ets(4), Random(0)), script, most=2))
    assert rows[1] == [1, 2, 3, 4]


def test_a_solver_that_fails_means_rebase_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ets, "solve", lambda choice, seconds: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]

    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.9 if trial.id < 3 else 0.0, open=True, step="same")

    search = Search(Ets(4), Random(0))
    assert parents(play(search, script, most=2))[1] == [1, 1, 2, 2]
    assert search.tree.fell_back
    assert search.tree.notes == ["the choice of leaves took too long; all are kept, as by rebase"]


def test_a_solver_without_time_gives_up() -> None:
    random = Random(1)
    above = grown(random, 200)
    outcomes = [random.random() / 100 for _ in above]
    choice = LeafChoice(outcomes, above, [random.randrange(60) for _ in above], 1.0, 1.5)
    assert solve(choice, seconds=0.0) is None


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, what: str) -> object:
        raise ExtraMissing(module, extra="methods", what=what)

    monkeypatch.setattr(leaf_choice, "extra", missing)
    with pytest.raises(ExtraMissing, match=r"`policy: ets` needs .*graphdsl-tts\[methods\]"):
        check_solver()
