"""The pass `quorum`: where it attaches a stop rule, and where somebody would notice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from graphdsl.compiler.bounds import Bounds
from graphdsl.compiler.check import check
from graphdsl.compiler.cost import cost
from graphdsl.compiler.lower import lower
from graphdsl.compiler.passes.quorum import Quorum
from graphdsl.compiler.pipeline import optimise
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.ir.canonical import graph_hash
from graphdsl.ir.nodes import Graph, walk
from graphdsl.ir.parse_text import parse_graph
from graphdsl.ir.spec import verify
from graphdsl.ir.text import print_graph
from graphdsl.ops.registry import OPERATORS
from tests.graphs import graphs

HEAD = """edition "2026"
model m { backend = simulated }
memory notes {}
prompt plain(d: Draft) "{{ d }} {{ d.answer }}"
prompt nosy(d: Draft) "{{ d.confidence }}"
"""


def compiled(body: str, result: str = "Text") -> Graph:
    """The graph of a flow that has drawn nine `drafts`, before the passes."""
    lines = "  drafts = generate(q, models: m, samples: 9)\n" + body
    checked = check(Source("x.tts", f"{HEAD}flow main(q: Text) -> {result} {{\n{lines}\n}}\n"))
    assert checked.module is not None, checked.diagnostics
    return specialise(lower(checked.module, "main"), {})


def rules(body: str, result: str = "Text") -> dict[str, object]:
    """The rules that are attached, by the name of the list."""
    graph = optimise(compiled(body, result))
    found = {node.id.removeprefix("main."): node.attr("until") for node in walk(graph.body)}
    lists = ("generate", "each")
    kept = {node.id.removeprefix("main.") for node in walk(graph.body) if node.op in lists}
    return {name: until for name, until in found.items() if name in kept and until is not None}


VOTE = {"drafts": ("vote", "number", 1)}


@pytest.mark.parametrize(
    "body",
    [
        "return vote(drafts, by: number)",
        "v = vote(drafts, by: number) return v.text",
        "v = vote(drafts, by: number) return first(generate(plain(d: v), models: m))",
        "v = vote(drafts, by: number) f = first(generate(q, models: m)) "
        "return revise(f, using: v, by: m)",
        "v = vote(complete(drafts), by: number) return fuse([v], by: m)",
        "v = vote(drafts, by: number) a = v.answer return a.text",
        'v = vote(drafts, by: number) w = if v.tie { yield "" } else { yield v.text } return w',
        "within [calls(50)] { v = vote(drafts, by: number) } return v.text",
        "repeat 2 { v = vote(drafts, by: number) t = v.text } return t",
        "v = vote(drafts, by: number) n = remember(notes, text: v.text) return n",
    ],
)
def test_a_vote_of_which_only_the_answer_is_seen_stops_early(body: str) -> None:
    assert rules(body) == VOTE


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("return vote(drafts, by: number)", "Draft"),
        ("return vote(drafts, by: number)", "Answer"),
        ("v = vote(drafts, by: number) return v.answer", "Answer"),
        ("v = vote(drafts, by: number) return v.confidence", "Number"),
        ("v = vote(drafts, by: number) return extract(v, by: number)", "Answer"),
        ("v = vote(drafts, by: number) return { a: v.text, b: v }", "{ a: Text, b: Draft }"),
        ("v = vote(drafts, by: number) c = verify(v, by: m) return c.answer", "Answer"),
        ("v = vote(drafts, by: number) return revise(v, by: m)", "Draft"),
        ("v = vote(drafts, by: number) return first(rank([v, v], by: m))", "Draft"),
        ("v = vote(drafts, by: number) return generate(nosy(d: v), models: m)", "List[Draft]"),
        ("v = vote(drafts, by: number) return concat([v], generate(q, models: m))", "List[Draft]"),
        (
            "s = first(generate(q, models: m)) "
            "repeat 2 carrying d: Draft = s { v = vote(drafts, by: number) next d = v } return d",
            "Draft",
        ),
        ("v = vote(drafts, by: number) return join([v.text, join(texts(drafts))])", "Text"),
        ("return vote(concat(drafts, generate(q, models: m)), by: number)", "Text"),
    ],
)
def test_a_vote_whose_confidence_may_be_seen_is_left_alone(body: str, result: str) -> None:
    assert "drafts" not in rules(body, result)


@pytest.mark.parametrize(
    ("stop", "until"),
    [
        ("stop: decided", ("vote", "number", 1)),
        ("stop: decided, min_success: 3", ("vote", "number", 3)),
        ("stop: posterior", ("posterior", "number", 1, 0.95)),
        ("stop: posterior, level: 0.8", ("posterior", "number", 1, 0.8)),
    ],
)
def test_a_rule_that_is_asked_for_is_attached_where_confidence_shows(
    stop: str, until: object
) -> None:
    assert rules(f"return vote(drafts, by: number, {stop})", "Draft") == {"drafts": until}


def test_a_rule_that_counts_what_complete_leaves_is_not_attached() -> None:
    assert rules("return vote(complete(drafts), by: number, stop: decided)", "Draft") == {}


EACH = "v = each d in drafts up to 9 { c = verify(d, by: m) yield c }\n"


@pytest.mark.parametrize(
    ("body", "until"),
    [
        ("return first(passing(drafts, v))", ("passed", 1)),
        ("return vote(take(passing(drafts, v), 2))", ("passed", 2)),
        ("return vote(passing(drafts, v, enough: 2))", ("any_passed", 2)),
        ("return best(scored(drafts, v), stop: decided)", ("perfect", 1)),
    ],
)
def test_judging_stops_when_enough_have_passed(body: str, until: object) -> None:
    assert rules(EACH + body) == {"v": until}


@pytest.mark.parametrize(
    "body",
    [
        "return vote(passing(drafts, v))",
        "return best(scored(drafts, v))",
        "return first(scored(drafts, v))",
        "p = passing(drafts, v) return join([first(p), join(texts(p))])",
        "return join([first(passing(drafts, v)), join(texts(v))])",
    ],
)
def test_judging_goes_on_where_all_verdicts_count(body: str) -> None:
    assert rules(EACH + body) == {}


@pytest.mark.parametrize("enough", ["", ", enough: 1"])
@pytest.mark.parametrize(
    "effect",
    [
        "_n = remember(notes, text: c.reason)",
        'repeat 2 { _n = if c.passed { yield remember(notes, text: "a") } else { yield "b" } }',
    ],
)
def test_an_each_with_an_effect_is_not_cut_short(effect: str, enough: str) -> None:
    body = EACH.replace("yield", f"{effect} yield")
    assert rules(body + f"return first(passing(drafts, v{enough}))") == {}


def test_what_is_taken_or_first_needs_no_more_samples() -> None:
    assert rules("return first(drafts)") == {"drafts": ("items", 1)}
    assert rules("return vote(take(complete(drafts), 4))") == {"drafts": ("complete", 4)}
    two = "return join([first(complete(drafts)), join(texts(take(drafts, 2)))])"
    assert rules(two) == {}


def test_a_rule_that_needs_all_the_items_is_none() -> None:
    assert rules("return join([first(generate(q, models: m)), vote(take(drafts, 9))])") == {}


def test_drafts_that_end_by_themselves_have_no_second_rule() -> None:
    body = "return vote(generate(q, models: m, samples: 9, enough: 2), by: number)"
    assert rules(body) == {}


def test_the_text_of_a_graph_with_rules_parses_back_and_its_identity_is_the_same() -> None:
    before = compiled(EACH + "return first(passing(drafts, v))")
    after = optimise(before)
    assert print_graph(parse_graph(print_graph(after))) == print_graph(after)
    assert print_graph(after).count("until: ") == 1
    assert graph_hash(after, OPERATORS) == graph_hash(before, OPERATORS)


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_rules_keep_every_graph_valid_and_are_found_once(graph: Graph) -> None:
    once = Quorum()(graph)
    verify(once, "closed" if once.closed else "open", OPERATORS)
    assert Quorum()(once) == once
    assert graph_hash(once, OPERATORS) == graph_hash(graph, OPERATORS)


def test_fewer_calls_are_certain_where_a_rule_may_stop_them() -> None:
    graph = compiled("return vote(drafts, by: number)")
    assert cost(graph).calls == Bounds(9, 9)
    assert cost(optimise(graph)).calls == Bounds(5, 9)
    first = compiled("return vote(generate(q, models: m, samples: 16, enough: 4), by: number)")
    assert cost(optimise(first)).calls == Bounds(4, 16)
