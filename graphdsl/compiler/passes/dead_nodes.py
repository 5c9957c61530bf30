"""Removes what the result does not need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from graphdsl.ir.nodes import Graph
from graphdsl.ir.prune import prune
from graphdsl.ir.subject import Stage
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator


@dataclass(frozen=True, slots=True)
class DeadNodes:
    """Drop nodes, exports, carried names and entities that neither result nor effects need.

    A dropped model call no longer counts against the budget around it, so a run that would have
    exhausted its budget may get further; any other run gives the same answer.
    """

    name: ClassVar[str] = "dead-nodes"
    stage: ClassVar[Stage] = "optimised"
    operators: Mapping[str, Operator] = field(default_factory=lambda: OPERATORS, repr=False)

    def __call__(self, graph: Graph) -> Graph:
        """The graph, pruned."""
        pruned = prune(graph, self.operators)
        return graph if pruned == graph else pruned
