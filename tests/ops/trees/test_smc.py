"""Resampling, annealing, particle filters and particle Gibbs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest

from graphdsl.ops.trees.annealing import base, entropy, ess, none
from graphdsl.ops.trees.policies import policy_of
from graphdsl.ops.trees.resampling import Resampling, multinomial, systematic
from graphdsl.ops.trees.search import Search, Trial
from graphdsl.ops.trees.smc import Smc, logit
from graphdsl.ops.trees.tree import Outcome, Tree
from tests.ops.trees.grove import parents, play, told

SHARES = [0.05, 0.4, 0.0, 0.3, 0.25]
ROUNDS = 4000
COUNT = 10
CHI_SQUARE = 20.0
"""Beyond the 99.9 % quantile (18.5) of four degrees of freedom; with less spread it is smaller."""


@pytest.mark.parametrize("resampling", [multinomial, systematic])
def test_resampling_is_unbiased(resampling: Resampling) -> None:
    random, found = Random(17), Counter[int]()
    for _ in range(ROUNDS):
        drawn = resampling(SHARES, COUNT, random)
        assert len(drawn) == COUNT
        found.update(drawn)
    assert found[2] == 0
    total = ROUNDS * COUNT
    square = sum((found[i] - total * p) ** 2 / (total * p) for i, p in enumerate(SHARES) if p)
    assert square < CHI_SQUARE


def test_multinomial_counts_vary_as_they_should() -> None:
    random = Random(23)
    counts = [multinomial(SHARES, COUNT, random).count(1) for _ in range(ROUNDS)]
    mean = sum(counts) / ROUNDS
    variance = sum((count - mean) ** 2 for count in counts) / ROUNDS
    assert variance == pytest.approx(COUNT * 0.4 * 0.6, rel=0.1)


def test_systematic_counts_are_the_expected_ones_rounded() -> None:
    random = Random(29)
    for _ in range(500):
        shares = [random.random() for _ in range(6)]
        shares = [share / sum(shares) for share in shares]
        drawn = Counter(systematic(shares, 7, random))
        for index, share in enumerate(shares):
            assert math.floor(7 * share - 1e-9) <= drawn[index] <= math.ceil(7 * share + 1e-9)


class Fixed(Random):
    """A source of one number."""

    def __init__(self, number: float) -> None:
        super().__init__(0)
        self.number = number

    def random(self) -> float:
        return self.number


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("resampling", [multinomial, systematic])
def test_nothing_without_a_share_is_drawn_at_the_ends(
    number: float, resampling: Resampling
) -> None:
    drawn = resampling([0.0, 0.3, 0.7, 0.0], 3, Fixed(number))
    assert set(drawn) <= {1, 2}


def test_annealing_by_the_effective_sample_size() -> None:
    shares = [0.85, 0.05, 0.05, 0.05]
    size = 1 / (0.85**2 + 3 * 0.05**2)
    assert size / 4 < 0.5
    assert ess(shares, 0.25) == pytest.approx(4 / size * 0.75)
    assert ess(shares, 0.5) == 1.0
    assert ess([0.4, 0.3, 0.2, 0.1], 0.25) == 1.0  # N/ESS is 1.2: enough of them count
    assert ess([1.0], 0.1) == 1.0
    assert ess([0.6, 0.4, 0.0, 0.0, 0.0], 0.49) == pytest.approx(5 * (0.36 + 0.16) * 0.51)


def test_annealing_by_entropy() -> None:
    shares = [0.7, 0.2, 0.1]
    normal = -sum(p * math.log(p) for p in shares) / math.log(3)
    assert entropy(shares, 0.25) == pytest.approx(1 / (normal + (1 - normal) * 0.25))
    assert entropy(shares, 1.0) == pytest.approx(1.0)
    assert entropy([1.0, 0.0], 0.5) == pytest.approx(2.0)


def test_annealing_by_time_and_none() -> None:
    assert [base(SHARES, over) for over in (0.0, 0.25, 1.0)] == [2.0, 1.75, 1.0]
    assert none(SHARES, 0.0) == 1.0


@pytest.mark.parametrize(
    ("score", "weight"),
    [
        (0.5, 0.0),
        (0.8, math.log(4)),
        (0.0, math.log(1e-7 / (1 - 1e-7))),
        (1.0, math.log((1 - 1e-7) / 1e-7)),
        (-3.0, math.log(1e-7 / (1 - 1e-7))),
        (None, -math.inf),
        (math.nan, -math.inf),
    ],
)
def test_a_weight_is_the_logit_of_a_clipped_score(score: float | None, weight: float) -> None:
    assert logit(score) == pytest.approx(weight, abs=1e-6)


def shares_of(tree: Tree, numbers: Sequence[int]) -> list[float]:
    """The odds r / (1 - r), as shares: what the softmax of logits is."""
    odds = [(r := tree[number].outcome.score or 0.0) / (1 - r) for number in numbers]
    return [one / sum(odds) for one in odds]


def test_particles_are_drawn_by_their_odds_and_scores_replace_each_other() -> None:
    policy = Smc(3, 9)
    search = Search(policy, Random(0))
    play(search, told(0.5, 0.8, 0.2, 0.9, 0.9, 0.1), most=2)
    assert policy.shares(search.tree, [1, 2, 3]) == pytest.approx(shares_of(search.tree, [1, 2, 3]))
    assert policy.shares(search.tree, [1, 2, 3]) == pytest.approx([1 / 5.25, 4 / 5.25, 0.25 / 5.25])


def test_resampling_follows_the_shares_over_many_searches() -> None:
    found = Counter[int]()
    for seed in range(1500):
        asked = play(Search(Smc(4, 9), Random(seed)), told(0.5, 0.8, 0.2, 0.6, *[0.5] * 4), most=2)
        found.update(trial.parent for trial in asked[1])
    odds = {1: 1.0, 2: 4.0, 3: 0.25, 4: 1.5}
    whole = sum(odds.values())
    total = sum(found.values())
    square = sum((found[i] - total * o / whole) ** 2 / (total * o / whole) for i, o in odds.items())
    assert square < CHI_SQUARE


def test_finished_particles_are_drawn_as_well_and_take_no_step() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(1.0 if trial.id == 1 else 0.1, open=trial.id != 1)

    # the finished one has all the weight: every particle becomes it, and the sweep is over
    assert parents(play(Search(Smc(4, 9), Random(0)), script)) == [[0, 0, 0, 0]]


def test_failed_particles_are_never_drawn_even_without_scores() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        ended = tree[trial.parent].depth == 1
        return Outcome(None, open=trial.id == 3 and not ended, failed=trial.id in (1, 2, 4))

    assert parents(play(Search(Smc(4, 9), Random(0)), script)) == [[0] * 4, [3] * 4]


def test_one_particle_is_a_single_path() -> None:
    asked = play(Search(Smc(1, 9), Random(0)), told(*[0.5] * 9), most=4)
    assert parents(asked) == [[0], [1], [2], [3]]


def test_look_ahead_adds_its_logit() -> None:
    def script(trial: Trial, tree: Tree) -> Outcome:
        return {
            1: Outcome(0.5, open=True, ahead=0.8),
            2: Outcome(0.8, open=False),
            3: Outcome(0.5, open=True, ahead=None),
        }[trial.id]

    policy = Smc(3, 9, ahead=True)
    search = Search(policy, Random(0))
    for trial in search.ask():
        search.tell(trial.id, script(trial, search.tree))
    search.ask()
    assert policy.shares(search.tree, [1, 2, 3]) == pytest.approx([4 / 21, 16 / 21, 1 / 21])


def test_softness_and_annealing_flatten_the_shares() -> None:
    assert Smc(2, 9, softness=2.0).shares(_tree(), [1, 2]) == pytest.approx([1 / 3, 2 / 3])
    found = Counter[int]()
    for seed in range(400):
        policy = Smc(2, 9, annealing=lambda shares, over: 1000.0)
        search = Search(policy, Random(seed))
        asked = play(search, told(0.0001, 0.9999, 0.5, 0.5), most=2)
        found.update(trial.parent for trial in asked[1])
    assert 300 < found[1] < 500


def test_annealing_sees_the_shares_and_how_much_is_over() -> None:
    seen: list[tuple[list[float], float]] = []

    def watch(shares: Sequence[float], over: float) -> float:
        seen.append((list(shares), over))
        return 1.0

    search = Search(Smc(2, 8, annealing=watch), Random(0))
    play(search, told(0.5, 0.8, 0.5, 0.5, 0.5, 0.5), most=3)
    assert [over for _, over in seen] == [1 / 8, 2 / 8]
    assert seen[0][0] == pytest.approx([0.2, 0.8])


def _tree() -> Tree:
    search = Search(Smc(2, 9), Random(0))
    play(search, told(0.5, 0.8, 0.5, 0.5), most=2)
    return search.tree


def test_particle_gibbs_keeps_one_particle_from_sweep_to_sweep() -> None:
    search = Search(Smc(3, 9, sweeps=3), Random(4))

    def script(trial: Trial, tree: Tree) -> Outcome:
        return Outcome(0.5, open=tree[trial.parent].depth < 1)

    asked = parents(play(search, script))
    starts = [row for row in asked if row and set(row) == {0}]
    assert [len(row) for row in starts] == [3, 2, 2]  # the reference takes no new steps


def test_the_reference_weighs_what_it_did_at_the_step_and_is_cut_there() -> None:
    """Its first node has all the weight, so that the others become it and go on from there."""

    def script(trial: Trial, tree: Tree) -> Outcome:
        depth = tree[trial.parent].depth + 1
        first_sweep = trial.id <= 4
        return Outcome(0.999999 if first_sweep else 0.000001, open=depth < 2)

    search = Search(Smc(2, 9, sweeps=2), Random(1))
    asked = parents(play(search, script))
    assert asked[0] == [0, 0]
    assert asked[2] == [0]
    assert search.tree[asked[3][0]].depth == 1
    assert asked[3][0] in (1, 2)  # a node of the first sweep, active again


def test_a_reference_drawn_by_weight() -> None:
    kept = Counter[int]()
    for seed in range(600):
        policy = Smc(2, 9, sweeps=2)
        search = Search(policy, Random(seed))
        asked = play(search, lambda trial, tree: Outcome(0.8 if trial.id == 2 else 0.5), most=1)
        assert len(asked) == 1
        search.ask()
        kept.update(policy._reference)  # pyright: ignore[reportPrivateUsage]
    assert abs(kept[2] / 600 - 0.8) < 5 * math.sqrt(0.8 * 0.2 / 600)


def test_a_sweep_after_one_in_which_all_failed_starts_afresh() -> None:
    asked = play(Search(Smc(2, 9, sweeps=2), Random(0)), lambda trial, tree: Outcome(failed=True))
    assert parents(asked) == [[0, 0], [0, 0]]


def test_one_particle_and_its_reference_need_no_further_sweep() -> None:
    asked = play(Search(Smc(1, 9, sweeps=5), Random(0)), lambda trial, tree: Outcome(0.5))
    assert parents(asked) == [[0]]


def test_annealed_particles_are_drawn_systematically_unless_told_otherwise() -> None:
    def drawn(**given: str) -> object:
        policy = policy_of({"policy": "smc", "models": (), **given})
        assert isinstance(policy, Smc)
        return policy.resampling

    assert drawn() is multinomial
    assert drawn(anneal="ess") is systematic
    assert drawn(anneal="ess", resample="multinomial") is multinomial
