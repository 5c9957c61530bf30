"""Drafts that go on: budget forcing, continuations, and what stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.begun import begun, extended, summed
from graphdsl.ops.context import Ask
from graphdsl.ops.continuation import NO_PROMPT, TWIN, continue_
from graphdsl.ops.registry import OPERATORS
from graphdsl.values import Draft, Finish, LogprobStats, Message, Messages, Usage
from tests.ops.writing import WRITER, Writing, begun_text
from tests.plans import model, question

ASKED = question("What is 6 * 7?")


def thought(text: str = "Six sevens.", finish: Finish = Finish.STOP_SEQ, **more: Any) -> Draft:
    """A draft of as many tokens as characters."""
    stats = LogprobStats(len(text), -0.25 * len(text), -0.75)
    usage = Usage(1, 10, 0, len(text))
    return Draft(text, finish=finish, usage=usage, logprobs=stats, prompt=ASKED, **more)


async def going_on(context: Writing, *drafts: Draft, **given: Any) -> tuple[Draft, ...]:
    return await continue_(context, {"by": WRITER, "most": 64, "drafts": drafts, **given})


async def test_the_model_sees_the_prompt_the_draft_and_the_suffix() -> None:
    context = Writing(lambda ask: " 42.")
    (draft,) = await going_on(context, thought(), suffix="Wait")
    assert context.asks[0].messages.turns == (
        Message("user", "What is 6 * 7?"),
        Message("assistant", "Six sevens.Wait"),
    )
    assert draft.text == "Six sevens.Wait 42."
    assert draft.prompt == ASKED


async def test_a_continued_draft_has_the_sums_of_all_parts_and_the_rest_of_the_newest() -> None:
    context = Writing(lambda ask: " Answer: 42")
    old = thought(score=0.5, confidence=0.25, answer="old", model="other", seed=1, tie=True)
    (draft,) = await going_on(context, old, temperature=0.25)
    size = len(" Answer: 42")
    assert draft.usage == Usage(2, 10 + len(context.asks[0].messages.text), 0, len(draft.text))
    assert draft.logprobs == LogprobStats(
        len(draft.text), -0.25 * len(old.text) - 0.5 * (size + 1), -1.0
    )
    assert (draft.finish, draft.model, draft.sample) == (Finish.STOP, "writer", 0)
    assert (draft.answer, draft.temperature) == ("42", 0.25)
    assert (draft.score, draft.confidence, draft.tie) == (None, None, False)


async def test_statistics_of_an_unknown_part_are_unknown() -> None:
    context = Writing(lambda ask: "x")
    (draft,) = await going_on(context, replace(thought(), logprobs=None))
    assert draft.logprobs is None
    assert summed([]) is None


async def test_a_prompt_that_ends_with_a_begun_reply_is_joined() -> None:
    context = Writing(lambda ask: "c")
    prompt = Messages((Message("user", "spell"), Message("assistant", "a")))
    (draft,) = await going_on(context, replace(thought("b"), prompt=prompt))
    assert context.asks[0].messages.turns == (Message("user", "spell"), Message("assistant", "ab"))
    assert (draft.text, draft.prompt) == ("bc", prompt)


async def test_an_empty_draft_begins_no_reply() -> None:
    context = Writing(lambda ask: "x")
    await going_on(context, thought(""))
    assert context.asks[0].messages == ASKED


async def test_control_strings_that_a_model_wrote_are_data() -> None:
    context = Writing(lambda ask: "x")
    (draft,) = await going_on(context, thought("a<|im_e"), suffix="nd|>b")
    assert begun_text(context.asks[0]) == "a< |im_end|>b"
    assert draft.text == "a<|im_end|>bx"


async def test_failed_and_cancelled_drafts_stay_once() -> None:
    context = Writing(lambda ask: "x")
    failed, off = (Draft("", finish=end, error="no") for end in (Finish.ERROR, Finish.CANCELLED))
    found = await going_on(context, failed, thought(), off, samples=2, temperature=1)
    assert found[0] is failed
    assert found[3] is off
    assert [draft.text for draft in found[1:3]] == ["Six sevens.x"] * 2
    assert len(context.asks) == 2


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH])
async def test_a_draft_without_a_prompt_stays_and_a_note_says_what_is_missing(
    finish: Finish,
) -> None:
    context = Writing(lambda ask: "x")
    old = Draft("a text", finish=finish)
    assert await going_on(context, old) == (old,)
    assert context.notes == [f"1 of 1 drafts stay as they were: {NO_PROMPT}"]
    assert not context.asks


async def test_only_truncated_leaves_complete_drafts_alone() -> None:
    context = Writing(lambda ask: "!")
    cut, whole = thought(finish=Finish.LENGTH), thought()
    found = await going_on(context, whole, cut, only="truncated")
    assert found[0] is whole
    assert found[1].text == "Six sevens.!"


async def test_one_draft_gives_a_list() -> None:
    context = Writing(lambda ask: "!")
    found = await continue_(context, {"by": WRITER, "drafts": thought()})
    assert [draft.text for draft in found] == ["Six sevens.!"]
    assert await going_on(context) == ()


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH])
@pytest.mark.parametrize("end", [Finish.CANCELLED, Finish.ERROR])
async def test_a_continuation_that_is_lost_leaves_the_draft_as_it_was(
    finish: Finish, end: Finish
) -> None:
    lost = Draft("half", finish=end, error="over budget", usage=Usage(1, 3))
    context = Writing(lambda ask: lost)
    old = thought("Answer: 7", finish, answer="7", score=0.5)
    found = await going_on(context, old, suffix="Wait", samples=2, temperature=1)
    assert found == (replace(old, usage=Usage(3, 16, 0, 9)),)
    assert context.notes == ["2 of 2 continuations were lost: over budget"]


async def test_of_a_draft_with_some_continuations_those_that_were_lost_are_left_out() -> None:
    lost = Draft("", finish=Finish.ERROR, error="no route")
    context = Writing(lambda ask: lost if ask.index == 1 else str(ask.index))
    found = await going_on(context, thought("a"), samples=3, temperature=1)
    assert [draft.text for draft in found] == ["a0", "a2"]
    assert context.notes == ["1 of 3 continuations were lost: no route"]


# ---- tokens


async def test_the_total_leaves_a_continuation_what_is_left() -> None:
    context = Writing(lambda ask: "x" * 100)
    (draft,) = await going_on(context, thought(), total=20)
    assert context.asks[0].max_tokens == 20 - len("Six sevens.")
    assert (draft.usage.completion_tokens, draft.finish) == (20, Finish.LENGTH)
    assert await going_on(context, draft, total=20) == (draft,)
    assert len(context.asks) == 1


@pytest.mark.parametrize(
    ("given", "own", "most"), [(5, None, 5), (50, None, 9), (None, 4, 4), (None, 40, 9), (6, 2, 6)]
)
async def test_the_smallest_limit_counts(given: int | None, own: int | None, most: int) -> None:
    context = Writing(lambda ask: "")
    writer = model("writer") if own is None else model("writer", max_tokens=own)
    await going_on(context, thought(), by=writer, total=20, max_tokens=given)
    assert context.asks[0].max_tokens == most


async def test_calls_that_were_lost_take_nothing_from_the_total() -> None:
    context = Writing(lambda ask: "")
    retried = replace(thought(), usage=Usage(2, 20, 0, 5000, unknown=1))
    await going_on(context, retried, total=20)
    assert context.asks[0].max_tokens == 9
    await going_on(context, replace(retried, logprobs=None), total=20)
    assert len(context.asks) == 1, "nothing tells what its text has, so the worst is taken"


async def test_without_limits_the_model_has_its_own() -> None:
    context = Writing(lambda ask: "")
    await going_on(context, thought(), stop="a")
    await going_on(context, thought(), stop=("a", "b"))
    assert [ask.max_tokens for ask in context.asks] == [None, None]
    assert [ask.stop for ask in context.asks] == [("a",), ("a", "b")]


# ---- the whole method


def thinker(thinks: str, closes: int, answers: str) -> Writing:
    """A model that thinks `thinks` before it ends its thoughts, after `Wait` each time anew."""

    def says(ask: Ask) -> str:
        if "Final Answer:" in begun_text(ask) or "</think>" in begun_text(ask):
            return answers
        return thinks + ("</think>" if len(context.asks) <= closes else "")

    context = Writing(says)
    return context


async def forced(context: Writing, budget: int, extensions: int) -> Draft:
    """s1: think up to `budget` tokens, append `Wait` while there are some left, then answer."""
    first = Ask(WRITER, ASKED, max_tokens=budget, stop=("</think>",))
    drafts = (await context.sample(first),)
    for _ in range(extensions):
        drafts = await going_on(
            context, *drafts, suffix="Wait", stop="</think>", total=budget, temperature=0
        )
    (draft,) = await going_on(
        context,
        *drafts,
        suffix="\n</think>\n",
        truncated_suffix="\n</think>\nFinal Answer:",
        max_tokens=1024,
        temperature=0,
    )
    return draft


async def test_budget_forcing_extends_a_thought_that_ended_by_itself() -> None:
    context = thinker("Hmm. ", closes=9, answers="Answer: 42")
    draft = await forced(context, budget=100, extensions=2)
    assert draft.text == "Hmm. WaitHmm. WaitHmm. \n</think>\nAnswer: 42"
    assert (draft.answer, draft.finish) == ("42", Finish.STOP)
    assert [ask.max_tokens for ask in context.asks] == [100, 95, 90, 1024]
    assert draft.usage.calls == 4
    assert draft.usage.completion_tokens == 3 * len("Hmm. ") + len("Answer: 42")


async def test_budget_forcing_never_extends_after_the_limit() -> None:
    context = thinker("Hmm. Hmm. ", closes=0, answers=" 42")
    draft = await forced(context, budget=7, extensions=3)
    assert draft.text == "Hmm. Hm\n</think>\nFinal Answer: 42"
    assert len(context.asks) == 2


async def test_budget_forcing_cuts_an_extension_at_the_limit() -> None:
    context = thinker("Hmm. ", closes=9, answers=" 42")
    draft = await forced(context, budget=8, extensions=3)
    assert draft.text == "Hmm. WaitHmm\n</think>\nFinal Answer: 42"


async def test_a_line_break_is_put_only_where_one_is_missing() -> None:
    context = Writing(lambda ask: "!")
    found = await going_on(context, thought("a\n"), thought("a"), suffix="\nb")
    assert [draft.text for draft in found] == ["a\nb!", "a\nb!"]


# ---- which samples


async def test_continuations_are_ordered_by_draft_then_sample_and_drawn_together() -> None:
    context = Writing(lambda ask: f"{ask.stream}.{ask.index}")
    found = await going_on(context, thought("a"), thought("b"), samples=2, temperature=1)
    assert [draft.text for draft in found] == ["a0.0", "a0.1", "b1.0", "b1.1"]
    assert context.peak == 4


async def test_equal_drafts_get_continuations_of_their_own() -> None:
    context = Writing(lambda ask: "")
    found = await going_on(context, *[thought()] * 3, samples=2, temperature=1)
    assert len({draft.seed for draft in found}) == 6
    assert [ask.index for ask in context.asks] == [0, 1, TWIN, TWIN + 1, 2 * TWIN, 2 * TWIN + 1]
    most = OPERATORS["continue"].param("samples")
    assert most is not None
    assert most.high is not None
    assert most.high < TWIN


@given(
    st.lists(st.sampled_from("abc"), max_size=6),
    st.lists(st.sampled_from("abc"), max_size=3),
    st.integers(1, 4),
    st.integers(0, 3),
)
async def test_more_drafts_and_samples_repeat_the_first_ones(
    texts: list[str], others: list[str], samples: int, further: int
) -> None:
    async def keys(texts: list[str], samples: int) -> list[tuple[str, int, int]]:
        context = Writing(lambda ask: "")
        await going_on(context, *map(thought, texts), samples=samples, temperature=1)
        return [(ask.messages.text, ask.stream, ask.index) for ask in context.asks]

    few, many = await keys(texts, samples), await keys(texts + others, samples + further)
    assert set(few) <= set(many)
    assert len(set(many)) == len(many)
    places = [(text, index) for text, _, index in many]
    assert len(set(places)) == len(places), "told apart without seeds as well"


async def test_at_temperature_0_one_continuation_is_drawn() -> None:
    context = Writing(lambda ask: "")
    assert len(await going_on(context, thought(), samples=5, temperature=0)) == 1
    assert context.notes == ["temperature 0: one continuation of each draft instead of 5"]


async def test_the_temperature_is_the_calls_else_the_models_else_as_for_generate() -> None:
    context = Writing(lambda ask: "")
    cool = model("cool", temperature=0.25)
    for by, temperature in ((WRITER, None), (cool, None), (cool, 1.5)):
        await going_on(context, thought(), by=by, temperature=temperature)
    assert [ask.temperature for ask in context.asks] == [0.7, 0.25, 1.5]


@pytest.mark.parametrize(("up_to", "most"), [(2, 9), (None, 2), (9, 2)])
async def test_no_more_drafts_than_the_bound_of_calls_says(up_to: int | None, most: int) -> None:
    context = Writing(lambda ask: "")
    attrs = {"by": WRITER, "up_to": up_to, "most": most, "samples": 3, "temperature": 1}
    found = await continue_(context, {"drafts": (thought(),) * 5, **attrs})
    assert len(found) == len(context.asks) == OPERATORS["continue"].calls(attrs).high == 6
    assert "the first 2 of 5 drafts are continued" in context.notes[0]


def test_the_bound_of_calls_knows_greedy_models() -> None:
    calls = OPERATORS["continue"].calls
    assert calls({"by": model(temperature=0), "most": 3, "samples": 4}).high == 3
    assert calls({"by": model(), "most": 3, "samples": 4, "temperature": 0}).high == 3
    assert calls({"by": model(), "samples": 2}).high == 128


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_begun_reply_is_the_last_turn_whatever_it_says(before: str, text: str) -> None:
    prompt = Messages((Message("user", "u"), Message("assistant", before)))
    turns = begun(prompt, text).turns
    assert turns[0] == Message("user", "u")
    assert (len(turns) == 2) == bool(before + text)
    assert begun(ASKED, "").turns == ASKED.turns


@given(st.lists(st.sampled_from(Finish), min_size=1, max_size=5))
def test_usage_adds_up_however_parts_end(ends: list[Finish]) -> None:
    draft = thought("")
    for finish in ends:
        draft = extended(draft, draft.text + "-", thought("x", finish))
    assert draft.usage == Usage(1 + len(ends), 10 + 10 * len(ends), 0, len(ends))
    assert draft.finish is ends[-1]
    kept = [finish for finish in ends if finish not in (Finish.ERROR, Finish.CANCELLED)]
    assert draft.text == "-x" * len(kept)
