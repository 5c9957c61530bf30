"""Numbers that reach an operator through parameters of flows are held to what it takes."""

from __future__ import annotations

import pytest

from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source

HEAD = """edition "2026"
import "std/voting.tts" as voting
model w { backend = simulated }
flow mine(question: Text, n: Number = 4, t: Number = 0.5) -> Answer {
  d = generate(question, models: w, samples: n, temperature: t)
  return vote(d, by: number)
}
flow twice(question: Text, many: Number = 4) -> Answer {
  return mine(question: question, n: many)
}
"""


def problems(body: str, params: str = "") -> list[str]:
    text = f"{HEAD}flow main(question: Text{params}) -> Answer {{\n  a = {body}\n  return a\n}}\n"
    found = check(Source("<text>", text), None).diagnostics
    return [one.message for one in found if one.is_error]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("mine(question: question, n: 0)", "`n` of flow `mine` must be from 1 to 100_000, found 0"),
        ("mine(question: question, n: -3)", "found -3"),
        ("mine(question: question, n: 2.5)", "must be a whole number, found 2.5"),
        ("mine(question: question, t: 99)", "`t` of flow `mine` must be from 0 to 5, found 99"),
        ("mine(question: question, n: 4 in [0, 4])", "found 0"),
        ("mine(question: question, n: 4 in 0..8)", "found 0"),
        ("twice(question: question, many: 0)", "`many` of flow `twice` must be from 1"),
        ("voting.self_consistency(question: question, models: w, n: 0)", "`n` of flow"),
        ("voting.beta_self_consistency(question: question, models: w, level: 5)", "0.5 to"),
    ],
)
def test_a_number_given_to_a_flow_must_fit_where_the_flow_uses_it(call: str, said: str) -> None:
    (message,) = problems(call)
    assert said in message


@pytest.mark.parametrize("default", ["0", "4 in [0, 4]", "4 in 0..8", "0.5"])
def test_a_default_must_fit_too(default: str) -> None:
    found = problems("mine(question: question, n: k)", f", k: Number = {default}")
    assert any("`k` of flow `main` must be" in message for message in found)


def test_what_fits_passes() -> None:
    assert problems("mine(question: question, n: k, t: 0)", ", k: Number = 4 in 1..8") == []
