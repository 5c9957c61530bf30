"""Open graph + assignment of holes → closed graph.

Chosen alternatives are put where the choice was; ids never change. What was not chosen is gone
with its models, prompts and memories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from graphdsl.compiler.collaborate import expand
from graphdsl.compiler.graph_shapes import with_lengths
from graphdsl.compiler.lower_static import as_models
from graphdsl.compiler.pins import checked_pins, value_of
from graphdsl.ir.conditions import idle
from graphdsl.ir.nodes import Assignment, Attr, Graph, Hole, HoleRef, Node, Region, Symbol, ValueId
from graphdsl.ir.prune import mentioned
from graphdsl.ir.types import MODELS
from graphdsl.ops.registry import OPERATORS


def defaults(graph: Graph) -> Assignment:
    """What every hole of a graph is unless somebody says otherwise."""
    return {hole.address: hole.default for hole in graph.holes}


def specialise(graph: Graph, assignment: Mapping[str, str | float] | None = None) -> Graph:
    """The closed graph of an assignment; holes that it leaves out keep their default.

    Holes that do not matter under the assignment may be in it and change nothing. Numbers may
    stand for the labels that they read as.

    Raises CompileError for an address that is no hole of the graph (GD0450) and for a value
    outside of its hole's domain (GD0451), all of them at once.
    """
    holes = {hole.address: hole for hole in graph.holes}
    labels = {**defaults(graph), **checked_pins(graph, assignment or {})}
    closing = _Closing(holes, labels)
    body = closing.region(graph.body)
    return with_lengths(_with_tables(replace(graph, body=body, holes=())))


def _with_tables(graph: Graph) -> Graph:
    """The graph with only those entities that it still mentions."""
    used = set(mentioned(graph))
    return replace(
        graph,
        models=tuple(spec for spec in graph.models if Symbol("model", spec.name) in used),
        prompts=tuple(spec for spec in graph.prompts if Symbol("prompt", spec.name) in used),
        memories=tuple(spec for spec in graph.memories if Symbol("memory", spec.name) in used),
    )


@dataclass(slots=True)
class _Closing:
    """One specialisation: `labels` says what every hole is, `renamed` what gone nodes became."""

    holes: Mapping[str, Hole]
    labels: Mapping[str, str | float]
    renamed: dict[ValueId, ValueId] = field(default_factory=dict[ValueId, ValueId])

    def region(self, region: Region) -> Region:
        """A region without holes."""
        nodes = tuple(self.nodes(region.nodes))
        return replace(region, nodes=nodes, results=self.edges(region.results))

    def nodes(self, nodes: Iterable[Node]) -> list[Node]:
        """The nodes that take the place of these."""
        found: list[Node] = []
        for node in nodes:
            match node.op:
                case "optional":
                    found += self.optional(node)
                case "choice":
                    found += self.inline(node, node.region(self.label(node)))
                case "collaborate":
                    found += self.nodes(expand(node, self.holes, self.value))
                case _:
                    found.append(self.node(node))
        return found

    def node(self, node: Node) -> Node:
        """A node without holes, and without what means nothing with the values of these."""
        operator = OPERATORS.get(node.op)
        params = () if operator is None else operator.params
        # several models are a tuple, whatever the hole held
        lists = {param.name for param in params if MODELS in param.types}
        attrs = {name: self.closed(attr) for name, attr in node.attrs}
        gone = idle(params, attrs)
        return replace(
            node,
            inputs=self.edges(tuple(pair for pair in node.inputs if pair[0] not in gone)),
            attrs=tuple(
                (name, as_models(attr) if name in lists else attr)
                for name, attr in attrs.items()
                if name not in gone
            ),
            regions=tuple(self.region(region) for region in node.regions),
        )

    def inline(self, node: Node, region: Region) -> list[Node]:
        """The nodes of a chosen region; its result takes the place of the node."""
        found = self.nodes(region.nodes)
        self.renamed[node.id] = self.now(dict(region.results)["yield"])
        return found

    def optional(self, node: Node) -> list[Node]:
        """The stage, or what takes its place when it is dropped."""
        if self.label(node) == "on":
            return self.inline(node, node.region("body"))
        bypass = node.input("else")
        if bypass is None:
            return [Node(node.id, "absent", node.type, span=node.span)]
        self.renamed[node.id] = self.now(bypass)
        return []

    def now(self, value: ValueId) -> ValueId:
        """The value that stands for a value now."""
        return self.renamed.get(value, value)

    def edges(self, edges: tuple[tuple[str, ValueId], ...]) -> tuple[tuple[str, ValueId], ...]:
        """Edges to the values that are there now."""
        return tuple((name, self.now(value)) for name, value in edges)

    def label(self, node: Node) -> str:
        """The label that decides a node."""
        hole = node.attr("hole")
        assert isinstance(hole, HoleRef)
        return str(self.labels[hole.address])

    def value(self, address: str) -> Attr:
        """The value of a hole."""
        return value_of(self.holes[address], self.labels[address])

    def closed(self, attr: Attr) -> Attr:
        """An attribute with the values of its holes."""
        match attr:
            case HoleRef(address):
                return self.value(address)
            case tuple():
                return tuple(self.closed(item) for item in attr)
            case _:
                return attr
