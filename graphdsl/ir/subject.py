"""The graph under examination, with what several rules look up in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from graphdsl.ir.nodes import Graph, Hole, Node, Region, ValueId, walk
from graphdsl.ir.signatures import Operators
from graphdsl.ir.types import UNKNOWN, Type

Stage = Literal["open", "closed", "optimised"]
"""How far a graph has come. Each stage keeps the rules of the one before."""

STAGES: Final[tuple[Stage, ...]] = ("open", "closed", "optimised")
OPTIMISED: Final[Stage] = "optimised"

Breach = tuple[str, str]
"""The node (or other place) that breaks a rule, and how."""


@dataclass(frozen=True)
class Subject:
    """A graph and the operators it may use."""

    graph: Graph
    operators: Operators

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, outer before inner."""
        return tuple(walk(self.graph.body))

    @cached_property
    def holes(self) -> dict[str, Hole]:
        """The declared holes by address."""
        return {hole.address: hole for hole in self.graph.holes}

    @cached_property
    def types(self) -> dict[ValueId, Type]:
        """The type of every value."""
        found = {node.id: node.type for node in self.nodes}
        found.update(self.graph.body.params)
        for node in self.nodes:
            for region in node.regions:
                found.update(region.params)
        return found

    def type(self, value: ValueId) -> Type:
        """The type of a value, unknown when nothing makes it."""
        return self.types.get(value, UNKNOWN)

    def inputs(self, node: Node) -> dict[str, Type]:
        """The types of a node's edges by name."""
        return {name: self.type(value) for name, value in node.inputs}

    def results(self, region: Region) -> dict[str, Type]:
        """The types of a region's results by name."""
        return {name: self.type(value) for name, value in region.results}
