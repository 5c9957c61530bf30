"""pass@k, best-of-k and majority@k, against their definition: the mean over all subsets."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.eval import best_of_k, majority_at_k, mean_pass_at_k, pass_at_k
from tests.eval.independent import numpy, special


@pytest.mark.parametrize(
    ("n", "correct", "k", "golden"), [(10, 3, 5, 0.916667), (100, 1, 10, 0.1), (10, 6, 5, 1)]
)
def test_golden_values_of_pass_at_k(n: int, correct: int, k: int, golden: float) -> None:
    assert round(pass_at_k(n, correct, k), 6) == golden


COUNTS = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))
)


@given(COUNTS)
def test_pass_at_k_is_the_quotient_of_binomials(counts: tuple[int, int, int]) -> None:
    n, correct, k = counts
    exact = 1 - Fraction(math.comb(n - correct, k), math.comb(n, k))
    assert pass_at_k(n, correct, k) == pytest.approx(float(exact), rel=1e-12, abs=1e-15)


@given(COUNTS)
def test_pass_at_k_is_the_published_product(counts: tuple[int, int, int]) -> None:
    n, correct, k = counts
    product = 1 - numpy.prod(1 - k / numpy.arange(n - correct + 1, n + 1))
    assert pass_at_k(n, correct, k) == pytest.approx(float(product) if n - correct >= k else 1)


@given(COUNTS)
def test_pass_at_k_rises_with_k_and_with_what_is_correct(counts: tuple[int, int, int]) -> None:
    n, correct, k = counts
    value = pass_at_k(n, correct, k)
    assert 0 <= value <= 1
    if k < n:
        assert pass_at_k(n, correct, k + 1) >= value
    if correct < n:
        assert pass_at_k(n, correct + 1, k) >= value


def test_pass_at_k_of_very_many_samples_keeps_its_digits() -> None:
    exact = 1 - Fraction(math.comb(99_999, 3), math.comb(100_000, 3))
    assert pass_at_k(100_000, 1, 3) == pytest.approx(float(exact), rel=1e-12)
    assert pass_at_k(1_000_000, 500, 1) == pytest.approx(0.0005, rel=1e-12)


def test_pass_at_k_is_unbiased() -> None:
    """Its mean over binomial outcomes is 1 - (1 - p)^k, which the plug-in estimate misses."""
    n, k, p = 12, 4, 0.15
    chances = [special.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
    mean = sum(chance * pass_at_k(n, c, k) for c, chance in enumerate(chances))
    assert mean == pytest.approx(1 - (1 - p) ** k)


def test_the_mean_is_over_problems() -> None:
    assert mean_pass_at_k([(10, 3), (10, 0), (4, 4)], 1) == pytest.approx(1.3 / 3)


@pytest.mark.parametrize(
    ("n", "correct", "k", "message"),
    [
        (5, 1, 6, "k is 6, but only 5 samples were recorded"),
        (5, 1, 0, "k is 0, and must be at least 1"),
        (5, 6, 1, "6 correct samples among 5"),
        (5, -1, 1, "-1 correct samples among 5"),
    ],
)
def test_pass_at_k_refuses_what_cannot_be(n: int, correct: int, k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pass_at_k(n, correct, k)


def test_pass_at_k_needs_a_problem() -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        mean_pass_at_k([], 1)


# ---- best of k


def brute_best(scores: Sequence[float], correct: Sequence[float], k: int) -> float:
    """The mean over subsets; tied at the top share."""

    def one(subset: Sequence[int]) -> float:
        top = max(scores[i] for i in subset)
        tied = [correct[i] for i in subset if scores[i] == top]
        return sum(tied) / len(tied)

    values = [one(subset) for subset in combinations(range(len(scores)), k)]
    return sum(values) / len(values)


SCORED = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.sampled_from([0.0, 1.0])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200)
@given(SCORED, st.data())
def test_best_of_k_is_the_mean_over_subsets(
    samples: list[tuple[float, float]], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(samples)))
    scores, correct = [s for s, _ in samples], [c for _, c in samples]
    assert best_of_k(scores, correct, k) == pytest.approx(brute_best(scores, correct, k))


def test_best_of_k_is_the_published_sum() -> None:
    """Without ties: Σ correct_i · C(n - 1 - i, k - 1) / C(n, k), i from the best on."""
    chance = random.Random(5)
    n, k = 40, 7
    scores = chance.sample(range(1000), n)
    correct = [float(chance.random() < 0.4) for _ in range(n)]
    order = numpy.argsort(-numpy.array(scores))
    weights = special.comb(n - 1 - numpy.arange(n - k + 1), k - 1) / special.comb(n, k)
    published = float(numpy.sum(numpy.array(correct)[order][: n - k + 1] * weights))
    assert best_of_k(scores, correct, k) == pytest.approx(published, rel=1e-12)


def test_best_of_k_of_equal_scores_is_the_mean_of_shuffles() -> None:
    assert best_of_k([1, 1, 1, 1], [1, 0, 0, 0], 3) == pytest.approx(0.25)


def test_a_missing_score_is_the_lowest() -> None:
    assert best_of_k([None, 0.1], [1, 0], 2) == 0
    assert best_of_k([math.nan, -math.inf, 0.1], [1, 1, 0], 3) == 0
    assert best_of_k([math.nan, None], [1, 0], 2) == pytest.approx(0.5)


def test_best_of_one_is_the_mean_and_a_perfect_scorer_gives_pass_at_k() -> None:
    correct = [1.0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert best_of_k([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], correct, 1) == pytest.approx(0.3)
    assert best_of_k(correct, correct, 5) == pytest.approx(pass_at_k(10, 3, 5))


def test_best_of_k_refuses_lists_of_different_lengths_and_k_above_n() -> None:
    with pytest.raises(ValueError, match="2 scores, but 1 samples"):
        best_of_k([1, 2], [1], 1)
    with pytest.raises(ValueError, match="k is 3, but only 2"):
        best_of_k([1, 2], [1, 0], 3)


# ---- majority of k


def brute_majority(answers: Sequence[str | None], correct: Sequence[float], k: int) -> float:
    """The mean over subsets; tied groups share."""

    def one(subset: Sequence[int]) -> float:
        sizes = Counter(answers[i] for i in subset if answers[i] is not None)
        most = max(sizes.values(), default=0)
        winners = [answer for answer, size in sizes.items() if size == most]
        rights = [correct[answers.index(answer)] for answer in winners]
        return sum(rights) / len(rights) if rights else 0.0

    values = [one(subset) for subset in combinations(range(len(answers)), k)]
    return sum(values) / len(values)


@settings(max_examples=200)
@given(st.lists(st.sampled_from([None, "1", "2", "3", "4"]), min_size=1, max_size=8), st.data())
def test_majority_at_k_is_the_mean_over_subsets(
    answers: list[str | None], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(answers)))
    correct = [float(answer == "1") for answer in answers]
    expected = brute_majority(answers, correct, k)
    assert majority_at_k(answers, correct, k) == pytest.approx(expected)


def test_random_subsets_come_near_and_repeat_with_their_seed() -> None:
    chance = random.Random(11)
    answers = [chance.choice("1112345") for _ in range(40)]
    correct = [float(answer == "1") for answer in answers]
    exact = majority_at_k(answers, correct, 9)
    drawn = majority_at_k(answers, correct, 9, subsets=4000, seed=3)
    assert drawn == pytest.approx(exact, abs=4 * 0.5 / math.sqrt(4000))
    assert drawn == majority_at_k(answers, correct, 9, subsets=4000, seed=3)
    assert drawn != majority_at_k(answers, correct, 9, subsets=4000, seed=4)


def test_where_the_exact_way_is_long_subsets_are_drawn() -> None:
    answers = [str(i % 2) for i in range(400)]
    correct = [float(answer == "1") for answer in answers]
    assert majority_at_k(answers, correct, 201) == pytest.approx(0.5, abs=0.05)


def test_numbers_of_subsets_beyond_any_float_do_not_matter() -> None:
    answers = ["1"] * 1100 + ["2"] * 1100
    correct = [1.0] * 1100 + [0.0] * 1100
    assert majority_at_k(answers, correct, 5) == pytest.approx(0.5)


def test_answers_that_are_not_there_win_nothing() -> None:
    assert majority_at_k([None, None], [0, 0], 2) == 0
    assert majority_at_k([None, None, "1"], [0, 0, 1], 1) == pytest.approx(1 / 3)
    assert majority_at_k([None, None, "1"], [0, 0, 1], 2, subsets=1) in (0, 1)


def test_majority_at_k_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="2 answers, but 1 are correct"):
        majority_at_k(["1", "2"], [1], 1)
    with pytest.raises(ValueError, match="k is 3, but only 2"):
        majority_at_k(["1", "2"], [1, 0], 3)
    with pytest.raises(ValueError, match="0 subsets"):
        majority_at_k(["1", "2"], [1, 0], 1, subsets=0)
