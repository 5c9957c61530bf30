"""The textual IR: golden files, exact round trip, errors with places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.errors import InputError
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.ir.nodes import Attr, Choices, Graph, Hole, HoleRef, Interval, Node, Region, Symbol
from graphdsl.ir.parse_text import IrTextError, parse_graph
from graphdsl.ir.text import print_attr, print_graph
from graphdsl.ir.types import TEXT
from tests.graphs import graphs

GOLDEN = Path(__file__).parent.parent / "golden" / "ir"

names = st.text(min_size=1, max_size=6) | st.sampled_from(["model", "none", "a.b", "0", "yield"])
attrs: st.SearchStrategy[Attr] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(HoleRef, names)
    | st.builds(Symbol, st.sampled_from(["model", "prompt", "memory"]), names),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def graph_of(*nodes: Node, holes: tuple[Hole, ...] = ()) -> Graph:
    """A graph around nodes, valid or not."""
    return Graph("f", (), Region("body", (), nodes, (("return", nodes[-1].id),)), TEXT, holes)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ir")), ids=lambda path: path.stem)
def test_printing_what_was_read_gives_the_golden_file(
    path: Path, golden: Callable[[Path, str], None]
) -> None:
    golden(path, print_graph(parse_graph(path.read_text(encoding="utf-8"))))


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_every_graph_survives_its_text(graph: Graph) -> None:
    text = print_graph(graph)
    assert parse_graph(text) == graph
    assert print_graph(parse_graph(text)) == text


@given(names, attrs)
@settings(deadline=None)
def test_every_attribute_and_name_survives_its_text(name: str, attr: Attr) -> None:
    graph = graph_of(Node(name, "const", TEXT, attrs=((name, attr),)))
    (node,) = parse_graph(print_graph(graph)).body.nodes
    assert (node.id, node.attrs) == (name, ((name, attr),))
    assert repr(node.attrs[0][1]) == repr(attr)


@given(
    st.lists(attrs, min_size=1, max_size=4), st.lists(names, min_size=4, max_size=4, unique=True)
)
@settings(deadline=None)
def test_every_choice_survives_its_text(values: list[Attr], labels: list[str]) -> None:
    domain = Choices(tuple(labels[: len(values)]), tuple(values))
    hole = Hole("a", labels[len(values) - 1], domain, (("b", tuple(labels)),))
    graph = graph_of(Node("x", "absent", TEXT), holes=(hole,))
    assert parse_graph(print_graph(graph)) == graph


options: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(EnvVar, names),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.builds(
            ModelSpec, names, names, st.text(max_size=4), st.dictionaries(names, inner, max_size=2)
        )
    ),
    max_leaves=8,
)


@given(names, st.dictionaries(names, options, max_size=4))
@settings(deadline=None)
def test_every_model_survives_its_text(name: str, given: dict[str, Any]) -> None:
    spec = ModelSpec(name, "fallback", "", given)
    graph = replace(graph_of(Node("x", "absent", TEXT)), models=(spec,))
    (read,) = parse_graph(print_graph(graph)).models
    assert repr(read) == repr(spec)


def test_variables_and_models_within_models_are_printed_in_place() -> None:
    near = ModelSpec("far.a", "openai", "gpt", {"api_key": EnvVar("MY_KEY")})
    spec = ModelSpec("safe", "fallback", "", {"models": (near,)})
    text = print_graph(replace(graph_of(Node("x", "absent", TEXT)), models=(spec,)))
    inner = 'model @far.a = openai "gpt" {api_key: env "MY_KEY"}'
    assert f'model @safe = fallback "" {{models: [{inner}]}}' in text


@pytest.mark.parametrize("domain", [Interval(0, 8, 1, True), Interval(0.25, 1e30, None, False)])
def test_intervals_keep_whether_they_are_of_integers(domain: Interval) -> None:
    graph = graph_of(Node("x", "absent", TEXT), holes=(Hole("a", domain.low, domain),))
    (hole,) = parse_graph(print_graph(graph)).holes
    assert repr(hole) == repr(graph.holes[0])


def test_a_label_that_is_the_value_is_printed_once() -> None:
    hole = Hole("n", "5", Choices(("1", "5", "all"), (1, 5, 99)))
    text = print_graph(graph_of(Node("x", "absent", TEXT), holes=(hole,)))
    assert 'hole "n" = 5 in [1, 5, "all": 99]' in text


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (True, 1), (None, "none"), (("a",), "a"), ((), None), (Symbol("model", "a"), "@a")],
)
def test_attributes_of_different_kinds_have_different_texts(one: Attr, other: Attr) -> None:
    assert print_attr(one) != print_attr(other)


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("graph f(", 1, 8, "the text ends too early"),
        ("graph f() -> Text {\n  body() {\n    => return 5\n", 3, 15, 'unexpected "5"'),
        ("graph f() -> Text { $", 1, 21, 'unexpected "$"'),
        ('graph f() -> Text {\n model @x = a "\\q" {}', 2, 15, 'unexpected "\\""'),
        ('graph f() -> Text {\n model @x = a "" {m: [@y = a "" {}]}', 2, 26, 'unexpected "="'),
    ],
)
def test_a_broken_text_is_reported_with_its_place(
    text: str, line: int, column: int, reason: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_graph(text)
    assert isinstance(caught.value, IrTextError)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value) == f"line {line}, column {column}: {reason}"


def test_comments_and_layout_do_not_count() -> None:
    text = "graph f()->Text{body(){#here\n%x:Text=absent()=>return:%x}}"
    assert parse_graph(text) == graph_of(Node("x", "absent", TEXT))
