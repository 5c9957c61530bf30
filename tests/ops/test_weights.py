"""Votes that weigh differently: hand-computed cases, and sums written down once more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.vote import stop_rule, vote
from graphdsl.ops.weights import lowest
from graphdsl.values import Draft, Finish, LogprobStats

WEIGHTS = ("score", "normalised", "probability", "confidence")


def say(answer: object, text: str = "", p: float | None = None, **known: Any) -> Draft:
    """A draft with that answer; `p` is the geometric mean of its tokens' probabilities."""
    stats = None if p is None else LogprobStats(4, 4 * math.log(p), math.log(p))
    return Draft(f"{text} Answer: {answer}", logprobs=stats, **known)


def voted(drafts: Sequence[Draft], weights: str = "one", **args: Any) -> Draft:
    return vote({"drafts": drafts, "by": "number", "weights": weights, **args})


# ---- sums of scores (Bag of Tricks)


def test_the_largest_sum_of_scores_wins_with_its_best_draft_and_its_share() -> None:
    drafts = [
        say(1, "a", score=0.5),
        say(2, "b", score=0.2),
        say(2, "c", score=0.6),
        say(3, "d", score=0.7),
    ]
    winner = voted(drafts, "score")
    assert (winner.answer, winner.text) == ("2", drafts[2].text)
    assert winner.confidence == pytest.approx(0.8 / 2.0)
    assert not winner.tie


def test_sums_of_negative_scores_favour_the_rare_answer_and_normalised_ones_do_not() -> None:
    drafts = [say(1, score=-3.0), say(2, score=-1.0), say(2, score=-1.0), say(2, score=-1.5)]
    assert voted(drafts, "score").answer == "1"
    assert voted(drafts, "normalised").answer == "2"


def test_normalised_scores_lie_between_0_for_the_worst_and_1_for_the_best() -> None:
    # -4, -3, -3, 0 become 0, 1/4, 1/4, 1: one good draft beats three that are bad.
    drafts = [say(1, score=-4.0), say(1, score=-3.0), say(1, score=-3.0), say(2, score=0.0)]
    winner = voted(drafts, "normalised")
    assert (winner.answer, winner.confidence) == ("2", 1 / 1.5)
    assert voted(drafts).answer == "1"


def test_equal_scores_all_weigh_1() -> None:
    drafts = [say(2, score=0.3), say(1, score=0.3), say(1, score=0.3)]
    winner = voted(drafts, "normalised")
    assert (winner.answer, winner.confidence) == ("1", 2 / 3)
    assert voted([say(5, score=-7.0)], "normalised").confidence == 1


def test_two_candidates_are_best_of_two_since_the_worse_weighs_nothing() -> None:
    winner = voted([say(1, score=0.4), say(2, score=0.5)], "normalised")
    assert (winner.answer, winner.confidence, winner.tie) == ("2", 1.0, False)


def test_a_missing_or_nan_score_has_no_vote() -> None:
    drafts = [say(1), say(1, score=math.nan), say(1, score=math.inf), say(2, score=0.1)]
    for weights in ("score", "normalised"):
        assert voted(drafts, weights).answer == "2"
        assert voted(drafts, weights).confidence == 1.0


def test_without_any_score_every_draft_has_one_vote() -> None:
    drafts = [say(2), say(1), say(1), Draft("no number")]
    for weights in WEIGHTS:
        assert voted(drafts, weights) == voted(drafts)
    zero = [say(2, score=0.0), say(1, score=0.0), say(1, score=0.0)]
    assert (voted(zero, "score").answer, voted(zero, "score").confidence) == ("1", 2 / 3)


def test_a_draft_without_an_answer_counts_in_the_share_and_never_wins() -> None:
    drafts = [Draft("no number", score=0.9), say(1, score=0.1)]
    winner = voted(drafts, "score")
    assert (winner.answer, winner.confidence) == ("1", pytest.approx(0.1))
    assert voted([Draft("none", score=-0.1), say(1, score=-5.0)], "score").answer == "1"


def test_negative_weights_add_up_and_the_share_is_that_of_the_drafts() -> None:
    drafts = [say(1, score=-2.0), say(1, score=-2.0), say(2, score=-3.0), say(3)]
    winner = voted(drafts, "score")
    # -4 against -3; the draft without a score has no vote, which is not a vote of 0.
    assert (winner.answer, winner.confidence) == ("2", 1 / 4)


def test_a_tie_of_weights_goes_to_the_logprob_then_the_earliest() -> None:
    equal = [say(1, score=0.5), say(2, score=0.5)]
    assert (voted(equal, "score").answer, voted(equal, "score").tie) == ("1", True)
    likely = [say(1, score=0.5, p=0.1), say(2, score=0.5, p=0.9)]
    assert (voted(likely, "score").answer, voted(likely, "score").tie) == ("2", True)
    scored = [say(1, confidence=0.5, score=0.1), say(2, confidence=0.5, score=0.2)]
    assert (voted(scored, "confidence").answer, voted(scored, "confidence").tie) == ("2", True)


def test_sums_do_not_depend_on_the_order_of_adding() -> None:
    parts = (0.1, 0.2, 0.3, 1e16, -1e16)
    first = [say(1, score=part) for part in parts]
    second = [say(2, score=part) for part in reversed(parts)]
    assert voted([*first, *second], "score").tie


def test_scores_of_any_size_make_no_error() -> None:
    huge = [say(1, score=1.7e308), say(1, score=1.7e308), say(2, score=-1.7e308)]
    assert voted(huge, "score").answer == "1"
    assert voted(huge, "normalised").confidence == 1.0


def test_the_confidence_of_drafts_is_a_weight_too() -> None:
    drafts = [say(1, confidence=0.4), say(1, confidence=0.3), say(2, confidence=0.9)]
    winner = voted(drafts, "confidence")
    assert (winner.answer, winner.confidence) == ("2", pytest.approx(0.9 / 1.6))


def test_rules_of_empty_lists_and_cut_drafts_are_those_of_any_vote() -> None:
    cut = [say(9, score=1.0, finish=Finish.LENGTH), say(9, score=1.0, finish=Finish.ERROR)]
    mute = [Draft("hm", score=3.0), Draft("well", score=1.0)]
    for drafts in ([], cut, mute):
        for weights in WEIGHTS:
            assert voted(drafts, weights) == voted(drafts)
    assert voted([*cut, say(1, score=0.1)], "score").answer == "1"


# ---- probabilities (RPC)


def test_each_distinct_text_counts_once_with_its_probability() -> None:
    drafts = [
        say(1, "same", p=0.4),
        say(1, "same", p=0.4),
        say(1, "same", p=0.4),
        say(2, "one way", p=0.3),
        say(2, "another", p=0.2),
    ]
    winner = voted(drafts, "probability")
    assert (winner.answer, winner.text) == ("2", drafts[3].text)
    assert winner.confidence == pytest.approx(0.5 / 0.9)
    assert voted(drafts).answer == "1"


def test_of_equal_texts_the_likeliest_counts_whatever_the_order() -> None:
    drafts = [say(1, "x", p=0.1), say(1, "x", p=0.5), say(2, "y", p=0.4)]
    for order in (drafts, drafts[::-1]):
        winner = voted(order, "probability")
        assert (winner.answer, winner.confidence) == ("1", pytest.approx(0.5 / 0.9))
        assert winner.logprobs == drafts[1].logprobs


def test_what_has_no_logprobs_has_no_vote() -> None:
    empty = LogprobStats(0, 0.0, 0.0)
    drafts = [say(1), Draft("Answer: 1", logprobs=empty), say(2, p=0.01)]
    assert voted(drafts, "probability").answer == "2"


# ---- pruning


def test_a_quantile_takes_the_vote_from_the_lowest() -> None:
    scores = {1: (0.1, 0.2, 0.3), 2: (0.6, 0.7), 3: (0.65,)}
    drafts = [say(answer, score=score) for answer, group in scores.items() for score in group]
    kept = voted(drafts, prune="quantile", share=0.5)
    assert (kept.answer, kept.confidence, kept.score) == ("2", 2 / 3, 0.6)
    weighed = voted(drafts, "score", prune="quantile", share=0.5)
    assert (weighed.answer, weighed.score) == ("2", 0.7)
    assert weighed.confidence == pytest.approx(1.3 / 1.95)
    assert voted(drafts, prune="quantile", share=0.0) == voted(drafts)


def test_the_first_draft_that_kept_its_vote_stands_for_a_count() -> None:
    drafts = [say(1, "a", score=0.1), say(1, "b", score=0.5), say(1, "c", score=0.9)]
    assert voted(drafts, prune="quantile", share=0.34).text == drafts[1].text


def test_where_all_would_lose_their_vote_nobody_does() -> None:
    drafts = [say(1, score=0.1), say(1, score=0.2), say(2, score=0.9)]
    assert voted(drafts, prune="quantile", share=1.0) == voted(drafts)
    muted = [*drafts[:2], Draft("no answer", score=0.9)]
    assert voted(muted, prune="quantile", share=0.67) == voted(muted)


def test_a_pruned_answer_loses_to_one_with_a_vote_even_a_negative_one() -> None:
    drafts = [say(1, score=-9.0), say(2, score=-1.0), say(2, score=-1.0), say(2, score=-1.0)]
    assert voted(drafts, "score", prune="quantile", share=0.25).answer == "2"


@pytest.mark.parametrize(
    ("values", "share", "count"),
    [
        ([3, 1, 2, 4], 0.5, 2),
        ([3, 1, 2, 4], 0.49, 1),
        ([1, 1, 1, 4], 0.5, 0),  # an equal one would stay
        ([1, 1, 2, 4], 0.75, 3),
        ([5, 5, 5], 0.9, 0),
        ([1, 2, 3], 1, 3),
        ([], 0.5, 0),
    ],
)
def test_the_lowest_are_so_many_and_no_equal_one_is_left(
    values: list[float], share: float, count: int
) -> None:
    found = lowest(values, share)
    assert sum(found) == count
    gone = [value for value, low in zip(values, found, strict=True) if low]
    assert gone == sorted(values)[:0] or max(gone) < min(set(values) - set(gone), default=math.inf)


def test_the_share_is_counted_as_it_is_written() -> None:
    values = [float(value) for value in range(100)]
    assert sum(lowest(values, 0.29)) == 29  # 0.29 * 100 is 28.999999999999996


def test_a_stop_rule_means_nothing_where_votes_weigh_differently() -> None:
    plain = {"by": "number", "stop": "decided"}
    assert stop_rule(plain) == ("vote", "number", 1)
    assert stop_rule({**plain, "weights": "one", "prune": "none"}) == ("vote", "number", 1)
    assert stop_rule({**plain, "weights": "score"}) is None
    assert stop_rule({**plain, "prune": "weibull"}) is None
    drafts = [say(1, score=0.1), say(1, score=0.1), say(2, score=0.9)]
    assert voted(drafts, "score", stop="decided") == voted(drafts, "score")


# ---- against sums written down once more

SCORES = st.none() | st.just(math.nan) | st.floats(0, 10).map(lambda x: round(x, 2))
CASES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "none"]),
        st.sampled_from(list(Finish)),
        SCORES,
        st.none() | st.floats(0.01, 1),
        st.sampled_from("ab"),
    ),
    max_size=12,
)


def made(cases: Sequence[tuple[Any, ...]]) -> list[Draft]:
    return [
        say(answer, text, p, finish=finish, score=score, confidence=p)
        for answer, finish, score, p, text in cases
    ]


def known(value: float | None) -> float:
    return 0.0 if value is None or math.isnan(value) else value


def simply(drafts: Sequence[Draft], weights: str) -> dict[str, float]:
    """The weight of each answer, `none` included, as the papers write it."""
    complete = [draft for draft in drafts if draft.complete]
    scores = [d.score for d in complete if d.score is not None and not math.isnan(d.score)]
    low, high = min(scores, default=0), max(scores, default=0)
    sums: dict[str, float] = {}
    heaviest: dict[str, float] = {}
    for draft in complete:
        has = draft.score is not None and not math.isnan(draft.score)
        probability = 0.0 if draft.logprobs is None else math.exp(draft.logprobs.mean)
        weight = {
            "score": known(draft.score),
            "normalised": 0.0
            if not has
            else 1.0
            if high == low
            else (known(draft.score) - low) / (high - low),
            "confidence": known(draft.confidence),
            "probability": probability - heaviest.get(draft.text, 0.0),
        }[weights]
        if weights == "probability":
            weight = max(weight, 0.0)
            heaviest[draft.text] = heaviest.get(draft.text, 0.0) + weight
        answer = draft.text.rpartition(": ")[2]
        sums[answer] = sums.get(answer, 0.0) + weight
    return sums


@given(CASES, st.sampled_from(WEIGHTS))
def test_the_heaviest_answer_wins_with_its_share(cases: list[Any], weights: str) -> None:
    drafts = made(cases)
    sums, winner = simply(drafts, weights), voted(drafts, weights)
    answered = {answer: weight for answer, weight in sums.items() if answer != "none"}
    if not any(answered.values()):
        assert winner == voted(drafts)
        return
    assert winner.answer is not None
    top = max(answered.values())
    assert answered[winner.answer] == pytest.approx(top)
    assert winner.confidence == pytest.approx(answered[winner.answer] / math.fsum(sums.values()))
    assert winner.complete


@given(CASES, st.sampled_from(WEIGHTS), st.sampled_from(["none", "quantile"]), st.data())
def test_the_order_of_drafts_does_not_matter_unless_there_is_a_tie(
    cases: list[Any], weights: str, prune: str, data: st.DataObject
) -> None:
    drafts = made(cases)
    shuffled = data.draw(st.permutations(drafts))
    one, two = voted(drafts, weights, prune=prune), voted(shuffled, weights, prune=prune)
    assert (one.confidence, one.tie) == (two.confidence, two.tie)
    if not one.tie:
        assert one.answer == two.answer


@given(CASES)
def test_plain_words_change_nothing(cases: list[Any]) -> None:
    drafts = made(cases)
    plain = vote({"drafts": drafts, "by": "number"})
    assert voted(drafts, "one", prune="none", share=0.5) == plain
