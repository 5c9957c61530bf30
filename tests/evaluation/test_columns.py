"""Which columns are inputs and target: named, by the search block, or by their names."""

from __future__ import annotations

import pytest

import graphdsl
from graphdsl.api.evaluation.block import Block, block_for
from graphdsl.api.evaluation.columns import columns_of
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Input

PROGRAM = """edition "2026"
model sim { backend = simulated }
flow main(question: Text, hint: Text = "") -> Answer {
  return first(generate(question, models: sim))
}
flow other(problem: Text, level: Number) -> Text { return problem }
search second {
  flow = main
  data = jsonl("b.jsonl", input: "task", target: "gold")
  maximise = accuracy(by: text)
  budget = [calls(1)]
}
search default {
  flow = main
  data = jsonl("a.jsonl", input: "task", target: "gold")
  maximise = accuracy(by: number)
  budget = [calls(1)]
}
"""
MODULE = graphdsl.load(PROGRAM)
MAIN = MODULE.flow("main").inputs
OTHER = MODULE.flow("other").inputs


def block() -> Block:
    found = block_for(MODULE.program, "main")
    assert found is not None
    return found


def test_the_block_named_default_comes_first() -> None:
    found = block()
    assert (found.name, found.flow, found.data.name) == ("default", "main", "a.jsonl")
    assert (found.columns, found.target, found.metric, found.by) == (
        ("task",),
        "gold",
        "accuracy",
        "number",
    )


def test_another_flow_has_no_block() -> None:
    assert block_for(MODULE.program, "other") is None
    assert block_for(MODULE.program, None) == block()


@pytest.mark.parametrize(
    ("names", "params", "inputs", "target"),
    [
        (["question", "answer"], MAIN, {"question": "question"}, "answer"),
        (["id", "problem", "expected"], MAIN, {"question": "problem"}, "expected"),
        (["question", "hint", "target"], MAIN, {"question": "question", "hint": "hint"}, "target"),
        (["text", "answer", "target"], MAIN, {"question": "text"}, "target"),
        (["problem", "level", "label"], OTHER, {"problem": "problem", "level": "level"}, "label"),
    ],
)
def test_columns_by_their_names(
    names: list[str], params: tuple[Input, ...], inputs: dict[str, str], target: str
) -> None:
    found = columns_of(names, params)
    assert (dict(found.inputs), found.target) == (inputs, target)


def test_the_question_is_not_taken_for_a_second_input() -> None:
    flow = "flow two(question: Text, hint: Text) -> Text { return join([question, hint]) }"
    two = graphdsl.load(f'edition "2026"\n{flow}\n').flow("two")
    found = columns_of(["question", "answer"], two.inputs)
    assert found.inputs == {"question": "question"}


def test_the_block_names_columns_where_the_data_has_them() -> None:
    found = columns_of(["task", "gold", "answer"], MAIN, block())
    assert (dict(found.inputs), found.target) == ({"question": "task"}, "gold")
    found = columns_of(["question", "answer"], MAIN, block())
    assert (dict(found.inputs), found.target) == ({"question": "question"}, "answer")


def test_what_is_asked_for_wins() -> None:
    names = ["question", "answer", "task", "gold"]
    found = columns_of(names, MAIN, None, {"question": "task"}, "gold")
    assert (dict(found.inputs), found.target) == ({"question": "task"}, "gold")


def test_an_input_may_be_named_like_a_target() -> None:
    text = PROGRAM.replace("problem: Text", "answer: Text").replace("n problem", "n answer")
    flow = graphdsl.load(text).flow("other")
    found = columns_of(["answer", "level", "target"], flow.inputs)
    assert (dict(found.inputs), found.target) == ({"answer": "answer", "level": "level"}, "target")


@pytest.mark.parametrize(
    ("inputs", "target", "said"),
    [
        ({"qestion": "question"}, None, "no input `qestion`; did you mean `question`"),
        ({"question": "tusk"}, None, "no column `tusk`; did you mean `task`"),
        (None, "golf", "no column `golf`; did you mean `gold`"),
    ],
)
def test_names_that_do_not_exist_are_refused(
    inputs: dict[str, str] | None, target: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        columns_of(["task", "gold"], MAIN, None, inputs, target)


def test_data_without_a_target_names_its_columns() -> None:
    with pytest.raises(InputError, match=r"no column of the data is the target.*`question`, `id`"):
        columns_of(["question", "id"], MAIN)
