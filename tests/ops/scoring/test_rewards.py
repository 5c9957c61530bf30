"""Scores of reward models, of other models' probabilities, and of the candidates themselves."""

from __future__ import annotations

import math
from typing import Any

import pytest

from graphdsl.ops.context import Rated, ScoreAsk
from graphdsl.ops.scoring.aggregates import stepped
from graphdsl.ops.scoring.rewards import beginnings
from graphdsl.ops.scoring.score import score
from graphdsl.ops.scoring.scorers import scorer_of
from graphdsl.values import Answer, Draft, Messages
from tests.ops.scoring.bench import (
    ASKED,
    CUT,
    JUDGE,
    Bench,
    arguments,
    scores,
    sized,
    stats,
    written,
)


async def test_an_outcome_is_the_reward_of_the_whole_text_on_its_own_scale() -> None:
    bench = Bench(rate=lambda ask: Rated((float(len(ask.texts[0])) - 10,)))
    found = await score(bench, arguments("outcome", *written("a", "bbb"), CUT))
    assert scores(found) == [-9.0, -7.0, None]
    assert bench.rated[0] == ScoreAsk(JUDGE, ASKED, ("a",), "relevance")
    assert bench.peak == 2


@pytest.mark.parametrize("value", [None, Rated((math.nan,)), Rated((math.inf,))])
async def test_no_reward_and_none_that_is_a_number_are_no_score(value: Rated | None) -> None:
    bench = Bench(rate=lambda ask: value)
    assert scores(await score(bench, arguments("outcome", *written("a")))) == [None]
    assert bench.notes == ["no draft could be scored"]


async def test_a_question_that_nobody_knows_is_an_empty_turn() -> None:
    bench = Bench(rate=lambda ask: Rated((1.0,)))
    await score(bench, arguments("outcome", Draft("a")))
    assert bench.rated[0].messages == Messages.user("")


@pytest.mark.parametrize(("steps", "value"), [("min", 0.5), ("mean", 0.7), ("product", 0.32)])
async def test_steps_are_rated_by_growing_beginnings_in_one_call(steps: str, value: float) -> None:
    bench = Bench(rate=lambda ask: Rated((0.8, 0.5, 0.8)))
    args = arguments("process", *written("a\n\nb\n\nc"), steps=steps)
    assert scores(await score(bench, args)) == [pytest.approx(value)]
    (asked,) = bench.rated
    assert asked == ScoreAsk(JUDGE, ASKED, ("a", "a\n\nb", "a\n\nb\n\nc"), "relevance")


async def test_steps_end_where_the_program_says() -> None:
    bench = Bench(rate=lambda ask: Rated((0.5,) * len(ask.texts)))
    await score(bench, arguments("process", *written("a;b;"), separator=";", steps="min"))
    assert bench.rated[0].texts == ("a", "a;b")


async def test_where_the_last_step_counts_the_whole_is_rated_alone() -> None:
    bench = Bench(rate=lambda ask: Rated((0.8,)))
    assert scores(await score(bench, arguments("process", *written("a\n\nb\n\nc")))) == [0.8]
    assert bench.rated == [ScoreAsk(JUDGE, ASKED, ("a\n\nb\n\nc",), "relevance")]


@pytest.mark.parametrize("steps", ["last", "min", "mean", "product"])
async def test_each_beginning_is_rated_once_as_long_as_the_scorer_lives(steps: str) -> None:
    def worth(text: str) -> float:
        return 1 / len(text)

    bench = Bench(rate=lambda ask: Rated(tuple(worth(text) for text in ask.texts)))
    scorer = scorer_of(arguments("process", steps=steps, separator=";"))
    rounds = [("a", "b", "a"), ("a;c", "a;d"), ("a;c;e", "a;d;f", "a;c")]
    for texts in rounds:
        found = await scorer(bench, ASKED, written(*texts))
        for text, value in zip(texts, found, strict=True):
            prefixes = [text[:end] for end in range(1, len(text) + 1, 2)]
            assert value == stepped([worth(one) for one in prefixes], steps)
    rated = [text for ask in bench.rated for text in ask.texts]
    assert rated == ["a", "b", "a;c", "a;d", "a;c;e", "a;d;f"]
    await scorer(bench, Messages.user("other"), written("a"))
    assert len(bench.rated) == 7


async def test_beginnings_whose_rating_failed_are_rated_again_the_next_time() -> None:
    worth: list[Rated | None] = [None, Rated((0.5,))]
    bench = Bench(rate=lambda ask: worth.pop(0))
    scorer = scorer_of(arguments("process"))
    assert [await scorer(bench, ASKED, written("a")) for _ in range(2)] == [[None], [0.5]]


@pytest.mark.parametrize("values", [(), (0.5,) * 5])
@pytest.mark.parametrize("method", ["outcome", "process", "probability", "perplexity"])
async def test_another_number_of_scores_than_of_texts_counts_for_nothing(
    method: str, values: tuple[float, ...]
) -> None:
    bench = Bench(rate=lambda ask: Rated(values, (stats(-1.0),) * len(values)))
    drafts = written("a\n\nb")
    assert scores(await score(bench, arguments(method, *drafts, steps="min"))) == [None]
    assert not any("steps" in note for note in bench.notes)


def test_beginnings_end_with_steps_that_say_something() -> None:
    assert beginnings("", "\n") == beginnings("\n\n ", "\n") == ()
    assert beginnings("\na\n\nb", "\n") == ("\na", "\na\n\nb")
    assert beginnings("a b", "") == ("a b",)


async def test_a_candidate_without_steps_scores_minus_one() -> None:
    bench = Bench()
    assert scores(await score(bench, arguments("process", *written(" ")))) == [-1.0]
    assert bench.notes == ["1 of 1 candidates have no steps: scored -1"]


async def test_a_product_of_what_are_no_probabilities_is_taken_as_it_is_and_noted() -> None:
    bench = Bench(rate=lambda ask: Rated((2.0, -3.0)))
    args = arguments("process", *written("a\n\nb"), steps="product")
    assert scores(await score(bench, args)) == [-6.0]
    assert bench.notes == [
        "2 of 2 step scores are no probabilities (such as 2); a product of them means nothing"
    ]


async def test_a_step_without_a_number_leaves_the_candidate_without_a_score() -> None:
    bench = Bench(rate=lambda ask: Rated((0.5, math.nan)))
    args = arguments("process", *written("a\n\nb"), steps="min")
    assert scores(await score(bench, args)) == [None]


async def test_perplexity_is_the_mean_log_probability_under_the_model() -> None:
    given = stats(-1.0, -3.0)
    bench = Bench(rate=lambda ask: Rated((given.total,), (given,)))
    (draft,) = await score(bench, arguments("perplexity", *written("a b")))
    assert draft.score == -2.0
    assert math.exp(-draft.score) == pytest.approx(math.exp(4.0) ** 0.5)
    assert bench.rated[0] == ScoreAsk(JUDGE, ASKED, ("a b",), "text")


@pytest.mark.parametrize("rated", [None, Rated((0.0,)), Rated((0.0,), (stats(),))])
async def test_what_has_no_tokens_has_no_perplexity(rated: Rated | None) -> None:
    bench = Bench(rate=lambda ask: rated)
    assert scores(await score(bench, arguments("perplexity", *written("a", "")))) == [None, None]
    assert len(bench.rated) == 1


async def measured(method: str, *drafts: Draft, **given: Any) -> list[float | None]:
    """Scores that ask nobody."""
    return scores(await score(Bench(), arguments(method, *drafts, **given)))


async def test_likelihood_is_the_drafts_own_mean_log_probability() -> None:
    (likely,) = written("a", logprobs=stats(-0.5, -1.5))
    (empty,) = written("a", logprobs=stats())
    assert await measured("likelihood", likely, *written("a"), empty) == [-1.0, None, None]


async def test_shorter_drafts_score_higher_and_texts_of_nobody_have_no_length() -> None:
    long, short, own = written("a", "b", "c")
    assert await measured("length", sized(long, 90), sized(short, 7), own) == [-90, -7, None]


async def test_markers_count_as_whole_words_in_a_hundred() -> None:
    drafts = written("Wait, hmm, let me think. Awaiting the maybe.", "It is seven", "")
    assert await measured("markers", *drafts) == [-50.0, 0.0, None]
    own = await measured("markers", *written("so and  so it goes"), markers=("so it", "a.b"))
    assert own == [-20.0]
    assert await measured("markers", *written("so so"), markers="so") == [-100.0]
    (none,) = await measured("markers", *written("so so"), markers=(" ",))
    assert str(none) == "0.0"


@pytest.mark.parametrize(
    ("equal", "answer", "expected"),
    [
        ("text", "Seven.", [0.0, 1.0, 0.0]),
        ("number", 7, [1.0, 0.0, 0.0]),
        ("number", Answer("7.0"), [1.0, 0.0, 0.0]),
        ("choice", "b", [0.0, 0.0, 1.0]),
    ],
)
async def test_the_oracle_knows_who_is_right(
    equal: str, answer: Any, expected: list[float]
) -> None:
    drafts = written("So it is.\nAnswer: 7", "Answer: seven", "Answer: (B)")
    assert await measured("oracle", *drafts, answer=answer, equal=equal) == expected


async def test_the_oracle_compares_as_mathematics() -> None:
    pytest.importorskip("math_verify")
    drafts = written("Answer: $\\frac{1}{2}$", "Answer: 2", "Answer: $\\frac{2}{4}$")
    assert await measured("oracle", *drafts, answer="0.5", equal="maths") == [1.0, 0.0, 1.0]


async def test_a_right_answer_that_cannot_be_read_scores_nobody() -> None:
    bench = Bench()
    args = arguments("oracle", *written("Answer: 7"), answer="seven", equal="number")
    assert scores(await score(bench, args)) == [None]
    assert bench.notes[0] == "the right answer cannot be read as `number`; nothing is scored"
