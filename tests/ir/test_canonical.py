"""The identity of graphs: what the hash forgets, what it keeps, and isomorphism as the judge."""

from __future__ import annotations

import operator
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graphdsl.ir import canonical
from graphdsl.ir.nodes import Graph, Hole, HoleRef, Node, Region, walk
from graphdsl.ir.parse_text import parse_graph
from graphdsl.ir.prune import prune
from graphdsl.ops.registry import OPERATORS
from tests.graphs import graphs

nx: Any = import_module("networkx")
"""Untyped, so that the type checker does not ask about it."""

REASON = (Path(__file__).parent.parent / "golden/ir/reason.ir").read_text(encoding="utf-8")


def graph_hash(graph: Graph) -> str:
    return canonical.graph_hash(graph, OPERATORS)


def text_hash(text: str) -> str:
    return graph_hash(parse_graph(text))


def mapped(region: Region, name: Callable[[str], str], node: Callable[[Node], Node]) -> Region:
    """A region with other ids, its nodes changed from the inside out."""
    nodes = tuple(
        node(
            replace(
                old,
                id=name(old.id),
                inputs=tuple((key, name(value)) for key, value in old.inputs),
                regions=tuple(mapped(inner, name, node) for inner in old.regions),
            )
        )
        for old in region.nodes
    )
    params = tuple((name(value), kind) for value, kind in region.params)
    results = tuple((key, name(value)) for key, value in region.results)
    return Region(region.name, params, nodes, results)


def renamed(graph: Graph) -> Graph:
    """The graph with every id and every hole called otherwise."""
    holes = {hole.address: f"h{i}" for i, hole in enumerate(graph.holes)}

    def with_holes(node: Node) -> Node:
        attrs = tuple(
            (key, HoleRef(holes[a.address]) if isinstance(a, HoleRef) else a)
            for key, a in node.attrs
        )
        return replace(node, attrs=attrs)

    def moved(hole: Hole) -> Hole:
        when = tuple((holes[address], labels) for address, labels in hole.when)
        return replace(hole, address=holes[hole.address], when=when)

    body = mapped(graph.body, lambda name: f"new.{name}", with_holes)
    return replace(graph, flow="other", body=body, holes=tuple(map(moved, graph.holes[::-1])))


def shuffled(region: Region, random: Random) -> Region:
    """A region with its nodes in another topological order."""
    graph = nx.DiGraph()
    graph.add_nodes_from(random.sample(region.nodes, len(region.nodes)))
    made = {node.id: node for node in region.nodes}
    for node in region.nodes:
        inner = [use for each in walk(Region("", (), (node,), ())) for use in each.inputs]
        inner += [use for region in node.regions for use in all_results(region)]
        graph.add_edges_from((made[v], node) for _, v in inner if v in made and v != node.id)
    nodes = tuple(
        replace(node, regions=tuple(shuffled(inner, random) for inner in node.regions))
        for node in nx.topological_sort(graph)
    )
    return replace(region, nodes=nodes)


def all_results(region: Region) -> list[tuple[str, str]]:
    inner = [use for node in walk(region) for r in node.regions for use in r.results]
    return [*region.results, *inner]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_names_do_not_count(graph: Graph) -> None:
    assert graph_hash(renamed(graph)) == graph_hash(graph)


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_independent_nodes_does_not_count(graph: Graph, random: Random) -> None:
    body = shuffled(graph.body, random)
    tables = [random.sample(table, len(table)) for table in (graph.models, graph.memories)]
    moved = replace(graph, body=body, models=tuple(tables[0]), memories=tuple(tables[1]))
    assert graph_hash(moved) == graph_hash(graph)


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_dead_nodes_do_not_count(graph: Graph) -> None:
    dead = Node("dead", "list", graph.result, (("0", graph.body.results[0][1]),))
    body = replace(graph.body, nodes=(*graph.body.nodes, dead))
    assert graph_hash(replace(graph, body=body)) == graph_hash(graph)


ENSEMBLE = """graph f(q: Text) -> Draft {
  model @a = simulated "" {accuracy: 1}
  model @b = simulated "b" {}
  body(%q: Text) {
    %x: List[Draft] = generate(prompt: %q) {models: [@a, @b], temperature: [0.2, 1]}
    %y: List[Draft] = generate(prompt: %q) {models: [@b]}
    %one: Draft = first(items: %y)
    %l: List[Draft] = list(0: %one, 1: %one)
    %c: List[Draft] = complete(drafts: %x)
    %all: List[Draft] = concat(0: %c, 1: %y, 2: %l)
    %best: Draft = vote(drafts: %all) {by: "text"}
    => return: %best
  }
}"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0: %c, 1: %y, 2: %l", "0: %l, 1: %c, 2: %y"),
        ("[@a, @b]", "[@b, @a]"),
        ("[0.2, 1]", "[1, 0.2]"),
        ("accuracy: 1", "accuracy: 1.0"),
        ("@a", "@renamed"),
    ],
)
def test_what_nobody_sees_of_an_ensemble_does_not_count(old: str, new: str) -> None:
    assert text_hash(ENSEMBLE.replace(old, new)) == text_hash(ENSEMBLE)


@pytest.mark.parametrize(
    ("old", "new"), [("0: %c, 1: %y", "0: %y, 1: %c"), ("[@a, @b]", "[@b, @a]")]
)
def test_the_order_of_an_ensemble_counts_where_somebody_sees_it(old: str, new: str) -> None:
    ordered = ENSEMBLE.replace('vote(drafts: %all) {by: "text"}', "best(drafts: %all)")
    assert text_hash(ordered.replace(old, new)) != text_hash(ordered)
    both = ENSEMBLE.replace(
        "=> return: %best", "%top: Draft = first(items: %all) %pair: List[Draft] = "
        "list(0: %best, 1: %top) %out: Draft = best(drafts: %pair) => return: %out",
    )  # fmt: skip
    assert text_hash(both.replace(old, new)) != text_hash(both)


GROUP = """graph f(q: Text) -> List[Draft] {
  model @a = fallback "" {models: [model @b = openai "x" {base_url: env "URL", api_key: env "K"},
    model @c = simulated "" {accuracy: 1}]}
  body(%q: Text) {
    %x: List[Draft] = generate(prompt: %q) {models: [@a]}
    => return: %x
  }
}"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@b", "@other"),
        ("@a", "@other"),
        ('env "K"', 'env "OTHER"'),
        (', api_key: env "K"', ""),
        ('env "K"', 'env "K", timeout: 5, attempts: 9, max_in_flight: 3, usd_per_call: 1'),
        ("accuracy: 1", "accuracy: 1.0, flops_per_token: 7"),
    ],
)
def test_names_keys_prices_and_patience_of_models_do_not_count(old: str, new: str) -> None:
    assert GROUP.replace(old, new) != GROUP
    assert text_hash(GROUP.replace(old, new)) == text_hash(GROUP)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('openai "x"', 'openai "y"'),
        ('openai "x"', 'litellm "x"'),
        ('env "URL"', 'env "OTHER"'),
        ('env "URL"', '"URL"'),
        ("accuracy: 1", "accuracy: 0.5"),
        ("fallback", "round_robin"),
        ("{models:", "{temperature: 1, models:"),
        (", api_key", ", temperature: 1, api_key"),
    ],
)
def test_what_answers_depend_on_counts_within_groups_too(old: str, new: str) -> None:
    assert text_hash(GROUP.replace(old, new)) != text_hash(GROUP)


def test_the_order_of_a_group_counts() -> None:
    b, c = 'model @b = simulated "b" {}', 'model @c = simulated "c" {}'
    text = GROUP[: GROUP.index("[model")] + "[B, C]}\n" + GROUP[GROUP.index("  body") :]
    assert text_hash(text.replace("B", b).replace("C", c)) != text_hash(
        text.replace("B", c).replace("C", b)
    )


LOGIC = """graph f(a: Bool, b: Bool) -> Bool {
  body(%a: Bool, %b: Bool) {
    %x: Bool = and(0: %a, 1: %b)
    %y: Bool = compare(left: %x, right: %a) {op: "OP"}
    => return: %y
  }
}"""


@pytest.mark.parametrize(("op", "same"), [("==", True), ("!=", True), ("<", False)])
def test_operands_that_commute_may_change_places(op: str, same: bool) -> None:
    text = LOGIC.replace("OP", op)
    assert text_hash(text.replace("0: %a, 1: %b", "0: %b, 1: %a")) == text_hash(text)
    swapped = text.replace("left: %x, right: %a", "left: %a, right: %x")
    assert (text_hash(swapped) == text_hash(text)) is same


def test_names_of_exports_and_carried_values_do_not_count_while_only_fields_read_them() -> None:
    text = REASON.replace(" merged: ", " chosen: ").replace('"merged"', '"chosen"')
    text = text.replace("{ merged:", "{ chosen:").replace("feedback", "remark")
    assert text != REASON
    assert text_hash(text) == text_hash(REASON)


SHOWN = """graph f(q: Text) -> { a: Text } {
  body(%q: Text) {
    %s: { a: Text } = within() {budget: [["calls", 1]]}
      body() {
        => a: %q
      }
    => return: %s
  }
}"""


def test_names_of_exports_count_when_the_record_is_read_whole() -> None:
    assert text_hash(SHOWN.replace("a: ", "b: ")) != text_hash(SHOWN)


CHANGES = [
    ("temperature: 0.8", "temperature: 0.9"),
    ("max_tokens: 256", "max_tokens: 257"),
    ('embedded "smollm2-135m"', 'embedded "other"'),
    ('= embedded "', '= simulated "'),
    ("careful", "careless"),
    ("  system\n", "  user\n"),
    ("/srv/lessons.db", "/srv/other.db"),
    ("= 5 in [1, 3, 5, 10]", "= 3 in [1, 3, 5, 10]"),
    ("[1, 3, 5, 10]", "[1, 3, 5, 11]"),
    ("0.2..1.2", "0.2..1.4"),
    ("1.2 step 0.2", "1.2 step 0.1"),
    ('in ["fused"]', 'in ["voted"]'),
    ("= 2 in 1..4", "= 3 in 1..4"),
    ('value: "é\\n"', 'value: "e"'),
    ("until: true, ", ""),
    ('by: "number"', 'by: "text"'),
    ('{name: "text"}', '{name: "finish"}'),
    ('{name: "complete"}', '{name: "tie"}'),
    ('to: "Answer"', 'to: "Text"'),
    ("vote(drafts: %reason.drafts) {by", "best(drafts: %reason.drafts) {by"),
    ("context: %reason.feedback", "context: %reason.question"),
    ("next.feedback: %reason.next", "next.feedback: %reason.feedback"),
    ("remember(text: %reason.best)", "remember(text: %reason.question)"),
    ("question: Text, hints: Text? = none", "quest: Text, hints: Text? = none"),
    ("hints: Text? = none", 'hints: Text? = ""'),
    ("-> Answer", "-> Text"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_what_a_graph_does_counts(old: str, new: str) -> None:
    assert REASON.count(old) >= 1
    assert text_hash(REASON.replace(old, new)) != text_hash(REASON)


@given(graphs(), st.data())
@settings(max_examples=80, deadline=None)
def test_every_attribute_of_a_needed_node_counts(graph: Graph, data: st.DataObject) -> None:
    graph = prune(graph, OPERATORS)
    spots = [(node.id, i) for node in walk(graph.body) for i, _ in enumerate(node.attrs)]
    assume(spots)
    spot = data.draw(st.sampled_from(spots))

    def changed(node: Node) -> Node:
        attrs = tuple(
            (key, ("changed", value) if (node.id, i) == spot else value)
            for i, (key, value) in enumerate(node.attrs)
        )
        return replace(node, attrs=attrs)

    other = replace(graph, body=mapped(graph.body, str, changed))
    assert graph_hash(other) != graph_hash(graph)


def test_one_model_read_twice_is_not_two_equal_ones() -> None:
    twice = ENSEMBLE.replace("2: %l", "2: %y")
    extra = "%z: List[Draft] = generate(prompt: %q) {models: [@b]} %one"
    apart = ENSEMBLE.replace("%one", extra, 1).replace("2: %l", "2: %z")
    assert text_hash(twice) != text_hash(apart)


def test_a_shared_hole_is_not_two_equal_ones() -> None:
    hole = 'hole "one" = 1 in [1, 2] hole "two" = 1 in [1, 2]'
    text = ENSEMBLE.replace("body(", f"{hole} body(", 1)
    text = text.replace("[@b]}", '[@b], samples: ?"one"}').replace("1]}", '1], samples: ?"one"}')
    assert text_hash(text) != text_hash(text.replace('1], samples: ?"one"', '1], samples: ?"two"'))


INSIDE = """graph f(q: Text, c: Bool) -> Text {
  model @a = simulated "" {}
  body(%q: Text, %c: Bool) {
    OUTER
    %x: List[Draft] = if(condition: %c)
      then() { INNER => yield: %d }
      else() { => yield: %d }
    %y: Text = convert(of: %x) {to: "Text"}
    => return: %y
  }
}"""


def test_where_a_node_runs_counts() -> None:
    node = "%e: List[Draft] = generate(prompt: %q) {models: [@a]}"
    outer = INSIDE.replace("OUTER", f"{node.replace('%e', '%d')} {node}")
    moved = outer.replace("INNER => yield: %d", "INNER => yield: %e")
    inside = moved.replace(f" {node}", "").replace("INNER", node)
    assert text_hash(moved.replace("INNER", "")) != text_hash(inside)


def test_the_hash_is_the_same_in_every_process() -> None:
    code = (
        "import sys; from graphdsl.ir.canonical import graph_hash; "
        "from graphdsl.ir.parse_text import parse_graph; "
        "from graphdsl.ops.registry import OPERATORS; "
        "print(graph_hash(parse_graph(sys.stdin.read()), OPERATORS))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=REASON,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )
        assert done.stdout.strip() == text_hash(REASON)


# ---- isomorphism as the judge: little ensembles of equal members


@st.composite
def ensembles(draw: st.DrawFn) -> tuple[tuple[int, ...], ...]:
    """Votes by the members they read: each a tuple of distinct members, in an order."""
    votes = st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True).map(tuple)
    return tuple(draw(st.lists(votes, min_size=1, max_size=4)))


def ensemble(votes: tuple[tuple[int, ...], ...], op: str) -> Graph:
    """Votes over concatenated samples, then a vote over the votes."""
    members = sorted({member for vote in votes for member in vote})
    lines = [
        f"%g{member}: List[Draft] = generate(prompt: %q) {{models: [@a]}}" for member in members
    ]
    attrs = ' {by: "text"}' if op == "vote" else ""
    for i, vote in enumerate(votes):
        inputs = ", ".join(f"{j}: %g{member}" for j, member in enumerate(vote))
        lines.append(f"%c{i}: List[Draft] = concat({inputs})")
        lines.append(f"%v{i}: Draft = {op}(drafts: %c{i}){attrs}")
    inputs = ", ".join(f"{i}: %v{i}" for i in range(len(votes)))
    lines.append(f"%l: List[Draft] = list({inputs}) %x: Draft = {op}(drafts: %l){attrs}")
    head = 'graph f(q: Text) -> Draft { model @a = simulated "" {} body(%q: Text) {'
    return parse_graph("\n".join([head, *lines, "=> return: %x } }"]))


def drawn(graph: Graph, ordered: bool) -> Any:
    """The graph as networkx sees it: ops on nodes, parameters on edges."""
    found: Any = nx.MultiDiGraph()
    for node in graph.body.nodes:
        found.add_node(node.id, op=node.op)
        for name, value in node.inputs:
            found.add_edge(value, node.id, name=name if ordered else "")
    return found


def same_names(one: dict[int, dict[str, str]], other: dict[int, dict[str, str]]) -> bool:
    """True when the edges between two nodes have the same names."""
    return Counter(e["name"] for e in one.values()) == Counter(e["name"] for e in other.values())


@pytest.mark.parametrize("op", ["vote", "best"])
@given(ensembles(), ensembles())
@settings(max_examples=150, deadline=None)
def test_hashes_agree_exactly_when_the_graphs_are_isomorphic(
    op: str, one: tuple[tuple[int, ...], ...], other: tuple[tuple[int, ...], ...]
) -> None:
    first, second = ensemble(one, op), ensemble(other, op)
    same = nx.is_isomorphic(
        drawn(first, op == "best"),
        drawn(second, op == "best"),
        node_match=operator.eq,
        edge_match=same_names,
    )
    assert (graph_hash(first) == graph_hash(second)) is same
