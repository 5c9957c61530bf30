"""Which values are lists whose order nobody sees, so that ensembles in any order are one graph."""

from __future__ import annotations

from typing import Final

from graphdsl.ir.nodes import Graph, Node, Region, ValueId, walk
from graphdsl.ir.signatures import Operators

_PASSES: Final = frozenset({"concat", "complete"})
"""Operators that hand the order of their lists on, and do nothing else with it."""

_COMMUTES: Final = frozenset({"and", "or"})

_SPREADS: Final = {"generate": frozenset({"models", "temperature"})}
"""Attributes whose order only decides the order of what the operator makes."""


class Order:
    """Where order counts in one graph.

    A list is *free* when every reader takes it through an `unordered` edge of an operator, or
    through a `concat` or `complete` that is itself free. Results of regions are never free.
    """

    def __init__(self, graph: Graph, operators: Operators) -> None:
        self._operators = operators
        nodes = list(walk(graph.body))
        self._seen = _results(graph.body) | {
            value for node in nodes for region in node.regions for value in _results(region)
        }
        for node in reversed(nodes):
            self._seen |= {value for name, value in node.inputs if not self._hides(node, name)}

    def free(self, value: ValueId) -> bool:
        """True when nobody sees the order of that list."""
        return value not in self._seen

    def edge(self, node: Node, name: str) -> str:
        """The name of an edge; edges of one name may change places."""
        if node.op in _COMMUTES or (node.op in ("list", "concat") and self.free(node.id)):
            return "item"
        if node.op == "compare" and node.attr("op") in ("==", "!="):
            return "side"
        return name

    def loose(self, node: Node, attr: str) -> bool:
        """True when the items of that attribute may change places."""
        spreads = attr in _SPREADS.get(node.op, ()) and self.free(node.id)
        return spreads or (node.op, attr) == ("within", "budget")

    def _hides(self, node: Node, name: str) -> bool:
        """True when the order of what comes in there does not show."""
        operator = self._operators.get(node.op)
        if operator is not None and name in operator.unordered:
            return True
        return node.op in _PASSES and self.free(node.id)


def _results(region: Region) -> set[ValueId]:
    return {value for _, value in region.results}
