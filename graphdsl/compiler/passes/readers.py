"""Who reads the values of a graph, across all its regions."""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.ir.nodes import Graph, Node, Region, ValueId


@dataclass(frozen=True, slots=True)
class Reading:
    """One edge: `node` reads a value as `name`.

    A result of one of its regions is read by the node that holds the region, `result` then being
    true; what the graph returns is read by no node.
    """

    node: Node | None
    name: str
    result: bool = False


class Readers:
    """The edges of a graph by the value that they come from."""

    def __init__(self, graph: Graph) -> None:
        self._of: dict[ValueId, list[Reading]] = {}
        self._region(graph.body, None)

    def of(self, value: ValueId) -> list[Reading]:
        """All readings of a value, in order."""
        return self._of.get(value, [])

    def _region(self, region: Region, holder: Node | None) -> None:
        for node in region.nodes:
            for name, value in node.inputs:
                self._of.setdefault(value, []).append(Reading(node, name))
            for inner in node.regions:
                self._region(inner, node)
        for name, value in region.results:
            self._of.setdefault(value, []).append(Reading(holder, name, result=True))
