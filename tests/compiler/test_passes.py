"""Passes: text of the graph before and after, and what holds for every graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings

from graphdsl.compiler.passes import PASSES
from graphdsl.compiler.passes.abc import Pass
from graphdsl.compiler.passes.constant_fold import ConstantFold, kernels
from graphdsl.compiler.passes.dead_nodes import DeadNodes
from graphdsl.compiler.pipeline import optimise
from graphdsl.errors import PlanError
from graphdsl.ir.canonical import graph_hash
from graphdsl.ir.nodes import Graph, Node, walk
from graphdsl.ir.parse_text import parse_graph
from graphdsl.ir.spec import verify
from graphdsl.ir.subject import Stage
from graphdsl.ir.text import print_graph
from graphdsl.ops.registry import OPERATORS
from tests.graphs import graphs

GOLDEN = Path(__file__).parent.parent / "golden" / "passes"
STEPS: dict[str, Pass] = {step.name: step for step in PASSES}


def flow(nodes: str, result: str = "%x", kind: str = "Text") -> Graph:
    """A graph from the text of its nodes."""
    head = f'graph f(q: Text) -> {kind} {{ model @m = simulated "" {{}} memory @n = none {{}}'
    return parse_graph(f"{head} body(%q: Text) {{ {nodes} => return: {result} }} }}")


def ops(graph: Graph) -> list[str]:
    """The ops of all nodes in order."""
    return [node.op for node in walk(graph.body)]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ir")), ids=lambda path: path.stem)
def test_a_pass_rewrites_as_the_golden_file_says(
    path: Path, golden: Callable[[Path, str], None]
) -> None:
    step = next(step for name, step in STEPS.items() if path.stem.startswith(name))
    graph = parse_graph(path.read_text(encoding="utf-8"))
    verify(graph, "open", OPERATORS)
    golden(path.with_suffix(".out"), print_graph(step(graph)))


# ---- dead nodes


def test_effects_stay_also_inside_regions() -> None:
    graph = flow(
        """%b: Bool = const() {value: true}
        %i: Text = if(condition: %b)
          then() { %r: Text = remember(text: %q) {memory: memory @n} => yield: %r }
          else() { => yield: %q }
        %l: {} = within() {budget: [["calls", 1]]} body() { %k: Text = absent() => }""",
        "%q",
    )
    assert ops(DeadNodes()(graph)) == ["const", "if", "remember"]


def test_entities_that_nobody_mentions_go() -> None:
    pruned = DeadNodes()(flow("", "%q"))
    assert (pruned.models, pruned.prompts, pruned.memories) == ((), (), ())


def test_a_carried_name_that_only_feeds_itself_goes() -> None:
    graph = flow(
        """%s: List[Text] = list()
        %l: { d: Text, a: Text, n: List[Text] } = repeat(a: %q, n: %s) {rounds: 2}
          body(%a: Text, %n: List[Text]) {
            %m: List[Text] = append(items: %n, item: %a)
            => next.a: %a, next.n: %m, d: %a
          }
        %x: Text = field(of: %l) {name: "d"}"""
    )
    (loop, _) = DeadNodes()(graph).body.nodes
    assert loop.inputs == (("a", "q"),)
    assert [name for name, _ in loop.regions[0].results] == ["next.a", "d"]
    assert str(loop.type) == "{ d: Text }"


def test_a_carried_name_that_the_kept_body_reads_stays() -> None:
    graph = flow(
        """%l: { a: Text, b: Text, c: Text } = repeat(a: %q, b: %q, c: %q) {rounds: 2}
          body(%a: Text, %b: Text, %c: Text) { => next.a: %b, next.b: %c, next.c: %q }
        %x: Text = field(of: %l) {name: "a"}"""
    )
    (loop, _) = DeadNodes()(graph).body.nodes
    assert [name for name, _ in loop.inputs] == ["a", "b", "c"]


def test_what_steers_a_loop_stays() -> None:
    graph = flow(
        """%t: Bool = const() {value: true}
        %l: { a: Text } = repeat(a: %q) {rounds: 2, until: true, keep: "best"}
          body(%a: Text) {
            %s: Number = const() {value: 1}
            => next.a: %a, until: %t, score: %s
          }
        %x: Text = field(of: %l) {name: "a"}"""
    )
    assert ops(DeadNodes()(graph)) == ["const", "repeat", "const", "field"]


def test_a_pass_with_nothing_to_do_gives_back_the_same_graph() -> None:
    graph = DeadNodes()(flow("%x: Draft = absent()", kind="Draft"))
    assert all(step(graph) is graph for step in PASSES)


# ---- constant folding

FOLDED = [
    ('%a: Number = const() {value: 2} %x: Bool = compare(left: %a, right: %a) {op: "<="}', True),
    ('%a: Text = const() {value: " b "} %b: Text = const() {value: "b"} '
     '%x: Bool = compare(left: %a, right: %b) {op: "=="}', True),
    ('%a: Number? = absent() %b: Number = const() {value: 1} '
     '%x: Bool = compare(left: %a, right: %b) {op: "<"}', False),
    ("%a: Bool = const() {value: true} %x: Bool = not(of: %a)", False),
    ("%a: Bool = const() {value: false} %u: Bool = contains(text: %q, part: %q) "
     "%x: Bool = and(0: %u, 1: %a)", False),
    ("%a: Bool = const() {value: true} %u: Bool = contains(text: %q, part: %q) "
     "%x: Bool = or(0: %u, 1: %a)", True),
    ('%a: Number = const() {value: 2.0} %x: Text = convert(of: %a) {to: "Text"}', "2"),
    ("%a: Text = const() {value: 1} %l: List[Text] = list(0: %a, 1: %a) "
     "%x: Number = count(items: %l)", 2),
    ('%a: Text = const() {value: "Answer: 7"} %e: Answer = extract(of: %a) {by: "number"} '
     '%x: Text = field(of: %e) {name: "text"}', "7"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "value"), FOLDED)
def test_pure_nodes_of_constants_become_constants(nodes: str, value: object) -> None:
    node = ConstantFold()(flow(nodes)).body.nodes[-1]
    assert (node.id, node.op, node.inputs) == ("x", "const", ())
    assert repr(node.attr("value")) == repr(value)


@pytest.mark.parametrize(
    "nodes",
    [
        '%l: List[Draft] = list() %x: Draft = first(items: %l)',
        '%x: Bool = contains(text: %q, part: %q)',
        "%a: Text = const() {value: 1} %x: Messages = render(q: %a) {prompt: prompt @p}",
        '%a: Text = const() {value: "7"} %x: Answer = extract(of: %a) {by: "number"}',
        '%a: Text = const() {value: "a"} %x: List[Text] = list(0: %a)',
        '%a: Text = const() {value: "a"} %x: Text = remember(text: %a) {memory: memory @n}',
    ],
)  # fmt: skip
def test_what_a_literal_cannot_hold_or_only_a_run_knows_stays(nodes: str) -> None:
    graph = flow(nodes)
    assert ConstantFold()(graph) is graph


def test_operands_that_decide_nothing_are_dropped() -> None:
    graph = flow(
        "%t: Bool = const() {value: true} %u: Bool = contains(text: %q, part: %q) "
        "%x: Bool = and(0: %t, 1: %u, 2: %t)"
    )
    assert ConstantFold()(graph).body.nodes[-1].inputs == (("0", "u"),)


def test_a_field_of_a_record_becomes_the_value_itself() -> None:
    graph = flow(
        '%r: { a: Text } = record(a: %q) %x: Text = field(of: %r) {name: "a"} '
        "%y: List[Text] = list(0: %x)",
        "%x",
    )
    folded = ConstantFold()(graph)
    assert folded.body.results == (("return", "q"),)
    assert folded.body.nodes[-1].inputs == (("0", "q"),)


def test_a_field_that_a_coercion_changes_stays() -> None:
    graph = flow(
        """%g: List[Draft] = generate(prompt: %q) {models: [@m]} %d: Draft = first(items: %g)
        %r: { a: Draft } = record(a: %d) %x: Text = field(of: %r) {name: "a"}"""
    )
    assert ConstantFold()(graph) is graph


BRANCH = """%c: Bool = const() {{value: {condition}}}
%x: Text? = if(condition: %c)
  then() {{ %t: Text = join(texts: %l) {{separator: ""}} => yield: %t }}
  else() {{ %e: Text? = absent() => yield: %e }}
%y: List[Text?] = list(0: %x)"""


@pytest.mark.parametrize(("condition", "taken"), [("true", "t"), ("false", "e")])
def test_the_branch_that_always_runs_takes_the_place_of_the_if(condition: str, taken: str) -> None:
    nodes = "%l: List[Text] = list(0: %q) " + BRANCH.format(condition=condition)
    folded = ConstantFold()(flow(nodes, "%y", "List[Text?]"))
    verify(folded, "closed", OPERATORS)
    assert [node.id for node in folded.body.nodes] == ["l", "c", taken, "y"]
    assert folded.body.nodes[-1].inputs == (("0", taken),)


def test_a_branch_with_a_coercion_at_its_end_stays_a_branch() -> None:
    graph = flow(
        """%g: List[Draft] = generate(prompt: %q) {models: [@m]} %d: Draft = first(items: %g)
        %c: Bool = const() {value: true}
        %x: Text = if(condition: %c) then() { => yield: %d } else() { => yield: %q }"""
    )
    assert ConstantFold()(graph) is graph


# ---- the pipeline


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_every_graph_stays_valid_and_a_second_run_changes_nothing(graph: Graph) -> None:
    once = optimise(graph)
    assert optimise(once) == once
    assert (once.inputs, once.result, once.holes) == (graph.inputs, graph.result, graph.holes)
    before = {node.id: node for node in walk(graph.body)}
    for node in walk(once.body):
        old = before[node.id]
        assert node.op == old.op or node.op in ("const", "absent")


def test_the_observer_sees_each_pass_with_its_graphs() -> None:
    graph = flow('%r: { a: Text } = record(a: %q) %x: Text = field(of: %r) {name: "a"}')
    seen: list[tuple[str, int, int]] = []

    def observe(step: Pass, before: Graph, after: Graph, seconds: float) -> None:
        seen.append((step.name, len(before.body.nodes), len(after.body.nodes)))
        assert seconds >= 0

    final = optimise(graph, after=observe)
    assert seen == [("constant-fold", 2, 1), ("dead-nodes", 1, 0), ("quorum", 0, 0)]
    assert final.body.nodes == ()


@dataclass(frozen=True, slots=True)
class Breaks:
    """A pass that leaves an unknown op behind."""

    name: ClassVar[str] = "breaks"
    stage: ClassVar[Stage] = "closed"

    def __call__(self, graph: Graph) -> Graph:
        nodes = (Node("z", "nonsense", graph.result), *graph.body.nodes)
        return replace(graph, body=replace(graph.body, nodes=nodes))


def test_a_pass_that_breaks_the_graph_is_named() -> None:
    with pytest.raises(PlanError, match=r"after pass `breaks`: `z` has the unknown op"):
        optimise(flow("", "%q"), (Breaks(),))


def test_an_invalid_graph_is_refused_before_any_pass() -> None:
    with pytest.raises(PlanError, match=r"invalid IR: `f` returns"):
        optimise(flow("", "%q", "Draft"))


def test_folding_gives_graphs_of_one_meaning_one_hash() -> None:
    wrapped = flow('%r: { a: Text } = record(a: %q) %x: Text = field(of: %r) {name: "a"}')
    plain = flow("", "%q")
    hashes = {graph_hash(optimise(graph), OPERATORS) for graph in (wrapped, plain)}
    assert len(hashes) == 1


def test_only_what_gives_the_same_whenever_it_is_asked_is_computed_at_compile_time() -> None:
    folded = {op for op in kernels() if op in OPERATORS}
    assert "vote" in folded
    assert all(OPERATORS[op].pure for op in folded)
    assert not {op.name for op in OPERATORS.values() if op.chance} & folded
