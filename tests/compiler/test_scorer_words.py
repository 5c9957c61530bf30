"""`Scorer` parameters of flows: any word of any operator, checked where it is used."""

from __future__ import annotations

import pytest

from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.nodes import walk

PROGRAM = """edition "2026"
model tiny {{ backend = simulated }}
flow rate(d: List[Draft], how: Scorer = judge in [judge, verdict]) -> List[Draft] {{
  return score(d, method: how, by: tiny)
}}
flow elect(d: List[Draft], by: Scorer, weights: Scorer = one) -> Draft {{
  same = by
  return vote(d, by: same, weights: weights)
}}
flow twice(d: List[Draft], by: Scorer = number) -> Draft {{
  return elect(d, by: by)
}}
flow find(q: Text, policy: Scorer = beam) -> List[Draft] {{
  return tree_search(q, models: tiny, by: tiny, policy: policy)
}}
flow main(q: Text) -> Draft {{
  d = generate(q, models: tiny, samples: 3)
  {0}
}}
"""


def found(body: str) -> list[tuple[str, str]]:
    checked = check(Source("x.tts", PROGRAM.format(body)))
    return [(one.code, one.message) for one in checked.diagnostics if one.is_error]


@pytest.mark.parametrize(
    "body",
    [
        "return best(rate(d))",
        "return best(rate(d, how: likelihood))",
        "return best(rate(d, how: verdict in [verdict, length]))",
        "return elect(d, by: maths, weights: normalised)",
        "return elect(d, by: choice)",
        "return twice(d, by: text in [text, number])",
        "return best(find(q, policy: dvts))",
        "tune how = length in [length, judge] return best(rate(d, how: how))",
    ],
)
def test_every_word_that_its_use_takes_may_be_given(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return best(rate(d, how: jugde))", "`how` of flow `rate` cannot be `jugde`"),
        ("return best(rate(d, how: number))", "`how` of flow `rate` cannot be `number`"),
        ("return twice(d, by: judge)", "`by` of flow `twice` cannot be `judge`"),
        (
            "return elect(d, by: text in [text, weibull])",
            "`by` of flow `elect` cannot be `weibull`",
        ),
        (
            "tune how = text in [text, judge] return elect(d, by: how)",
            "`by` of flow `elect` cannot be `judge`",
        ),
    ],
)
def test_a_word_that_its_use_does_not_take_is_reported_at_the_call(body: str, message: str) -> None:
    assert found(body) == [("GD0306", message)]


def test_a_misspelt_word_is_corrected() -> None:
    checked = check(Source("x.tts", PROGRAM.format("return best(rate(d, how: jugde))")))
    (problem,) = checked.diagnostics
    assert [help.text for help in problem.helps] == ["did you mean `judge`?"]


def test_a_default_that_the_flow_cannot_use_is_reported_in_the_flow() -> None:
    text = """edition "2026"
flow elect(d: List[Draft], by: Scorer = judge) -> Draft { return vote(d, by: by) }
"""
    (problem,) = check(Source("x.tts", text)).diagnostics
    assert problem.message == "`by` of `vote` cannot be `judge`"


def test_a_hole_over_words_is_pinned_like_any_other() -> None:
    module = check(Source("x.tts", PROGRAM.format("return best(rate(d))"))).module
    assert module is not None
    graph = lower(module, "main")
    (hole,) = graph.holes
    for word in ("judge", "verdict"):
        closed = specialise(graph, {hole.address: word})
        (node,) = (node for node in walk(closed.body) if node.op == "score")
        assert node.attr("method") == word
