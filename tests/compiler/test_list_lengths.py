"""How long lists can be bounds the calls of operators that look at each of them."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, reject, settings

from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.counting import Counter
from graphdsl.compiler.graph_shapes import returned
from graphdsl.compiler.list_shapes import NOTHING, SINGLE, UNKNOWN, either, listing, record
from graphdsl.compiler.lower import lower
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.program import Module
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.nodes import Graph, walk
from tests.compiler.test_same_answers import answers, in_process
from tests.programs import programs

HEAD = """edition "2026"
model warm { backend = simulated  temperature = 0.9 }
model cold { backend = simulated  temperature = 0 }
pool both = [warm, cold]
flow draw(q: Text, models: Models = both, n: Number = 2 in [2, 3]) -> List[Draft] {
  return generate(q, models: models, samples: n)
}
flow rate(d: List[Draft], how: Scorer = verdict) -> List[Draft] {
  return score(d, method: how, by: warm)
}
"""
GROW = "carrying x: List[Draft] = [] { d = draw(q) next x = append(x, first(d)) "


def module_of(body: str, params: str = "q: Text") -> Module:
    text = f"{HEAD}flow main({params}) -> List[Draft] {{ {body} }}\n"
    checked = check(Source("x.tts", text))
    assert checked.module is not None, checked.diagnostics
    assert [problem for problem in checked.diagnostics if problem.is_error] == []
    return checked.module


def graph_of(body: str, params: str = "q: Text") -> Graph:
    return specialise(lower(module_of(body, params), "main"), {})


def both_counts(module: Module) -> tuple[int, int | None]:
    counted = Counter().flow(module, module.flows["main"]).high
    return counted, cost(specialise(lower(module, "main"), {})).calls.high


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("return score(draw(q), method: verdict, by: warm)", 3 + 3),
        ("return rate(draw(q))", 3 + 3),
        ("return rate(draw(q), how: likelihood)", 3),
        ("return score(draw(q), method: full, by: warm, repeats: 2)", 3 + 12),
        ("return score(draw(q), method: verdict, by: warm, up_to: 2)", 3 + 2),
        ("return continue(draw(q), by: warm, samples: 2)", 3 + 6),
        ("return continue(first(draw(q)), by: warm, samples: 2)", 3 + 2),
        ("return rate(continue(draw(q), by: warm, samples: 2))", 3 + 6 + 6),
        ("return continue(concat(draw(q), take(draw(q), 1)), by: cold, samples: 2)", 6 + 4),
        ("s = select(draw(q), method: top, keep: 2) return rate(concat(s, select(s)))", 3 + 3),
        ("return rate(race(draw(q), take: 2))", 3 + 2),
        ("return rate(rank(draw(q), by: warm, keep: 2))", 3 + 1 + 2),
        ("return rate(shortest(complete(draw(q)), keep: 1))", 3 + 1),
        ("return rate(conformal(drop(reverse(draw(q)), 1), level: 0.1))", 3 + 2),
        ("d = draw(q) v = unit_tests(d, tests: q) return rate(scored(d, v))", 3 + 3),
        ("return rate(flatten(group(draw(q), by: text)))", 3 + 9),
        ("a = each x in group(draw(q)) up to 9 { yield first(x) } return rate(a)", 3 + 3),
        ("a = each d in draw(q) up to 2 { yield first(rate([d])) } return rate(a)", 3 + 2 + 2),
        ("a = if q == q { yield draw(q) } else { yield rate(draw(q)) } return rate(a)", 6 + 3),
        ("a = choice b { a: rate(draw(q)), b: draw(q) } return rate(a)", 3 + 3),
        ("optional a = draw(q) else take(draw(q), 1) return rate(a)", 6 + 3),
        ("r = { a: draw(q), n: 2 } return rate(r.a)", 3 + 3),
        ("within [calls(50)] { a = draw(q) } return rate(a)", 3 + 3),
        ("t = tree_search(q, models: warm, policy: beam, width: 2, depth: 3, "
         "method: likelihood) return rate(t)", 6 + 6),
        (f"repeat 3 {GROW} }} return rate(x)", 9 + 3),
        (f"repeat 3 {GROW} s = rate(x) }} return concat(s, x)", 9 + 3 * 2),
        (f"repeat 100 {GROW} }} return rate(x)", 300 + 64),
        ("repeat 100 carrying x: List[Draft] = [] { d = draw(q) next x = concat(take(x, 2), "
         "take(d, 1)) } return rate(x)", 300 + 3),
        ("fold d in draw(q) up to 2 carrying x: List[Draft] = [] { next x = append(x, d) } "
         "return rate(x)", 3 + 2),
        ("tune how = likelihood in [verdict, likelihood] return rate(draw(q), how: how)", 3),
    ],
)  # fmt: skip
def test_tree_and_graph_count_by_the_length_of_the_list(body: str, calls: int) -> None:
    assert both_counts(module_of(body)) == (calls, calls)


def test_the_operator_is_told_the_length_that_was_counted() -> None:
    graph = optimise(graph_of("return score(draw(q), method: verdict, by: warm)"))
    (node,) = (node for node in walk(graph.body) if node.op == "score")
    assert node.attr("most") == 3


def test_a_list_of_unknown_length_counts_as_many_as_are_looked_at() -> None:
    body = "return score(d, method: verdict, by: warm)"
    module = module_of(body, "d: List[Draft]")
    assert both_counts(module) == (64, 64)
    (node,) = (node for node in walk(graph_of(body, "d: List[Draft]").body) if node.op == "score")
    assert node.attr("most") is None


def test_the_largest_point_of_a_space_has_the_dearest_word() -> None:
    module = module_of("return score(draw(q), method: length in [length, full, judge], by: warm)")
    flow = module.flows["main"]
    assert Counter().flow(module, flow).high == 3
    assert Counter(largest=True).flow(module, flow).high == (3 + 3) + 6 * 5


def test_loops_in_loops_that_grow_lists_are_counted_in_time() -> None:
    body = "x = draw(q) "
    for depth in range(6):
        body += f"repeat 60 carrying x{depth}: List[Draft] = [] {{ "
        body += f"next x{depth} = append(x{depth}, first(x)) "
    body += "y = rate(x5) " + "} " * 6 + "return y"
    checked = check(Source("x.tts", f"{HEAD}flow main(q: Text) -> List[Draft] {{ {body} }}\n"))
    assert "GD0510" in [problem.code for problem in checked.diagnostics]


def test_the_arithmetic_is_shown() -> None:
    found = cost(graph_of("return continue(draw(q), by: warm, samples: 2)"))
    assert found.rows[-1].formula == "3 drafts × 2 samples"


@settings(max_examples=15, deadline=None)
@given(programs())
def test_no_run_gives_a_longer_list_than_was_counted(text: str) -> None:
    checked = check(Source("x.tts", text))
    assert checked.module is not None
    graph = in_process(specialise(lower(checked.module, "main"), {}))
    most = returned(graph).most
    if most is None:
        reject()
    ((output, _),) = asyncio.run(answers(graph))
    assert len(output) <= most


def test_shapes_join_to_what_both_can_be() -> None:
    two, three = listing(2, SINGLE), listing(3, SINGLE)
    assert either(two, three) == three
    assert either(two, UNKNOWN) == UNKNOWN
    assert either(NOTHING, two) == either(two, NOTHING) == two
    assert either(SINGLE, two) == UNKNOWN
    assert either(record({"a": two, "b": two}), record({"a": three})) == record({"a": three})
    assert (SINGLE.drafts, two.drafts, UNKNOWN.drafts) == (1, 2, None)
