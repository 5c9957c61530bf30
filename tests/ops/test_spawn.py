"""Threads that a writer opens: ThreadWeaver's and APR's forms, bounds, and everything malformed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.errors import InputError
from graphdsl.ops.context import Ask
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.spawn import spawn_join
from graphdsl.ops.spawn_blocks import result_of
from graphdsl.ops.spawn_tasks import Task, read_tasks
from graphdsl.plan import PromptSpec
from graphdsl.values import Draft, Finish, LogprobStats, Message, Messages, Usage
from tests.ops.writing import WRITER, Writing, begun_text, written
from tests.plans import model, question

ASKED = question("What is 2 + 3 + 4?")
CHILD = PromptSpec("thread", ("question", "task"), (("user", "{{ question }}|{{ task }}"),))

WEAVER: dict[str, Any] = {
    "open": "<Outlines>",
    "close": "</Outlines>",
    "join": "append_full",
    "thread": "<Thread>",
}
APR: dict[str, Any] = {
    "open": "<Calling Sub Searches>",
    "close": "<End Calling Sub Searches>",
    "join": "results_only",
    "results": "<Sub Searches>",
    "end": "<End Sub Searches>",
    "child": CHILD,
}


async def spawned(context: Writing, form: dict[str, Any], **given: Any) -> Draft:
    args = {"prompt": ASKED, "by": WRITER, "children": 8, "rounds": 2, "child_tokens": 256}
    return await spawn_join(context, {**args, **form, **given})


def scripted(*texts: str | Draft) -> Writing:
    """A model that writes these, in the order in which it is asked."""
    return Writing(lambda ask: texts[ask.index])


# ---- append_full (ThreadWeaver)

LIST = (
    "<think>\n<Parallel>\n<Outlines>\n<Outline>\n1: add 2 and 3\n</Outline>\n"
    "<Outline>\n2: add 4\n</Outline>\n</Outlines>"
)


async def test_threads_see_the_whole_text_but_not_each_other() -> None:
    context = scripted(LIST, " five</Thread> more", " four</Thread>", " so 9.</think>Answer: 9")
    draft = await spawned(context, WEAVER, temperature=0.6)
    assert [begun_text(ask) for ask in context.asks] == [
        "",
        LIST + "\n<Thread>\n1:",
        LIST + "\n<Thread>\n2:",
        LIST + "\n<Thread>\n1: five</Thread><Thread>\n2: four</Thread>\n</Parallel>",
    ]
    assert all(ask.messages.turns[0] == ASKED.turns[0] for ask in context.asks)
    assert draft.text == begun_text(context.asks[3]) + " so 9.</think>Answer: 9"
    assert (draft.answer, draft.finish, draft.prompt) == ("9", Finish.STOP, ASKED)
    assert context.peak == 2
    assert not context.notes


async def test_writer_and_threads_have_their_own_limits_and_stops() -> None:
    context = scripted(LIST, "a</Thread>", "b</Thread>", "c")
    await spawned(context, WEAVER, max_tokens=1000, child_tokens=50, temperature=0.6, rounds=1)
    close, thread = ("</Outlines>",), ("</Thread>",)
    assert [ask.stop for ask in context.asks] == [close, thread, thread, ()]
    assert [ask.max_tokens for ask in context.asks] == [1000, 50, 50, 1000]
    assert {ask.temperature for ask in context.asks} == {0.6}


async def test_usage_and_log_probabilities_are_those_of_all_parts() -> None:
    context = scripted(LIST, " five</Thread>", " four</Thread>", " 9")
    draft = await spawned(context, WEAVER)
    sizes = [len(LIST) - len("</Outlines>"), 5, 5, 2]
    asked = sum(len(ask.messages.text) for ask in context.asks)
    assert draft.usage == Usage(4, asked, 0, sum(sizes))
    total = -0.5 * (sum(sizes) + len(sizes))
    assert draft.logprobs == LogprobStats(sum(sizes), total, -1.0)


async def test_a_thread_that_is_cut_off_is_closed_and_flagged() -> None:
    context = scripted(LIST, " five and so on", " four</Thread>", " 9")
    draft = await spawned(context, WEAVER, child_tokens=5)
    assert "\n<Thread>\n1: five\n</Thread><Thread>\n2: four</Thread>\n</Parallel> 9" in draft.text
    assert context.notes == ["round 1: thread 1 was cut off at `child_tokens`"]


async def test_threads_that_fail_leave_nothing_and_the_writer_goes_on() -> None:
    lost = Draft("", finish=Finish.ERROR, error="no route", usage=Usage(1))
    context = scripted(LIST, lost, " four</Thread>", " 9")
    draft = await spawned(context, WEAVER)
    assert "<Thread>\n1:\n</Thread><Thread>\n2: four</Thread>" in draft.text
    assert context.notes == ["round 1: thread 1 failed: no route"]
    assert draft.logprobs is not None
    assert (draft.usage.calls, draft.finish) == (4, Finish.STOP)


async def test_without_a_readable_list_it_goes_on_alone() -> None:
    context = scripted("<Outlines></Outlines>", " alone", "unasked")
    draft = await spawned(context, WEAVER)
    assert draft.text == "<Outlines></Outlines> alone"
    assert context.notes == ["round 1: no list of threads could be read; none was opened"]
    context = scripted("no list was opened </Outlines>", " alone", "unasked")
    assert (await spawned(context, WEAVER)).text == "no list was opened </Outlines> alone"


async def test_lists_of_later_rounds_are_read_from_where_the_last_one_was_joined() -> None:
    second = "<Outlines><Outline>3: check</Outline></Outlines>"
    context = scripted(LIST, "a</Thread>", "b</Thread>", second, "c</Thread>", "end")
    draft = await spawned(context, WEAVER)
    assert draft.text.endswith(f"</Parallel>{second}\n<Thread>\n3:c</Thread>\n</Parallel>end")
    assert len(context.asks) == 6


async def test_after_the_last_round_nothing_stops_the_writer() -> None:
    context = scripted(LIST, "a</Thread>", "b</Thread>", f"{LIST} by myself")
    draft = await spawned(context, WEAVER, rounds=1)
    assert draft.text.endswith(f"</Parallel>{LIST} by myself")
    assert len(context.asks) == 4


async def test_more_threads_than_allowed_are_left_out() -> None:
    context = scripted(LIST, "a</Thread>", "end")
    draft = await spawned(context, WEAVER, children=1)
    assert draft.text == f"{LIST}\n<Thread>\n1:a</Thread>\n</Parallel>end"
    assert context.notes == ["round 1: the first 1 of 2 threads are opened"]


@pytest.mark.parametrize("finish", [Finish.ERROR, Finish.CANCELLED, Finish.LENGTH])
async def test_what_there_is_when_the_writer_comes_to_a_bad_end(finish: Finish) -> None:
    bad = Draft("half" if finish is Finish.LENGTH else "", finish=finish, error="why")
    context = scripted(LIST, "a</Thread>", "b</Thread>", bad)
    draft = await spawned(context, WEAVER)
    assert draft.text.endswith("</Parallel>" + bad.text)
    assert (draft.finish, draft.error) == (finish, "why")
    only = await spawned(scripted(bad), WEAVER)
    assert (only.text, only.finish, only.prompt) == (bad.text, finish, ASKED)


async def test_a_begun_reply_in_the_prompt_is_gone_on_with() -> None:
    prompt = Messages((*ASKED.turns, Message("assistant", "<think>")))
    context = scripted("a<Outlines>1. x</Outlines>", "y</Thread>", "z")
    draft = await spawned(context, WEAVER, prompt=prompt)
    assert begun_text(context.asks[1]) == "<think>a<Outlines>1. x</Outlines>\n<Thread>\n1:"
    assert draft.text.startswith("a<Outlines>")


async def test_marks_may_be_anything_and_empty_ones_open_nothing() -> None:
    form = {"open": "[[", "close": "]]", "join": "append_full", "thread": "[part]", "end": "[all]"}
    context = scripted("do [[1. a\n2. b]]", "x[/part]", "y[/part]", "z")
    draft = await spawned(context, form)
    assert draft.text == "do [[1. a\n2. b]]\n[part]\n1:x[/part][part]\n2:y[/part]\n[all]z"
    context = scripted("just this")
    assert (await spawned(context, {**form, "close": ""})).text == "just this"
    assert context.asks[0].stop == ()


async def test_marks_that_are_the_same_are_refused() -> None:
    context = scripted("unasked")
    with pytest.raises(InputError, match="`open` and `close` of `spawn_join` must differ"):
        await spawned(context, {**WEAVER, "open": "%%", "close": "%%"})
    assert not context.asks


@pytest.mark.parametrize(
    ("own", "given", "used"), [(None, None, 0.6), (0.2, None, 0.2), (0.2, 1, 1)]
)
async def test_the_temperature_is_the_calls_else_the_models_else_that_of_the_paper(
    own: float | None, given: float | None, used: float
) -> None:
    context = scripted("x")
    writer = model("writer") if own is None else model("writer", temperature=own)
    await spawned(context, WEAVER, by=writer, temperature=given)
    assert [ask.temperature for ask in context.asks] == [used]


# ---- results_only (APR)

CALL = (
    "Moving to Node #0\n<Calling Sub Searches>\n"
    "<Start Sub Search 0 at level 1> Moving to Node #0,0\n"
    "<Start Sub Search 1 at level 1> Moving to Node #0,1\n"
    "<End Calling Sub Searches>"
)


async def test_results_take_the_place_of_the_list_in_its_order() -> None:
    context = scripted(CALL, "thinking\nNo solution", "2 * 3\nAnswer: 6", "\nGoal Reached")
    draft = await spawned(context, APR)
    before = "Moving to Node #0\n"
    block = "<Sub Searches>\nNo solution in child 0\nGoal reached in child 1\n6\n<End Sub Searches>"
    assert begun_text(context.asks[3]) == before + block
    assert draft.text == f"{before}{block}\nGoal Reached"


async def test_a_child_sees_only_its_task() -> None:
    context = scripted(CALL, "a", "b", "c")
    await spawned(context, APR)
    shown = [ask.messages.text for ask in context.asks[1:3]]
    assert shown == [f"What is 2 + 3 + 4?|Moving to Node #0,{n}" for n in (0, 1)]
    assert context.asks[1].stop == ()


async def test_children_cost_but_their_thoughts_are_no_part_of_the_text() -> None:
    context = scripted(CALL, "aaa", "bbb", "c")
    draft = await spawned(context, APR)
    sizes = [len(CALL) - len("<End Calling Sub Searches>"), 3, 3, 1]
    assert draft.usage.completion_tokens == sum(sizes)
    assert draft.logprobs is not None
    assert draft.logprobs.tokens == sizes[0] + sizes[3]


async def test_children_that_fail_or_are_cut_off_have_no_solution() -> None:
    lost = Draft("", finish=Finish.ERROR, error="no route")
    context = scripted(CALL, lost, "much too long\nAnswer: 1", "end")
    draft = await spawned(context, APR, child_tokens=8)
    assert "No solution in child 0\nNo solution in child 1" in draft.text
    assert context.notes == [
        "round 1: thread 0 failed: no route",
        "round 1: thread 1 was cut off at `child_tokens`",
    ]


async def test_results_of_the_writers_own_invention_become_a_call() -> None:
    lines = "\n".join(CALL.splitlines()[2:])
    context = scripted("first <Sub Searches> Goal reached!", lines, "a", "b", "end")
    draft = await spawned(context, APR)
    assert context.asks[0].stop == ("<End Calling Sub Searches>", "<Sub Searches>")
    assert begun_text(context.asks[1]) == "first <Calling Sub Searches>"
    assert draft.text.startswith("first <Sub Searches>\nGoal reached in child 0\na\n")
    assert draft.text.endswith("<End Sub Searches>end")


async def test_a_malformed_list_ends_it_with_what_there_is() -> None:
    context = scripted("x <Calling Sub Searches>??<End Calling Sub Searches>y", "unasked")
    draft = await spawned(context, APR)
    assert draft.text == "x <Calling Sub Searches>??<End Calling Sub Searches>"
    assert len(context.asks) == 1
    assert "the text ends here" in context.notes[0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("3 + 4\nis 7", "is 7"),
        ("Answer: 7\n\n", "7"),
        (r"so \boxed{8}.", "8"),
        ("7", "7"),
        ("Answer: No solution.", None),
        ("no solution found", None),
        ("No solution exists.", None),
        ("No solutions exist except 4", "No solutions exist except 4"),
        ("No solution but 4 is near", "No solution but 4 is near"),
        ("The result is\n```python\n42\n```", "42"),
        ("```\n```", "```"),
        (" \n", None),
    ],
)
def test_the_result_of_a_thread(text: str, result: str | None) -> None:
    assert result_of(Draft(text)) == result
    assert result_of(Draft(text, finish=Finish.LENGTH)) is None


# ---- lists of threads


@pytest.mark.parametrize(
    ("block", "tasks"),
    [
        ("<Outline>1: a</Outline> and <Outline>2.1: b</Outline>", ["1 a", "2.1 b"]),
        ("\n<Outline> a\n<Outline> b\n", ["1 a", "2 b"]),
        ("<Outline>1: use <b>x</b> < y</Outline>", ["1 use <b>x</b> < y"]),
        ("<Outline>1: a</Outline><Outline>1: again</Outline>", ["1 a"]),
        ("<Outline></Outline><Outline>2:</Outline>", []),
        ("1. a\n2. b < c > d", ["1 a", "2 b < c > d"]),
        (
            "<Start Sub Search 0 at level 1> goal a <End Sub Search 0 at level 1>\n"
            "<Start Sub Search 1 at level 1> goal b <End Sub Search 1 at level 1>",
            ["0 goal a", "1 goal b"],
        ),
        ("<Start Sub Search 3 at level 1>a\n<Start Sub Search 1 at level 1>b", ["3 a", "1 b"]),
        ("<Start>1: a</Start><Start> b <End>", ["1 a", "2 b"]),
        ('["a", "b"]', ["1 a", "2 b"]),
        ("nothing", []),
        ("", []),
    ],
)
def test_threads_of_a_list(block: str, tasks: list[str]) -> None:
    assert [f"{task.label} {task.text}" for task in read_tasks(block)] == tasks


@given(st.text(alphabet="<>/1: \nOutlineab\ud800\0", max_size=200))
def test_any_text_is_a_list_of_threads_with_numbers_of_their_own(block: str) -> None:
    tasks = read_tasks(block)
    assert len({task.label for task in tasks}) == len(tasks)
    assert all(isinstance(task, Task) and task.text.strip() for task in tasks)


# ---- bounds

PIECES = st.sampled_from(
    [
        LIST,
        CALL,
        "</Outlines>",
        "<Outlines>1. a\n2. b\n3. c</Outlines>",
        "<Calling Sub Searches>1. a\n2. b\n3. c<End Calling Sub Searches>",
        "<Sub Searches>",
        "</Thread>",
        "text",
        "",
    ]
)


@given(
    st.lists(st.lists(PIECES, max_size=3).map("".join), min_size=1, max_size=5),
    st.sampled_from([WEAVER, APR]),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(Finish),
)
async def test_whatever_models_write_the_bound_of_calls_holds(
    texts: list[str], form: dict[str, Any], children: int, rounds: int, end: Finish
) -> None:
    def says(ask: Ask) -> str | Draft:
        text = texts[ask.index % len(texts)]
        bad = end in (Finish.ERROR, Finish.CANCELLED) and ask.index == len(texts) + 2
        return Draft("", finish=end, error="why") if bad else text

    context = Writing(says)
    attrs = {"children": children, "rounds": rounds}
    draft = await spawned(context, form, **attrs, max_tokens=60)
    assert 1 <= len(context.asks) <= OPERATORS["spawn_join"].calls(attrs).high
    assert [ask.index for ask in context.asks] == list(range(len(context.asks)))
    known = [written(texts[ask.index % len(texts)], ask).usage for ask in context.asks]
    if end.complete:
        assert draft.usage == sum(known, Usage())


async def test_a_writer_that_opens_threads_for_ever_reaches_the_bound() -> None:
    def says(ask: Ask) -> str:
        thread = begun_text(ask).endswith(":")
        return "x</Thread>" if thread else "<Outlines>1. a\n2. b\n3. c</Outlines>"

    context = Writing(says)
    attrs = {"children": 3, "rounds": 4}
    await spawned(context, WEAVER, **attrs)
    assert len(context.asks) == OPERATORS["spawn_join"].calls(attrs).high == 1 + 4 * (1 + 3)
