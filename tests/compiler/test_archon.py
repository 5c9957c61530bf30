"""Configurations of Archon: what they become, and which are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

import graphdsl
from graphdsl.compiler.archon import archon_program
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.syntax.format import format_source

COMMON = {"model_type": "OpenAI_API", "temperature": 0.7, "max_tokens": 64, "samples": 1}


def part(kind: str, model: str = "gpt-4o", **options: Any) -> dict[str, Any]:
    return {"type": kind, "model": model, **COMMON, **options}


def text_of(*layers: list[dict[str, Any]], **more: Any) -> str:
    return json.dumps({"name": "mine", "layers": layers, **more})


def program(*layers: list[dict[str, Any]]) -> str:
    text, problems = archon_program(text_of(*layers))
    assert text is not None, problems
    source = Source("made.tts", text)
    assert [str(one) for one in check(source).diagnostics] == []
    assert format_source(source).text == text
    return text


def errors(*layers: list[dict[str, Any]]) -> list[str]:
    text, problems = archon_program(text_of(*layers))
    assert text is None
    return [str(one) for one in problems if one.error]


def warnings(*layers: list[dict[str, Any]]) -> list[str]:
    text, problems = archon_program(text_of(*layers))
    assert text is not None
    return [str(one) for one in problems]


def calls(text: str, replies: list[str]) -> tuple[str, int]:
    """What the program answers on scripted models, and how many calls it made."""
    flow = graphdsl.load(text).flow("main")
    listed = ",".join("replies=" + one.replace(",", "\\,") for one in replies)
    named = {spec.name: f"simulated:,{listed}" for spec in flow.graph.models}
    result = flow.with_models(named).run_sync({"question": "What is 3 + 4?"})
    return str(result.value.text), result.usage.calls


GENERATORS = [part("generator", samples=2), part("generator", "other/x-1")]


def test_all_seven_components_make_a_program_that_runs() -> None:
    text = program(
        GENERATORS,
        [part("critic")],
        [part("ranker", top_k=2, use_critiques=True)],
        [part("fuser"), part("fuser", "other/x-1", samples=2)],
        [part("unit_test_generator", unit_test_cap=2)],
        [part("unit_test_evaluator", top_k=2, remove_unit_tests_from_prompt=True)],
        [part("verifier", first_k=1)],
        [part("fuser", length_control=True)],
    )
    value, made = calls(text, ["Answer: 7 [Correct]\nTest 1: [Passed]\nTest 2: [Passed]"])
    assert "Answer: 7" in value
    critics = 11
    assert made <= 3 + critics + 1 + 3 + 1 + 3 + 2 + 1


def test_candidates_are_ranked_and_the_first_is_the_answer() -> None:
    text = program([part("generator", samples=2)], [part("ranker", top_k=1)])
    assert calls(text, ["[2] > [1]", "Answer: 7"]) == ("Answer: 7", 3)


def test_one_model_with_two_temperatures_is_declared_twice() -> None:
    text = program([part("generator"), part("generator", temperature=1.0)], [part("fuser")])
    assert text.count("model gpt_4o_model") == 2
    assert text.count("temperature = 1\n") + text.count("temperature = 1.0\n") == 1


def test_critiques_reach_the_fuser_but_not_beyond_a_ranker() -> None:
    assert "using: critiques_2" in program(GENERATORS, [part("critic")], [part("fuser")])
    layers = (
        GENERATORS,
        [part("critic")],
        [part("ranker", top_k=2, use_critiques=True)],
        [part("fuser")],
    )
    assert program(*layers).count("using: critiques_2") == 1
    assert any("critiques are not carried beyond this layer" in one for one in warnings(*layers))


def test_tests_stay_in_the_question_unless_they_are_removed() -> None:
    def layers(removed: bool) -> tuple[list[dict[str, Any]], ...]:
        judge = part("unit_test_evaluator", remove_unit_tests_from_prompt=removed)
        return (GENERATORS, [part("unit_test_generator")], [judge], [part("fuser")])

    assert "question: asked_3)]" in program(*layers(removed=False))
    assert "question: question)]" in program(*layers(removed=True))


def test_several_final_candidates_are_a_warning() -> None:
    assert any("3 candidates are left" in one for one in warnings(GENERATORS))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([[part("fuser")]], "layer 1 (`fuser`): the first layer has no candidates"),
        ([[part("ranker", top_k=1)], [part("fuser")]], "layer 1 (`ranker`): the first layer"),
        ([GENERATORS, [part("generator")]], "layer 2 (`generator`): a generator ignores"),
        (
            [GENERATORS, [part("ranker", top_k=1), part("fuser")]],
            "layer 2 (`ranker`, `fuser`): components of several types",
        ),
        ([GENERATORS, [part("critic"), part("critic")], [part("fuser")]], "several of type"),
        ([GENERATORS, [part("critic")]], "layer 2 (`critic`): nothing reads"),
        ([GENERATORS, [part("critic")], [part("verifier")]], "layer 2 (`critic`): nothing reads"),
        ([GENERATORS, [part("unit_test_generator")], [part("fuser")]], "are not evaluated"),
        (
            [GENERATORS, [part("unit_test_evaluator", remove_unit_tests_from_prompt=True)]],
            "layer 2 (`unit_test_evaluator`): no tests are written in the layer before",
        ),
    ],
)
def test_a_broken_placement_rule_names_the_layer(
    layers: list[list[dict[str, Any]]], said: str
) -> None:
    assert any(said in one for one in errors(*layers))


@pytest.mark.parametrize(
    ("component", "said"),
    [
        (part("fuser", length_contorl=True), "no key `length_contorl`; did you mean `length_"),
        (part("fusser"), "no type `fusser`; did you mean `fuser`?"),
        (
            part("fuser", model_type="OpenAI_AP"),
            "no model_type `OpenAI_AP`; did you mean `OpenAI_API`?",
        ),
        (part("fuser", "two words"), "no model `two words`"),
        (part("ranker", "llm-blender/PairRM", top_k=1), "PairRM runs on weights of its own"),
        (part("fuser", samples=0), "`samples` is 0; write a whole number from 1 on"),
        (part("fuser", samples=True), "`samples` is True"),
        (part("fuser", temperature="hot"), "`temperature` is 'hot'"),
        (part("fuser", length_control=1), "`length_control` is 1; write `true` or `false`"),
    ],
)
def test_a_wrong_key_or_value_names_the_component(component: dict[str, Any], said: str) -> None:
    assert any(
        said in one and "layer 2, component 1" in one
        for one in errors([part("generator")], [component])
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ('{"name": "x"}', "no layers"),
        ('{"layers": []}', "no layers"),
        ('{"layers": [[]]}', "no list of components"),
        ('{"layers": [["generator"]]}', "no JSON object"),
        ('{"layers": [{"branches": 1, "models": []}]}', "an older form of Archon's"),
        ('{"layer": []}', "did you mean `layers`?"),
    ],
)
def test_what_is_no_configuration_is_said_so(text: str, said: str) -> None:
    made, problems = archon_program(text)
    assert made is None
    assert any(said in str(one) for one in problems)


def test_custom_components_are_refused() -> None:
    made, problems = archon_program(text_of(GENERATORS, custom=True))
    assert made is None
    assert "custom components" in str(problems[0])
