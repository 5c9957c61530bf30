"""Expansion by steps: what is asked, when a path ends, and what a path adds up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from graphdsl.ops.context import Ask
from graphdsl.ops.trees.path import Path, root
from graphdsl.ops.trees.steps import BLANKS, Steps, steps_of
from graphdsl.values import Draft, Finish, LogprobStats, Message, Messages
from tests.ops.trees.grove import ASKED, WRITER, Grove, arguments, so_far, written
from tests.plans import model


def steps(reply: Callable[[Ask], Draft], **given: Any) -> tuple[Grove, Steps]:
    grove = Grove(reply=reply)
    args = arguments("beam", **given)
    return grove, steps_of(grove, args, args["prompt"])


async def one(
    text: str, finish: Finish, *, whole: bool = False, tokens: int = 2, **given: Any
) -> tuple[Ask, Path]:
    """The ask and the path of one step from the root."""
    grove, work = steps(lambda ask: written(ask, text, finish, tokens), **given)
    path = await work.expand(root(work.prompt), WRITER, 3, whole=whole)
    return grove.asks[0], path


async def test_a_step_asks_for_text_up_to_the_separator() -> None:
    ask, path = await one("first", Finish.STOP_SEQ, temperature=0.3)
    assert (ask.messages, ask.stop, ask.max_tokens) == (ASKED, ("\n\n",), 8)
    assert (ask.index, ask.stream, ask.temperature) == (3, 0, 0.3)
    assert (path.draft.text, path.step, path.open, path.done) == (
        "first\n\n",
        "first\n\n",
        True,
        False,
    )


async def test_a_path_goes_on_from_its_text_with_its_separator() -> None:
    grove, work = steps(lambda ask: written(ask, f"step {len(grove.asks)}"))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    path = await work.expand(path, WRITER, 1, whole=False)
    assert grove.asks[1].messages.turns == (*ASKED.turns, Message("assistant", "step 1\n\n"))
    assert path.draft.text == "step 1\n\nstep 2\n\n"
    assert path.depth == 2


async def test_a_prompt_that_begins_the_reply_is_gone_on_from() -> None:
    prompt = Messages((*ASKED.turns, Message("assistant", "Well, ")))
    grove, work = steps(lambda ask: written(ask, "yes"), prompt=prompt)
    path = await work.expand(root(prompt), WRITER, 0, whole=False)
    await work.expand(path, WRITER, 1, whole=False)
    assert [so_far(ask) for ask in grove.asks] == ["Well, ", "Well, yes\n\n"]


async def test_control_strings_that_a_model_wrote_cannot_end_the_turn() -> None:
    grove, work = steps(lambda ask: written(ask, "a <|im_end|> b"))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    await work.expand(path, WRITER, 1, whole=False)
    assert "<|im_end|>" not in so_far(grove.asks[1])
    assert "<|im_end|>" in path.draft.text


@pytest.mark.parametrize(
    ("text", "finish"),
    [
        ("so it is", Finish.STOP),
        (r"so \boxed{\frac{1}{2}}", Finish.STOP_SEQ),
        ("Answer: 7", Finish.STOP_SEQ),
        ("so it is\n**Final answer:** 7", Finish.STOP_SEQ),
        ("#### 7", Finish.STOP_SEQ),
    ],
)
async def test_a_path_ends_where_the_model_stops_or_answers(text: str, finish: Finish) -> None:
    _, path = await one(text, finish)
    assert (path.done, path.open, path.draft.finish, path.draft.text) == (True, False, finish, text)
    assert path.draft.complete


@pytest.mark.parametrize(
    "text",
    [
        r"so \boxed{",
        r"so \boxed{\frac{1}{2",
        r"\boxed{ }",
        "Answer:",
        "#### ",
        "#### Step 1: add them",
        "#### 2 apples are left",
        "We will first answer: what is x?",
        "The answer: to be found below",
    ],
)
async def test_what_only_looks_like_an_answer_does_not_end_a_path(text: str) -> None:
    _, path = await one(text, Finish.STOP_SEQ)
    assert path.open


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.STOP_SEQ])
async def test_an_empty_step_after_a_text_ends_the_path(finish: Finish) -> None:
    replies = iter([("a", Finish.STOP_SEQ), (" ", finish)])
    _, work = steps(lambda ask: written(ask, *next(replies)))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    path = await work.expand(path, WRITER, 1, whole=False)
    assert (path.done, path.open, path.draft.text) == (True, False, "a\n\n ")


@pytest.mark.parametrize("separator", ["\n\n", ". "])
async def test_separators_before_anything_else_end_nothing_and_are_no_text(separator: str) -> None:
    replies = iter([("", Finish.STOP_SEQ), ("", Finish.STOP_SEQ), ("Answer: 7", Finish.STOP_SEQ)])
    grove, work = steps(lambda ask: written(ask, *next(replies)), separator=separator)
    path = root(ASKED)
    for index in range(3):
        assert path.open
        path = await work.expand(path, WRITER, index, whole=False)
    assert [so_far(ask) for ask in grove.asks] == ["", separator, separator * 2]
    assert (path.done, path.draft.text) == (True, "Answer: 7")


async def test_a_model_that_writes_nothing_else_fails() -> None:
    _, work = steps(lambda ask: written(ask, ""))
    path = root(ASKED)
    while path.open:
        path = await work.expand(path, WRITER, path.depth, whole=False)
    assert (path.depth, path.done, path.failed) == (BLANKS + 1, False, True)
    assert path.draft.error == "the model wrote nothing"


async def test_a_model_that_ends_its_turn_at_once_fails() -> None:
    _, path = await one("", Finish.STOP)
    assert (path.done, path.failed, path.draft.text) == (False, True, "")


async def test_a_step_that_is_cut_is_partial_and_goes_on_without_a_separator() -> None:
    _, path = await one("Answer: 1", Finish.LENGTH, tokens=8)
    assert (path.draft.text, path.open, path.done) == ("Answer: 1", True, False)
    assert path.draft.finish is Finish.STOP_SEQ


async def test_a_cut_step_without_text_ends_the_path() -> None:
    _, path = await one("", Finish.LENGTH, tokens=0)
    assert (path.open, path.done, path.failed) == (False, False, False)
    assert path.draft.finish is Finish.LENGTH


async def test_the_last_of_depth_steps_is_written_to_the_end() -> None:
    ask, path = await one("on\n\nand on", Finish.STOP, depth=1)
    assert (ask.stop, ask.max_tokens) == ((), None)
    assert (path.open, path.done, path.draft.finish) == (False, True, Finish.STOP)
    _, path = await one("on", Finish.LENGTH, depth=1)
    assert (path.open, path.done, path.draft.finish) == (False, False, Finish.LENGTH)


async def test_max_tokens_bound_the_whole_path() -> None:
    grove, work = steps(lambda ask: written(ask, "x", tokens=ask.max_tokens or 0), max_tokens=11)
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    assert path.open
    path = await work.expand(path, WRITER, 1, whole=False)
    assert [ask.max_tokens for ask in grove.asks] == [8, 3]
    assert (path.open, path.done, path.draft.finish) == (False, False, Finish.LENGTH)


@pytest.mark.parametrize(("most", "limit"), [(None, None), (40, 40)])
async def test_writing_to_the_end_has_no_separator(most: int | None, limit: int | None) -> None:
    ask, path = await one("a\n\nb", Finish.STOP, whole=True, max_tokens=most)
    assert (ask.stop, ask.max_tokens) == ((), limit)
    assert path.done


async def test_a_whole_text_that_is_cut_is_truncated() -> None:
    _, path = await one("a\n\nb", Finish.LENGTH, whole=True)
    assert (path.open, path.done, path.draft.finish) == (False, False, Finish.LENGTH)


@pytest.mark.parametrize("finish", [Finish.ERROR, Finish.CANCELLED])
async def test_a_failed_step_ends_its_path_and_keeps_the_text_before(finish: Finish) -> None:
    replies = iter([("a", Finish.STOP_SEQ), ("", finish)])
    _, work = steps(lambda ask: written(ask, *next(replies)))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    path = await work.expand(path, WRITER, 1, whole=False)
    assert (path.failed, path.open, path.done) == (True, False, False)
    assert (path.draft.text, path.draft.finish, path.draft.usage.calls) == ("a\n\n", finish, 2)


async def test_usage_and_log_probabilities_of_a_path_are_those_of_its_steps() -> None:
    stats = iter([LogprobStats(3, -1.5, -1.0), LogprobStats(2, -0.5, -0.25)])
    _, work = steps(lambda ask: written(ask, "x", tokens=3, logprobs=next(stats)))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    path = await work.expand(path, WRITER, 1, whole=False)
    assert path.draft.logprobs == LogprobStats(5, -2.0, -1.0)
    assert (path.draft.usage.calls, path.draft.usage.completion_tokens) == (2, 6)
    assert path.draft.prompt == ASKED


async def test_log_probabilities_that_one_step_lacks_are_missing() -> None:
    stats = iter([LogprobStats(3, -1.5, -1.0), None])
    _, work = steps(lambda ask: written(ask, "x", logprobs=next(stats)))
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    path = await work.expand(path, WRITER, 1, whole=False)
    assert path.draft.logprobs is None


async def test_look_ahead_is_greedy_and_in_a_stream_of_its_own() -> None:
    grove, work = steps(lambda ask: written(ask, f"{ask.stream}"), lookahead=2)
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    ahead = await work.look_ahead(path, WRITER, 5)
    assert ahead is not None
    assert ahead.draft.text == "0\n\n1\n\n1\n\n"
    assert [(ask.stream, ask.temperature, ask.index) for ask in grove.asks[1:]] == [(1, 0.0, 5)] * 2


async def test_look_ahead_ends_where_the_path_does() -> None:
    grove, work = steps(lambda ask: written(ask, "x"), lookahead=9, depth=3)
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    ahead = await work.look_ahead(path, WRITER, 5)
    assert len(grove.asks) == 3
    assert ahead is not None
    assert not ahead.open


async def test_look_ahead_that_fails_is_none_or_what_there_is() -> None:
    replies = iter([("a", Finish.STOP_SEQ), ("b", Finish.STOP_SEQ), ("", Finish.ERROR)])
    _, work = steps(lambda ask: written(ask, *next(replies)), lookahead=4)
    path = await work.expand(root(ASKED), WRITER, 0, whole=False)
    ahead = await work.look_ahead(path, WRITER, 5)
    assert ahead is not None
    assert ahead.draft.text == "a\n\nb\n\n"
    grove, work = steps(lambda ask: written(ask, "", Finish.ERROR), lookahead=4)
    assert await work.look_ahead(path, WRITER, 5) is None
    assert len(grove.asks) == 1


@pytest.mark.parametrize(
    ("given", "own", "temperature"), [(None, None, 0.8), (None, 0.4, 0.4), (0.0, 0.4, 0.0)]
)
async def test_the_temperature_is_given_or_the_models_or_the_usual_one(
    given: float | None, own: float | None, temperature: float
) -> None:
    grove, work = steps(lambda ask: written(ask, "x"), temperature=given)
    options = {} if own is None else {"temperature": own}
    await work.expand(root(ASKED), model("writer", **options), 0, whole=False)
    assert grove.asks[0].temperature == temperature
