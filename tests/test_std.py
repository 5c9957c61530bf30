"""The flows of the standard library: clean, and run end to end on simulated and real models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import graphdsl
from graphdsl import Budget, Flow
from graphdsl.api.reading import examine
from graphdsl.cli.codes import Exit
from graphdsl.cli.guard import run
from graphdsl.compiler.modules import std_names
from graphdsl.ir.nodes import Choices, Hole, Interval
from graphdsl.ir.types import DOCS, NUMBER, TEXT, TEXTS, Type
from graphdsl.syntax import tree
from graphdsl.syntax.format import format_source

QUESTION = "What is 3 + 4?"
SOLVER = "simulated:,accuracy=1.0,tokens=8"
CODER = "simulated:,replies=```python\ndef add(a\\, b):\n    return a + b\n```"
REWARD = "model reward { backend = simulated  accuracy = 0.9 }"


def declared(name: str) -> list[tree.Flow]:
    """The flows of a file, as it has them."""
    module = examine(f"std/{name}").module
    assert module is not None
    return list(module.flows.values())


@cache
def flows() -> list[tuple[str, str]]:
    """Every flow of the library: file and name."""
    return [(name, flow.name.text) for name in std_names() for flow in declared(name)]


def needs_a_model(flow: tree.Flow) -> bool:
    """Whether it has a model without a default."""
    required = [param for param in flow.params if param.default is None]
    return any(param.name.text in ("reward", "meta") for param in required)


def program(file: str, name: str) -> str:
    """A program that calls the flow; what has no default is a simulated model, or an input."""
    (flow,) = (one for one in declared(file) if one.name.text == name)
    text = examine(f"std/{file}").sources[f"std/{file}"].text
    needed = [param for param in flow.params if param.default is None and not param.type.optional]
    kinds = {p.name.text: text[p.type.span.start : p.type.span.end] for p in needed}
    models = [name for name, kind in kinds.items() if kind.startswith("Model")]
    inputs = [p for p in needed if p.name.text not in models]
    signature = ", ".join(f"{p.name.text}: {kinds[p.name.text]}" for p in inputs)
    result = text[flow.result.span.start : flow.result.span.end]
    given = [f"{p.name.text}: {p.name.text}" for p in inputs]
    given += [f"{model}: reward" for model in models]
    call = f"lib.{name}({', '.join(given)})"
    return (
        f'edition "2026"\nimport "std/{file}" as lib\n{REWARD if models else ""}\n'
        f"flow run({signature}) -> {result} {{\n  found = {call}\n  return found\n}}\n"
    )


def loaded(file: str, name: str, model: str) -> Flow:
    """The flow with its numeric holes at their smallest values, on that model."""
    flow = graphdsl.load(program(file, name)).flow("run")
    flow = flow.with_(dict(smallest(flow)))
    used = {spec.name for spec in flow.graph.models if spec.backend == "embedded"}
    return flow.with_models(dict.fromkeys(used, model)) if used else flow


def smallest(flow: Flow) -> Iterator[tuple[str, str | float]]:
    for hole in flow.open_graph.holes:
        match hole:
            case Hole(domain=Choices(labels=labels, values=values)):
                numbers = [value for value in values if isinstance(value, int | float)]
                if len(numbers) == len(values):
                    yield hole.address, labels[values.index(min(numbers))]
            case Hole(domain=Interval(low=low)):
                yield hole.address, low
            case _:
                pass


def inputs(flow: Flow) -> dict[str, Any]:
    """Something of the right type for every input."""
    return {one.name: value(one.name, one.type) for one in flow.inputs if one.required}


def value(name: str, kind: Type) -> Any:
    special = {
        "tests": "assert add(3, 4) == 7",
        "task": "Write `add(a, b)`, which gives the sum of two numbers.",
    }
    if kind == TEXT:
        return special.get(name, QUESTION)
    if kind in (TEXTS, DOCS):
        return ["Three and four make seven.", "Seven is a prime."]
    assert kind == NUMBER, f"an input of type {kind}"
    return 1


@pytest.mark.parametrize("name", std_names())
def test_a_file_is_clean_and_canonical(name: str) -> None:
    checked = examine(f"std/{name}")
    assert [str(one) for one in checked.diagnostics] == []
    source = checked.sources[f"std/{name}"]
    assert format_source(source).text == source.text


@pytest.mark.parametrize("name", std_names())
def test_every_flow_says_where_it_comes_from(name: str) -> None:
    text = examine(f"std/{name}").sources[f"std/{name}"].text
    for flow in declared(name):
        before = text[: flow.span.start].rstrip("\n").rpartition("\n\n")[2]
        assert before.startswith("# "), f"{flow.name.text} has no comment above it"
        assert len(before.splitlines()) >= 1


@pytest.mark.parametrize("name", [name for name in std_names() if declared(name)])
def test_the_tests_of_a_file_hold(name: str) -> None:
    assert run(["test", f"std/{name}"]) == Exit.OK


@pytest.mark.parametrize("name", std_names())
def test_every_flow_that_runs_by_itself_has_a_test(name: str) -> None:
    text = examine(f"std/{name}").sources[f"std/{name}"].text
    tested = set(re.findall(r"^  flow = (\w+)$", text, re.MULTILINE))
    assert tested == {flow.name.text for flow in declared(name) if not needs_a_model(flow)}


@pytest.mark.parametrize(("file", "name"), flows())
def test_a_flow_is_short(file: str, name: str) -> None:
    text = examine(f"std/{file}").sources[f"std/{file}"].text
    (flow,) = (one for one in declared(file) if one.name.text == name)
    assert 5 <= text[flow.span.start : flow.span.end].count("\n") <= 45


@pytest.mark.parametrize(("file", "name"), flows())
def test_a_flow_runs_on_simulated_models(file: str, name: str) -> None:
    flow = loaded(file, name, CODER if file == "code.tts" else SOLVER)
    result = flow.run_sync(inputs(flow))
    assert result.status == "ok", result.value
    most = flow.cost().calls.high
    assert most is not None
    assert result.usage.calls <= most
    assert result.value not in (None, "")


@pytest.mark.parametrize(
    "call",
    [
        "best_of_n.reward_best_of_n(question: question, models: writer, reward: reward, n: 8)",
        "best_of_n.process_reward(question: question, models: writer, reward: reward, n: 8)",
        "trees.beam_search(question: question, models: writer, judge: reward, "
        "method: process, width: 8)",
    ],
)
def test_a_reward_model_finds_the_right_answer_among_wrong_ones(call: str) -> None:
    text = f"""edition "2026"
import "std/best_of_n.tts" as best_of_n
import "std/search.tts" as trees
model writer {{ backend = simulated  accuracy = 0.5 }}
model reward {{ backend = simulated  accuracy = 0.9 }}
flow run(question: Text) -> Draft {{
  found = {call}
  return found
}}
"""
    flow = graphdsl.load(text).flow("run")
    found = [flow.run_sync({"question": QUESTION}, seed=seed).value.answer for seed in range(5)]
    assert found == ["7"] * 5


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize(("file", "name"), flows())
def test_a_flow_runs_on_the_embedded_model(file: str, name: str) -> None:
    pytest.importorskip("xllamacpp")
    flow = loaded(file, name, "embedded:smollm2-135m,max_tokens=16")
    result = flow.run_sync(inputs(flow), budget=Budget(seconds=120))
    assert result.usage.calls > 0
    assert result.status in ("ok", "failed")  # so small a model may find no answer
