"""Capabilities: every model that a call can use must be able to do what the call asks for."""

from __future__ import annotations

import pytest

from graphdsl.compiler.check import check
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.executors.abc import Capabilities
from graphdsl.ir.backends import BACKENDS, CAPABILITIES
from graphdsl.ops.registry import OPERATORS

HEAD = """edition "2026"

model able { backend = simulated }
model weak { backend = simulated  lacks = ["stop_strings", "seeds", "prefix_continuation"] }
pool both = [able, weak]

prompt plain(q: Text) "{{ q }}"
prompt lead(q: Text) {
  user "{{ q }}"
  assistant "Sure:"
}
prompt judge(question: Text, candidate: Text) {
  user "{{ question }} {{ candidate }}"
  assistant "I think"
}

flow draw(q: Text, with: Prompt = plain, models: Models = able) -> List[Draft] {
  return generate(with(q: q), models: models)
}

flow seeded(q: Text, by: Model) -> List[Draft] {
  tune one = by in [by, able]
  return generate(q, models: one, seed: 1)
}

flow above(q: Text, by: Model) -> List[Draft] {
  return seeded(q: q, by: by)
}

flow either(q: Text, method: Flow, by: Models) -> List[Draft] {
  return method(q: q, models: by)
}

"""


def errors(body: str) -> list[Diagnostic]:
    text = f"{HEAD}flow main(q: Text) -> List[Draft] {{\n{body}\n}}\n"
    return [found for found in check(Source("x.tts", text)).diagnostics if found.is_error]


@pytest.mark.parametrize(
    "value",
    [
        'generate(q, models: weak, stop: "x")',
        'generate(q, models: both, stop: ["x", "y"])',
        "generate(q, models: able in both, seed: 1)",
        "generate(q, models: able in [able, both], seed: 1 in [1, 2])",
        "generate(lead(q: q), models: [able, weak])",
        "draw(q: q, with: lead, models: weak)",
        "draw(q: q, with: plain in [plain, lead], models: both)",
        "seeded(q: q, by: weak)",
        "above(q: q, by: able in [able, weak])",
        "[first(generate(q, models: weak, seed: 1))]",
        "[collaborate(lead(q: q), nodes: 2, roles: assistant, models: both)]",
    ],
)
def test_a_model_that_lacks_it_is_reported_once_and_shown(value: str) -> None:
    (found,) = errors(f"return {value}")
    assert found.code == "GD0610"
    text = HEAD[found.secondary[0].span.start :]
    assert text.startswith("weak {")
    assert "`able`" in found.helps[0].text


@pytest.mark.parametrize(
    "value",
    [
        'generate(q, models: able, stop: "x", seed: 3)',
        "generate(plain(q: q), models: both)",
        "generate(lead(q: q), models: able)",
        "draw(q: q, with: lead)",
        "draw(q: q, models: weak)",
        "above(q: q, by: able)",
        "either(q: q, method: draw, by: both)",
    ],
)
def test_models_that_can_do_it_are_not_reported(value: str) -> None:
    assert errors(f"return {value}") == []


def test_turns_are_followed_through_names_and_branches() -> None:
    body = """  tune use = both in [able, both]
      a = choice { a: plain(q: q), b: { x = "y" yield lead(q: x) } }
      b = if q == "1" { yield plain(q: q) } else { yield a }
      return generate(b, models: use)"""
    (found,) = errors(body)
    assert found.message.startswith("the last turn of prompt `lead` needs `prefix_continuation`")


def test_a_role_prompt_may_not_end_with_a_turn_that_its_model_cannot_continue() -> None:
    body = """  d = generate(q, models: able)
      return passing(d, [verify(first(d), by: weak, prompt: judge)])"""
    (found,) = errors(body)
    assert found.code == "GD0610"


def test_a_flow_that_a_parameter_stands_for_is_held_to_it_too() -> None:
    text = HEAD.replace("with: Prompt = plain", "with: Prompt = lead")
    text += "flow main(q: Text) -> List[Draft] {\n return either(q: q, method: draw, by: weak)\n}\n"
    (found,) = [item for item in check(Source("x.tts", text)).diagnostics if item.is_error]
    assert found.code == "GD0610"
    assert found.message.startswith("`by` of flow `either`")


def test_a_default_that_lacks_it_is_reported_where_the_flow_asks_for_it() -> None:
    text = (
        HEAD
        + """flow main(q: Text, models: Models = weak) -> List[Draft] {
      return generate(q, models: models, seed: 1)
    }
    flow other(q: Text) -> List[Draft] {
      a = main(q: q)
      b = main(q: q, models: able)
      return concat(a, b)
    }"""
    )
    (found,) = check(Source("x.tts", text)).diagnostics
    assert (found.code, text[found.primary.span.start :][:1]) == ("GD0610", "1")


def test_a_default_is_reported_at_the_call_whose_prompt_asks_for_more() -> None:
    text = HEAD.replace("models: Models = able", "models: Models = weak")
    text += "flow main(q: Text) -> List[Draft] {\n return draw(q: q, with: lead)\n}\n"
    (found,) = check(Source("x.tts", text)).diagnostics
    assert (found.code, text[found.primary.span.start :][:4]) == ("GD0610", "draw")


def test_an_option_of_the_model_itself_needs_the_capability() -> None:
    text = HEAD.replace('"prefix_continuation"]', '"prefix_continuation"]  stop = ["x"]')
    codes = [found.code for found in check(Source("x.tts", text)).diagnostics if found.is_error]
    assert codes == ["GD0610"]


def test_every_capability_that_is_declared_or_needed_is_known() -> None:
    names = set(CAPABILITIES)
    assert names <= set(Capabilities.__dataclass_fields__)
    assert all(kind.capabilities <= names for kind in BACKENDS.values())
    needs = {param.needs for operator in OPERATORS.values() for param in operator.params}
    needs |= {option.needs for kind in BACKENDS.values() for option in kind.options}
    assert needs - {None} <= names
