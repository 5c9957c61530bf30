"""The specification of valid IR: valid graphs pass, each rule catches its breach by name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from graphdsl.errors import PlanError
from graphdsl.ir.nodes import Graph
from graphdsl.ir.parse_text import parse_graph
from graphdsl.ir.prune import prune
from graphdsl.ir.spec import RULES, verify
from graphdsl.ir.subject import Stage
from graphdsl.ops.registry import OPERATORS
from tests.graphs import graphs

HEAD = """
  model @m = simulated "" {}
  prompt @p(q) { user "{{ q }}" }
  hole "h" = 2 in [1, 2]
"""


def flow(nodes: str, result: str = "%x", kind: str = "Text", head: str = "") -> Graph:
    """A graph from the text of its nodes."""
    body = f"body(%f.q: Text) {{ {nodes} => return: {result} }}"
    return parse_graph(f"graph f(q: Text) -> {kind} {{ {head or HEAD} {body} }}")


def breach(graph: Graph, stage: Stage = "open", after: str = "") -> str:
    """The message for an invalid graph."""
    with pytest.raises(PlanError) as caught:
        verify(graph, stage, OPERATORS, after)
    return str(caught.value)


LOOP = (
    "%l: {{ d: Text, c: Text }} = repeat(c: %f.q) {{rounds: 2{attrs}}} "
    "body(%p: {param}) {{ {body} }}"
)


def loop(
    results: str = "=> next.c: %p, d: %p", attrs: str = "", param: str = "Text", body: str = ""
) -> str:
    """The text of a `repeat`."""
    return LOOP.format(attrs=attrs, param=param, body=f"{body} {results}")


BROKEN = [
    ("unique-ids", "%f.q: Text = absent()"),
    ("visible", "%x: List[Text] = list(0: %later)"),
    ("visible", "%x: List[Text] = list(0: %x)"),
    ("visible", loop() + "%x: List[Text] = list(0: %p)"),
    ("visible", "%x: Text = if(condition: %f.q) then() { => yield: %y } else() { => yield: %f.q }"),
    ("known-op", "%x: Text = nonsense()"),
    ("symbols", "%x: List[Draft] = generate(prompt: %f.q) {models: [@other]}"),
    ("symbols", "%x: Messages = render(q: %f.q) {prompt: prompt @m}"),
    ("hole-refs", '%x: Number = const() {value: ?"other"}'),
    ("shape", "%x: Text = const()"),
    ("shape", '%x: Text = const(of: %f.q) {value: ""}'),
    ("shape", '%x: Text = const() {value: "", size: 1}'),
    ("shape", "%x: List[Text] = list(1: %f.q)"),
    ("shape", "%x: Bool = compare(left: %f.q) {op: 1}"),
    ("shape", "%x: Bool = not(of: %f.q, of: %f.q)"),
    ("shape", '%x: Number = convert(of: %f.q) {to: "Number"}'),
    ("shape", '%x: Text = convert(of: %f.q) {to: "List[Text"}'),
    ("edge-types", '%x: List[Text] = convert(of: %f.q) {to: "List[Text]"}'),
    ("node-types", '%x: Answer = convert(of: %f.q) {to: "Messages"}'),
    ("shape", '%x: Text = if(condition: %f.q) then() { => yield: %f.q }'),
    ("shape", '%x: Text = choice() {hole: "h"} a() { => yield: %f.q }'),
    ("shape", loop("=> d: %p")),
    ("shape", loop("=> next.c: %p, e: %p")),
    ("shape", loop("=> next.c: %p", attrs=", until: true")),
    ("shape", loop("=> next.c: %p, d: %p", attrs=', keep: "best"')),
    ("shape", LOOP.replace("2", "0").format(attrs="", param="Text", body="=> next.c: %p, d: %p")),
    ("render-inputs", "%x: Messages = render(q: %f.q) {prompt: @m}"),
    ("render-inputs", "%x: Messages = render(q: %f.q, more: %f.q) {prompt: prompt @p}"),
    ("render-inputs", "%x: Messages = render() {prompt: prompt @p}"),
    ("edge-types", "%x: Bool = not(of: %f.q)"),
    ("edge-types", loop(param="Draft")),
    ("edge-types", loop("=> next.c: %p, d: %p, until: %p", attrs=", until: true")),
    ("edge-types", "%x: List[Text] = each(items: %f.q) {bound: 1} body(%i: Text) { => yield: %i }"),
    ("node-types", "%x: Draft = list(0: %f.q)"),
    ("node-types", "%x: Number = const() {value: true}"),
    ("node-types", '%x: Text = field(of: %f.q) {name: "text"}'),
    ("node-types", "%x: Bool = if(condition: %b) then() { => yield: %b } else() { => yield: %f.q}"),
    ("node-types", loop("=> next.c: %p")),
    ("operator-edges", "%x: Draft = vote()"),
    ("operator-edges", "%x: Draft = vote(drafts: %f.q)"),
    ("operator-edges", "%x: Bool = contains(text: %f.q, part: %f.q, part: %f.q)"),
    ("operator-edges", "%x: Bool = contains(text: %f.q, part: %f.q, more: %f.q)"),
    ("operator-attrs", "%x: List[Draft] = generate(prompt: %f.q)"),
    ("operator-attrs", "%x: Bool = contains(text: %f.q, part: %f.q) {by: 1}"),
    ("operator-attrs", "%x: List[Draft] = generate(prompt: %f.q) {models: [prompt @p]}"),
    ("operator-type", "%x: Draft = contains(text: %f.q, part: %f.q)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "nodes"), BROKEN)
def test_each_rule_names_itself_and_the_node(rule: str, nodes: str) -> None:
    condition = "%b: Bool = const() {value: true}" if "%b" in nodes else ""
    message = breach(flow(f"{condition} {nodes}", "%f.q"))
    assert message.endswith(f"(rule `{rule}`)"), message
    place = message.partition("`")[2].partition("`")[0]
    assert place in {"x", "l", "f.q", "other", "m"}


@pytest.mark.parametrize(
    ("rule", "head"),
    [
        ("symbols", 'model @m = simulated "" {} model @m = simulated "" {}'),
        ("symbols", 'hole "h" = @m in [@m]'),
        ("holes", 'hole "h" = 3 in [1, 2]'),
        ("holes", 'hole "h" = 9 in 1..8 integer'),
        ("holes", 'hole "h" = 1 in [1] hole "h" = 1 in [1]'),
        ("holes", 'hole "h" = 1 in [1] when "g" in ["a"]'),
        ("holes", 'hole "g" = 1 in [1] hole "h" = 1 in [1] when "g" in ["a"]'),
    ],
)
def test_declarations_are_checked(rule: str, head: str) -> None:
    assert f"rule `{rule}`" in breach(flow("", "%f.q", head=head))


@pytest.mark.parametrize(
    "text",
    [
        "graph f(q: Text) -> Text { body() { => return: %x } }",
        "graph f() -> Text { body() { %x: Text = absent() => return: %x, more: %x } }",
        "graph f() -> Draft { body() { %x: Text = absent() => return: %x } }",
    ],
)
def test_body_and_interface_agree(text: str) -> None:
    graph = parse_graph(text)
    with pytest.raises(PlanError, match=r"rule `(interface|visible)`"):
        verify(graph, "open", OPERATORS)


@pytest.mark.parametrize("node", [
    '%x: Number = const() {value: ?"h"}',
    '%x: Text = choice() {hole: ?"h"} 1() { => yield: %f.q } 2() { => yield: %f.q }',
])  # fmt: skip
def test_a_closed_graph_has_no_holes(node: str) -> None:
    graph = flow(node, "%x")
    verify(graph, "open", OPERATORS)
    assert "rule `closed`" in breach(graph, "closed")


def test_an_optimised_graph_has_nothing_unneeded() -> None:
    head = 'model @m = simulated "" {}'
    assert "`x` is needed by nothing" in breach(
        flow("%x: Text = absent()", "%f.q", head=head), "optimised"
    )
    assert "entities that nothing needs" in breach(flow("", "%f.q", head=head), "optimised")


def test_the_pass_that_broke_the_graph_is_named() -> None:
    message = breach(flow("%x: Text = nonsense()"), after="some-pass")
    assert message.startswith("invalid IR after pass `some-pass`: `x`")


def test_every_rule_has_a_test() -> None:
    elsewhere = {"interface", "holes", "closed", "needed"}
    assert {rule for rule, _ in BROKEN} | elsewhere == {rule.name for rule in RULES}


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_random_graphs_are_valid_and_so_are_their_pruned_forms(graph: Graph) -> None:
    verify(graph, "open", OPERATORS)
    pruned = prune(graph, OPERATORS)
    verify(pruned, "open", OPERATORS)
    assert prune(pruned, OPERATORS) == pruned
    if graph.closed:
        verify(pruned, "optimised", OPERATORS)
