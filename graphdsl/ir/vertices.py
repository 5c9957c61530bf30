"""A graph as labelled vertices and edges, without names: what `canonical` compares.

Vertices stand in topological order: flow inputs, holes, memories, then nodes, a control node after
its insides. Edges of one name into one vertex may change places; that is how order is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from graphdsl.ir.content import Contents, links, plain, position
from graphdsl.ir.nodes import Graph, Hole, HoleRef, Node, Region, Symbol, ValueId, walk
from graphdsl.ir.order import Order
from graphdsl.ir.prune import carried_params, steers
from graphdsl.ir.signatures import Operators

Edge = tuple[str, int]
"""The name of an edge and the vertex that it comes from."""

_STOP_RULE: Final = frozenset({"until"})
"""What passes attach to an `each`."""


class Vertices:
    """The vertices of one pruned graph: `labels` by index, `edges` into each."""

    def __init__(self, graph: Graph, operators: Operators) -> None:
        self.labels: list[Any] = []
        self.edges: list[list[Edge]] = []
        self._graph = graph
        self._operators = operators
        self._contents = Contents.of(graph)
        self._order = Order(graph, operators)
        self._values: dict[ValueId, int] = {}
        self._shared: dict[Symbol | HoleRef, int] = {}
        self._fields: dict[tuple[ValueId, str], int] = {}
        self._opaque = set(_read_whole(graph.body))
        self._build()

    def _build(self) -> None:
        graph = self._graph
        for given, (value, _) in zip(graph.inputs, graph.body.params, strict=True):
            default = self._contents.attr(given.default)
            label = ("input", given.name, str(given.type), given.required, default)
            self._values[value] = self._add(label)
        for memory in graph.memories:
            options = sorted((name, plain(value)) for name, value in memory.options.items())
            label = ("memory", self._contents.attr(memory.store), options)
            self._shared[Symbol("memory", memory.name)] = self._add(label)
        self._holes()
        for node in graph.body.nodes:
            self._node(node)
        edges = [(name, self._values[value]) for name, value in graph.body.results]
        self._add(("return", str(graph.result)), edges)

    def _add(self, label: Any, edges: list[Edge] | None = None) -> int:
        self.labels.append(label)
        self.edges.append(edges or [])
        return len(self.labels) - 1

    def _holes(self) -> None:
        """Holes, each after the ones on which it depends."""
        by_address = {hole.address: hole for hole in self._graph.holes}
        for hole in sorted(self._graph.holes, key=lambda hole: _depth(hole, by_address)):
            edges: list[Edge] = []
            for address, labels in hole.when:
                other = by_address[address]
                when = sorted(position(other, label) for label in labels)
                edges.append((f"when {when}", self._shared[HoleRef(address)]))
            self._shared[HoleRef(hole.address)] = self._add(self._contents.hole(hole), edges)

    def _node(self, node: Node) -> int:
        if node.op in ("repeat", "fold", "within"):
            edges = self._scope(node)
        else:
            edges = [self._edge(node, name, value) for name, value in node.inputs]
            if node.op == "each":
                self._variable(node)
            edges += [edge for region in node.regions for edge in self._region(region)]
        label = self._label(node)
        vertex = self._values[node.id] = self._add(label, edges + self._links(node))
        return vertex

    def _label(self, node: Node) -> Any:
        hidden = node.op == "field" and self._field(node) is not None
        attrs = [
            (name, self._contents.attr(value, unordered=self._order.loose(node, name)))
            for name, value in node.attrs
            if value is not None and not hidden and name not in self._attached(node)
        ]
        return ("node", node.op, *sorted(attrs))

    def _attached(self, node: Node) -> frozenset[str]:
        """What passes have put there: it changes the cost of a graph, not what it means."""
        if node.op == "each":
            return _STOP_RULE
        operator = self._operators.get(node.op)
        return operator.attached if operator is not None else frozenset()

    def _links(self, node: Node) -> list[Edge]:
        """Edges from the holes and memories that a node mentions."""
        found = [
            link
            for name, value in node.attrs
            for link in links(name, value, unordered=self._order.loose(node, name))
        ]
        edges = [(f"attr {spot}", self._shared[thing]) for spot, thing in found]
        return edges + (self._collaborators(node) if node.op == "collaborate" else [])

    def _collaborators(self, node: Node) -> list[Edge]:
        """The holes of a `collaborate` are known by their place under its address."""
        prefix = f"{node.id}."
        return [
            (f"hole {hole.address.removeprefix(prefix)}", self._shared[HoleRef(hole.address)])
            for hole in self._graph.holes
            if hole.address.startswith(prefix)
        ]

    def _edge(self, node: Node, name: str, value: ValueId) -> Edge:
        part = self._field(node)
        return (
            ("of", part)
            if part is not None
            else (self._order.edge(node, name), self._values[value])
        )

    def _field(self, node: Node) -> int | None:
        """The vertex that a `field` of a loop or scope reads, when its name is only a name."""
        if node.op != "field":
            return None
        return self._fields.get((node.inputs[0][1], str(node.attr("name"))))

    def _region(self, region: Region) -> list[Edge]:
        inside = [(f"in {region.name}", self._node(node)) for node in region.nodes]
        results = [(f"{region.name} {name}", self._values[value]) for name, value in region.results]
        return inside + results

    def _variable(self, node: Node) -> None:
        value, _ = node.regions[0].params[0]
        items = node.input("items")
        edges = [("items", self._values[items])] if items is not None else []
        self._values[value] = self._add(("variable", node.op), edges)

    def _scope(self, node: Node) -> list[Edge]:
        """A loop or budget scope; its exported and carried names count only if they show."""
        body, shows = node.regions[0], node.id in self._opaque
        starts, params = dict(node.inputs), carried_params(node)
        if node.op == "fold":
            self._variable(node)
        for name, param in params.items():
            edge = ("start", self._values[starts[name]])
            self._values[param] = self._add(("carried", name if shows else ""), [edge])
        edges = [("in", self._node(inner)) for inner in body.nodes]
        for name, value in body.results:
            source = self._values[value]
            if steers(node, name):
                edges.append((name, source))
                continue
            carried = name.removeprefix("next.") if name.startswith("next.") else None
            links = [("value", source)]
            links += [] if carried is None else [("of", self._values[params[carried]])]
            kind, shown = ("export", name) if carried is None else ("next", carried)
            vertex = self._add((kind, shown if shows else ""), links)
            if not shows:
                self._fields[node.id, shown] = vertex
            edges.append((kind, vertex))
        return edges


def _read_whole(body: Region) -> Iterator[ValueId]:
    """Values that something other than `field` reads, so that their field names show."""
    regions = [body]
    for node in walk(body):
        regions += node.regions
        if node.op != "field":
            yield from (value for _, value in node.inputs)
    for region in regions:
        yield from (value for _, value in region.results)


def _depth(hole: Hole, holes: dict[str, Hole]) -> int:
    """How long the longest chain of conditions above a hole is."""
    return 1 + max((_depth(holes[address], holes) for address, _ in hole.when), default=0)
