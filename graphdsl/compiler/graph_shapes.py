"""Lengths of lists on a closed graph, and what operators are told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphdsl.compiler.list_rules import made
from graphdsl.compiler.list_shapes import (
    NOTHING,
    UNKNOWN,
    Effort,
    Rounds,
    Shape,
    State,
    either,
    least,
    listing,
    of_type,
    record,
    settled,
)
from graphdsl.ir.entities import ModelSpec
from graphdsl.ir.nodes import Attr, Graph, Node, Region, Symbol, ValueId, walk
from graphdsl.ir.prune import carried_params
from graphdsl.ops.registry import OPERATORS

MOST = "most"
"""The attribute with the most items of the list that bounds an operator's calls."""


def with_lengths(graph: Graph) -> Graph:
    """A closed graph whose operators are told how long the lists can be that bound their calls.

    Where nobody knows, they are told nothing, and look at no more than they do without.
    """
    if not any(_sized(node) for node in walk(graph.body)):
        return graph
    shapes = _Shapes.of_graph(graph)
    return replace(graph, body=shapes.told(graph.body))


def returned(graph: Graph) -> Shape:
    """How long the lists can be in what a closed graph returns."""
    return _Shapes.of_graph(graph).of(graph.body.results[0][1])


def _sized(node: Node) -> str | None:
    operator = OPERATORS.get(node.op)
    return None if operator is None else operator.sized


@dataclass(slots=True)
class _Shapes:
    models: Mapping[str, ModelSpec]
    known: dict[ValueId, Shape] = field(default_factory=dict[ValueId, Shape])
    effort: Effort = field(default_factory=Effort)

    @staticmethod
    def of_graph(graph: Graph) -> _Shapes:
        """All that is known of a graph."""
        found = _Shapes({spec.name: spec for spec in graph.models})
        found.known.update((value, of_type(kind)) for value, kind in graph.body.params)
        found.region(graph.body)
        return found

    def told(self, region: Region) -> Region:
        """The region with what is known now."""
        return replace(region, nodes=tuple(map(self.told_node, region.nodes)))

    def told_node(self, node: Node) -> Node:
        edge = node.input(_sized(node) or "")
        count = None if edge is None else self.of(edge).drafts
        attrs = node.attrs
        if _sized(node) is not None:
            attrs = tuple(pair for pair in attrs if pair[0] != MOST)
            attrs += () if count is None else ((MOST, count),)
        return replace(node, attrs=attrs, regions=tuple(map(self.told, node.regions)))

    def of(self, value: ValueId) -> Shape:
        return self.known.get(value, UNKNOWN)

    def region(self, region: Region) -> dict[str, Shape]:
        """The shapes of its results, after those of its nodes."""
        for node in region.nodes:
            self.known[node.id] = self.node(node)
        return {name: self.of(value) for name, value in region.results}

    def node(self, node: Node) -> Shape:
        given = {name: self.of(value) for name, value in node.inputs}
        match node.op:
            case "absent":
                return NOTHING
            case "list":
                return listing(len(given), _joined(given.values()))
            case "record":
                return record(given)
            case "field":
                return given["of"].at(str(node.attr("name")))
            case "convert":
                return given["of"]
            case "if":
                return _joined([self.region(region)["yield"] for region in node.regions])
            case "each":
                return self.each(node, given["items"])
            case "repeat" | "fold":
                return self.loop(node, given)
            case "within":
                return record(self.region(node.regions[0]))
            case _:
                return self.operator(node, given)

    def operator(self, node: Node, given: Mapping[str, Shape]) -> Shape:
        operator = OPERATORS.get(node.op)
        if operator is None:
            return UNKNOWN
        attrs: dict[str, Any] = {param.name: param.preset for param in operator.params}
        attrs.update((name, self.closed(attr)) for name, attr in node.attrs if name != MOST)
        return made(operator, attrs, given)

    def closed(self, attr: Attr) -> Any:
        """An attribute with its models."""
        match attr:
            case Symbol("model", name):
                return self.models.get(name)
            case tuple():
                return tuple(self.closed(item) for item in attr)
            case _:
                return attr

    def each(self, node: Node, items: Shape) -> Shape:
        (body,) = node.regions
        self.known[body.params[0][0]] = items.items
        item = self.region(body)["yield"]
        return listing(least(items.most, _whole(node.attr("bound"))), item)

    def loop(self, node: Node, given: Mapping[str, Shape]) -> Shape:
        """A loop: its carried names in any round, then what it exports."""
        (body,), params = node.regions, carried_params(node)
        rounds = _whole(node.attr("rounds" if node.op == "repeat" else "bound"))
        if node.op == "fold":
            self.known[body.params[0][0]] = given["items"].items
            rounds = least(rounds, given["items"].most) or 0

        def once(state: State) -> dict[str, Shape]:
            self.known.update((params[name], shape) for name, shape in state.items())
            found = self.region(body)
            return {name: found.get(f"next.{name}", state[name]) for name in state}

        starts = {name: given[name] for name in params}
        found = settled(starts, rounds, once, self.effort)
        exports = {
            name: self.of(value) for name, value in body.results if not name.startswith("next.")
        }
        return record({**exports, **_ended(node.op, starts, found)})


def _ended(op: str, starts: State, found: Rounds) -> dict[str, Shape]:
    """The carried names after a loop; a `fold` may have had no item."""
    if op == "repeat":
        return found.after
    return {name: either(starts[name], shape) for name, shape in found.after.items()}


def _joined(parts: Iterable[Shape]) -> Shape:
    found = NOTHING
    for part in parts:
        found = either(found, part)
    return found


def _whole(attr: Attr) -> int:
    return int(attr) if isinstance(attr, int | float) else 0
