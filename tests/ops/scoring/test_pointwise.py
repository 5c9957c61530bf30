"""A model says of each candidate by itself whether it is right."""

from __future__ import annotations

import math

import pytest

from graphdsl.ops.context import Rated
from graphdsl.ops.scoring.score import score
from graphdsl.ops.scoring.scorers import scorer_of, step_scorer_of
from graphdsl.values import Draft, Finish, Message
from tests.ops.scoring.bench import (
    ASKED,
    CUT,
    JUDGE,
    Bench,
    arguments,
    failing,
    said,
    scores,
    written,
)


def graded(**verdicts: str) -> Bench:
    """A judge that says this of candidates with these texts."""
    return Bench(lambda ask: verdicts[said(ask.messages.text, "candidate")])


async def test_a_verdict_is_one_or_zero_and_the_order_stays() -> None:
    bench = graded(red="So it is.\nVerdict: Yes", blue="Verdict: No")
    drafts = (*written("red"), CUT, *written("blue"))
    found = await score(bench, arguments("verdict", *drafts))
    assert scores(found) == [1.0, None, 0.0]
    assert [draft.text for draft in found] == ["red", "cut", "blue"]
    assert bench.asks[0].messages.text == "question=Why?|candidate=red|reasoning=yes"


async def test_a_verdict_is_the_mean_of_those_that_can_be_read() -> None:
    said_of_it = ["Yes", "Hmm", "No", "Yes"]
    bench = Bench(lambda ask: said_of_it[ask.index])
    (draft,) = await score(bench, arguments("verdict", *written("red"), repeats=4))
    assert draft.score == pytest.approx(2 / 3)
    assert bench.notes == ["1 of 4 judgements could not be parsed"]
    assert [ask.temperature for ask in bench.asks] == [0.7] * 4


async def test_verdicts_of_which_none_can_be_read_score_zero() -> None:
    bench = Bench(lambda ask: "Hmm")
    assert scores(await score(bench, arguments("verdict", *written("red"), repeats=2))) == [0.0]


async def test_verdicts_that_all_failed_give_no_score() -> None:
    bench = Bench(failing)
    assert scores(await score(bench, arguments("verdict", *written("red"), repeats=2))) == [None]
    assert bench.notes == [
        "2 of 2 judgements failed or were cancelled",
        "no draft could be scored",
    ]
    assert len(bench.asks) == 2


async def test_replies_that_cannot_be_parsed_are_asked_for_again() -> None:
    bench = Bench(lambda ask: "Yes" if ask.index >= 3 else "Hmm")
    args = arguments("verdict", *written("red"), repeats=3, retries=2, temperature=0.5)
    assert scores(await score(bench, args)) == [1.0]
    assert sorted(ask.index for ask in bench.asks) == [0, 1, 2, 3, 4, 5]


async def test_a_second_try_of_a_greedy_judge_is_not_greedy() -> None:
    bench = Bench(lambda ask: "Yes" if ask.index else "Hmm")
    args = arguments("verdict", *written("red"), retries=1)
    assert scores(await score(bench, args)) == [1.0]
    assert [ask.temperature for ask in bench.asks] == [0.0, 0.7]


async def test_a_greedy_judge_is_asked_once_however_often_it_was_to_be_asked() -> None:
    bench = Bench(lambda ask: "Yes")
    args = arguments("verdict", *written("red"), repeats=8, temperature=0, aggregate="sum")
    assert scores(await score(bench, args)) == [8.0]
    assert len(bench.asks) == 1


async def test_all_candidates_and_repeats_are_asked_at_once_with_samples_of_their_own() -> None:
    bench = Bench(lambda ask: "Yes")
    await score(bench, arguments("verdict", *written("a", "b", "a"), repeats=4))
    assert bench.peak == 12
    assert len({(ask.stream, ask.index) for ask in bench.asks}) == 12


async def test_more_repeats_begin_with_the_same_samples() -> None:
    few, many = Bench(lambda ask: "Yes"), Bench(lambda ask: "Yes")
    await score(few, arguments("verdict", *written("a", "b"), repeats=2))
    await score(many, arguments("verdict", *written("a", "b"), repeats=5))
    assert {(a.stream, a.index) for a in few.asks} <= {(a.stream, a.index) for a in many.asks}


async def test_a_probability_is_that_of_yes_and_is_asked_for_once() -> None:
    bench = Bench(rate=lambda ask: Rated((0.8, 0.2)))
    found = await score(bench, arguments("probability", *written("red", "blue"), repeats=9))
    assert scores(found) == [0.8, 0.8]
    assert bench.calls == 2
    first = bench.rated[0]
    assert (first.kind, first.texts, first.model) == ("label", ("Yes", "No"), JUDGE)
    assert first.messages.text == "question=Why?|candidate=red|reasoning="


async def test_a_probability_that_is_no_number_or_not_given_is_no_score() -> None:
    rated = iter([None, Rated((math.nan, 0.5)), Rated((0.25, 0.75))])
    bench = Bench(rate=lambda ask: next(rated))
    found = await score(bench, arguments("probability", *written("a", "b", "c")))
    assert scores(found) == [None, None, 0.25]


async def test_a_hybrid_asks_for_the_probability_after_the_reasons_without_their_verdict() -> None:
    bench = Bench(lambda ask: "3 + 4 is 7.\nVerdict: No", lambda ask: Rated((0.6, 0.4)))
    assert scores(await score(bench, arguments("hybrid", *written("red")))) == [0.6]
    assert bench.rated[0].messages.turns == (
        Message("user", "question=Why?|candidate=red|reasoning=yes"),
        Message("assistant", "3 + 4 is 7."),
        Message("user", "Is this answer correct? Reply with Yes or No."),
    )


async def test_a_hybrid_without_reasons_is_a_probability() -> None:
    bench = Bench(lambda ask: "Yes", lambda ask: Rated((0.6, 0.4)))
    assert scores(await score(bench, arguments("hybrid", *written("red")))) == [0.6]
    assert bench.rated[0].messages.text == "question=Why?|candidate=red|reasoning="


async def test_a_hybrid_falls_back_to_the_text_and_then_drops_the_judgement() -> None:
    replies = ["Because.\nVerdict: Yes", "Because of nothing", "Because.\nVerdict: No", "Why"]
    bench = Bench(lambda ask: replies[ask.index], lambda ask: None)
    args = arguments("hybrid", *written("red"), repeats=4)
    assert scores(await score(bench, args)) == [0.5]


async def test_reasons_cannot_end_their_turn() -> None:
    bench = Bench(lambda ask: "So<|im_end|>\nVerdict: Yes", lambda ask: Rated((0.6, 0.4)))
    await score(bench, arguments("hybrid", *written("red")))
    assert bench.rated[0].messages.turns[1].content == "So< |im_end|>"


async def test_partial_candidates_are_scored_where_a_search_asks_for_it() -> None:
    bench = Bench(rate=lambda ask: Rated((0.8, 0.2)))
    partial = (Draft("3 + 4", finish=Finish.LENGTH), Draft("", finish=Finish.CANCELLED))
    scorer = scorer_of(arguments("probability"))
    assert list(await scorer(bench, ASKED, partial)) == [0.8, 0.8]


async def test_the_judge_of_a_search_does_not_take_the_settings_of_its_writer() -> None:
    bench = Bench(lambda ask: "Yes")
    args = arguments("verdict", temperature=1.3, max_tokens=9, retries=4)
    await step_scorer_of(args)(bench, ASKED, written("a"))
    assert (bench.asks[0].temperature, bench.asks[0].max_tokens) == (0.0, None)


async def test_a_question_that_nobody_knows_is_empty() -> None:
    bench = Bench(lambda ask: "Yes")
    await score(bench, arguments("verdict", Draft("red")))
    assert bench.asks[0].messages.text == "question=|candidate=red|reasoning=yes"


async def test_the_given_question_is_the_one_that_is_judged() -> None:
    bench = Bench(lambda ask: "Yes")
    await score(bench, arguments("verdict", *written("red"), question="How?"))
    assert said(bench.asks[0].messages.text, "question") == "How?"
