"""Plans: slots, waiting, captures, constants, resolved attributes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from graphdsl.compiler.planner import plan
from graphdsl.errors import PlanError
from graphdsl.ir.canonical import graph_hash
from graphdsl.ir.entities import MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.nodes import Graph, Input, Node, Region, walk
from graphdsl.ir.parse_text import parse_graph
from graphdsl.ir.types import NUMBER, TEXT, OptionalOf
from graphdsl.ops.registry import OPERATORS
from graphdsl.plan import Budget, Plan, Program, Step
from tests.graphs import graphs


def flow(nodes: str, result: str = "%x", kind: str = "Text") -> Program:
    """The program of a graph from the text of its nodes."""
    head = """model @m = simulated "" {accuracy: 1} memory @n = none {}
      prompt @p(q) { user "{{ q }}" }"""
    return plan(
        parse_graph(
            f"graph f(q: Text) -> {kind} {{ {head} body(%f.q: Text) {{ {nodes} "
            f"=> return: {result} }} }}"
        )
    )


def plans(outer: Plan) -> Iterator[Plan]:
    """A plan and all inside it."""
    yield outer
    for step in outer.steps:
        for _, inner in step.regions:
            yield from plans(inner)


def region(step: Step, name: str) -> Plan:
    """The plan of a region."""
    return dict(step.regions)[name]


def test_slots_are_parameters_then_steps_then_constants() -> None:
    program = flow(
        """%a: Text = const() {value: "a"} %b: Bool = contains(text: %f.q, part: %a)
        %x: Text = convert(of: %b) {to: "Text"}"""
    )
    outer = program.plan
    assert (outer.name, outer.params, outer.size) == ("f", ("q",), 4)
    first, second = outer.steps
    assert (first.slot, first.inputs) == (1, (("text", 0), ("part", 3)))
    assert (second.slot, second.inputs) == (2, (("of", 1),))
    assert outer.constants == ((3, "a"),)
    assert outer.results == (("return", 2),)


def test_steps_wait_for_distinct_steps_only() -> None:
    outer = flow(
        """%a: Bool = contains(text: %f.q, part: %f.q) %b: Bool = and(0: %a, 1: %a)
        %x: Bool = or(0: %a, 1: %b)""",
        kind="Bool",
    ).plan
    assert [step.pending for step in outer.steps] == [0, 1, 2]
    assert [step.dependents for step in outer.steps] == [(1, 2), (2,), ()]
    assert outer.ready == (0,)


def test_literals_and_lists_and_records_of_them_are_no_steps() -> None:
    outer = flow(
        """%a: Text = const() {value: "a"} %n: Number? = absent()
        %l: List[Text] = list(0: %a, 1: %a)
        %x: { l: List[Text], n: Number? } = record(l: %l, n: %n)""",
        kind="{ l: List[Text], n: Number? }",
    ).plan
    assert outer.steps == ()
    known = dict(outer.constants)
    assert known[outer.results[0][1]] == {"l": ("a", "a"), "n": None}
    assert sorted(known) == [1, 2, 3, 4]


NESTED = """%c: Bool = contains(text: %f.q, part: %f.q)
%s: List[Text] = list(0: %f.q)
%k: Text = const() {value: "k"}
%e: List[Text] = each(items: %s) {bound: 2}
  body(%f.e.item: Text) {
    %i: Text = if(condition: %c)
      then() { %j: List[Text] = list(0: %f.e.item, 1: %k) %t: Text = join(texts: %j) => yield: %t }
      else() { => yield: %f.q }
    => yield: %i
  }
%x: Text = convert(of: %e) {to: "Text"}"""


def test_captures_pass_through_every_level_between() -> None:
    outer = flow(NESTED).plan
    slots = {step.address: step.slot for step in outer.steps}
    each = outer.steps[2]
    body = region(each, "body")
    assert body.params == ("item",)
    constant = outer.constants[0][0]
    assert body.captures == (slots["c"], constant, 0)
    (branch,) = body.steps
    assert branch.inputs == (("condition", 1),)
    assert region(branch, "then").captures == (0, 2)
    assert region(branch, "else").captures == (3,)
    assert region(branch, "else").results == (("yield", 0),)


def test_a_control_step_waits_for_what_its_regions_capture() -> None:
    outer = flow(NESTED).plan
    each = outer.steps[2]
    assert (each.address, each.pending) == ("e", 2)
    assert [each.index in outer.steps[i].dependents for i in (0, 1)] == [True, True]
    assert region(each, "body").ready == (0,)


def test_regions_name_their_parameters() -> None:
    outer = flow(
        """%n: Text = const() {value: ""} %s: List[Text] = list(0: %f.q)
        %r: { a: Text, b: Text } = repeat(a: %f.q, b: %n) {rounds: 2}
          body(%f.a: Text, %f.b_2: Text) { => next.a: %f.b_2, next.b: %f.a }
        %l: { acc: Text } = fold(items: %s, acc: %n) {bound: 2}
          body(%f.fold.it: Text, %f.acc: Text) { => next.acc: %f.fold.it }
        %x: Text = field(of: %l) {name: "acc"}"""
    ).plan
    bodies = {step.op: region(step, "body") for step in outer.steps if step.regions}
    assert bodies["repeat"].params == ("a", "b")
    assert bodies["fold"].params == ("it", "acc")
    assert bodies["fold"].results == (("next.acc", 0),)


def test_attributes_are_resolved() -> None:
    outer = flow(
        """%r: Messages = render(q: %f.q) {prompt: prompt @p}
        %w: { d: List[Draft] } = within() {budget: [["calls", 8], ["seconds", 2.5], ["calls", 3]]}
          body() {
            %d: List[Draft] = generate(prompt: %r) {models: [@m, @m], samples: 2, stop: ["a"]}
            => d: %d
          }
        %k: Text = remember(text: %f.q) {memory: memory @n}
        %x: List[Draft] = field(of: %w) {name: "d"}""",
        kind="List[Draft]",
    ).plan
    render, within, remember, _ = outer.steps
    assert render.attrs == {"prompt": PromptSpec("p", ("q",), (("user", "{{ q }}"),))}
    assert within.attrs == {"budget": Budget(calls=3, seconds=2.5)}
    model = ModelSpec("m", "simulated", "", {"accuracy": 1})
    (generate,) = region(within, "body").steps
    assert generate.attrs == {"models": (model, model), "samples": 2, "stop": ("a",)}
    assert remember.attrs == {"memory": MemorySpec("n", None)}


def test_a_program_says_what_it_needs() -> None:
    text = """graph f(q: Text, h: Text? = none, n: Number = 3) -> Text {
      model @m = simulated "" {}
      memory @k = "/srv/k.db" {}
      body(%f.q: Text, %f.h: Text?, %f.n: Number) { => return: %f.q }
    }"""
    graph = parse_graph(text)
    program = plan(graph)
    assert program.params == (("q", TEXT), ("h", OptionalOf(TEXT)), ("n", NUMBER))
    assert program.defaults == {"h": None, "n": 3}
    assert program.models == {"m": graph.models[0]}
    assert program.memories == {"k": graph.memories[0]}
    assert program.graph_hash == graph_hash(graph, OPERATORS)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("%x: Text = convert(of: %gone) {to: 1}", "`f` uses `gone`"),
        ('%x: Number = const() {value: 1} %y: Text = take(items: %x) {count: ?"h"}', "hole `h`"),
        ("%x: Text = verify(draft: %f.q) {by: @other}", "`x` needs the model `other`"),
        ('%x: {} = within() {budget: [["euros", 1]]} body() { => }', "`x` limits `euros`"),
    ],
)
def test_what_no_plan_can_hold_is_named(nodes: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        flow(nodes)


def test_an_open_graph_has_no_plan() -> None:
    text = 'graph f() -> Text { hole "h" = 1 in [1] body() { %x: Text = absent() => return: %x } }'
    with pytest.raises(PlanError, match="`f` has holes"):
        plan(parse_graph(text))


def order(outer: Plan) -> list[int]:
    """Indices of steps in an order in which counting down allows them to run."""
    pending = [step.pending for step in outer.steps]
    ran, waiting = list[int](), list(outer.ready)
    while waiting:
        index = waiting.pop()
        ran.append(index)
        for dependent in outer.steps[index].dependents:
            pending[dependent] -= 1
            if pending[dependent] == 0:
                waiting.append(dependent)
    return ran


@given(graphs(open_graph=False))
@settings(max_examples=80, deadline=None)
def test_every_plan_runs_each_step_once_with_all_its_slots_filled(graph: Graph) -> None:
    program = plan(graph)
    addresses: list[str] = []
    for one in plans(program.plan):
        filled = set(range(len(one.params) + len(one.captures)))
        filled |= {slot for slot, _ in one.constants}
        for index in order(one):
            step = one.steps[index]
            assert filled >= {slot for _, slot in step.inputs}
            assert filled >= {slot for _, inner in step.regions for slot in inner.captures}
            assert step.slot not in filled
            filled.add(step.slot)
            addresses.append(step.address)
        assert filled == set(range(one.size))
        assert filled >= {slot for _, slot in one.results}
    constant = {"const", "absent", "list", "record"}
    made = [node for node in walk(graph.body) if node.op not in constant]
    assert {node.id for node in made} <= set(addresses)
    assert len(addresses) == len(set(addresses))


def test_a_chain_and_a_wide_graph_of_many_nodes_have_plans() -> None:
    size = 20_000
    chain = [Node("n0", "first", TEXT, (("items", "q"),))]
    chain += [Node(f"n{i}", "first", TEXT, (("items", f"n{i - 1}"),)) for i in range(1, size)]
    wide = [Node(f"w{i}", "first", TEXT, (("items", "q"),)) for i in range(size)]
    inputs = tuple((str(i), f"w{i}") for i in range(size))
    last = [
        Node("w", "list", TEXT, inputs),
        Node("x", "list", TEXT, (("0", "w"), ("1", f"n{size - 1}"))),
    ]
    body = Region("body", (("q", TEXT),), (*chain, *wide, *last), (("return", "x"),))
    program = plan(Graph("f", (Input("q", TEXT),), body, TEXT))
    assert program.plan.steps[-2].pending == size
    assert len(program.plan.ready) == size + 1
