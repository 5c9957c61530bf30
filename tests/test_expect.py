"""`expect` of a test: conditions over the result, which may use operators that ask nobody."""

from __future__ import annotations

import pytest

import graphdsl
from graphdsl.api.testing import cases
from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.ops.kernels import PURE
from graphdsl.ops.registry import OPERATORS

TEXT = """edition "2026"

model sim {{ backend = simulated }}
memory notes {{}}

flow main(q: Text) -> List[Draft] {{
  remember(notes, q)
  return generate(q, models: sim, samples: 3)
}}

test "t" {{
  flow    = main
  given   = {{ q: "x" }}
  replies = ["It is 4.", "Answer: 4", "Answer: 5"]
  expect  = {expect}
}}
""".replace("  remember(notes, q)\n", "  _kept = remember(notes, q)\n")


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        ("count(answer) == 3", True),
        ("count(take(answer, 2)) == 3", False),
        ('contains(join(texts(answer)), "ANSWER: 5")', True),
        ('contains(part: "six", text: first(answer))', False),
        ("extract(last(answer), by: number) == 5 and calls == 3", True),
        ('join(texts(take(answer, 2)), separator: "; ") == "It is 4.; Answer: 4"', True),
        ("count(concat(answer, [first(answer)], answer)) == 7", True),
        ("not count(append(answer, first(answer))) == 4", False),
        ("extract(vote(answer, by: number), by: number) == 4", True),
    ],
)
def test_operators_that_ask_nobody_look_at_the_answer(expect: str, holds: bool) -> None:
    (case,) = cases(graphdsl.load(TEXT.format(expect=expect)))
    assert case.holds(case.start().result()) is holds


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ("count(generate(first(answer), models: sim)) == 1", "GD0906"),
        ('count(recall(notes, "x")) == 0', "GD0906"),
        ("count(main(q: answer)) == 1", "GD0906"),
        ("cuont(answer) == 1", "GD0207"),
        ("count(answer)", "GD0906"),
        ("count(calls) == 1", "GD0301"),
        ("count(take(answer, 2 in [1, 2])) == 2", "GD0403"),
    ],
)
def test_a_wrong_expectation_has_one_report(expect: str, code: str) -> None:
    checked = check(Source("x.tts", TEXT.format(expect=expect)))
    assert [found.code for found in checked.diagnostics] == [code]


def test_pure_operators_are_those_with_a_pure_kernel() -> None:
    assert {name for name, operator in OPERATORS.items() if operator.pure} == set(PURE)
