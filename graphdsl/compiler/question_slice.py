"""The part of a closed graph that makes a question from the inputs, before any model is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Self

from graphdsl.ir.nodes import Graph, Node, Region, ValueId, walk
from graphdsl.ir.prune import carried_params
from graphdsl.ops.registry import OPERATORS


class QuestionSlice:
    """Collects what values are made of: inputs, and nodes that ask no model and change nothing.

    In a loop a value is that of the first round: what is carried is what it starts with.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._inputs = {name for name, _ in graph.body.params}
        self._made = {node.id: node for node in walk(graph.body)}
        self._starts = dict(_starts(graph))
        self._kept: dict[ValueId, Node] = {}
        self._reads: set[ValueId] = set()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """What was taken, in the order in which it can be computed."""
        return tuple(self._kept.values())

    @property
    def reads(self) -> bool:
        """Whether an input of the flow is among it."""
        return bool(self._reads)

    def now(self, value: ValueId) -> ValueId:
        """The value that stands for a value in the first round."""
        while value in self._starts:
            value = self._starts[value]
        return value

    def take(self, value: ValueId) -> bool:
        """Take a value with all that it is made of; False where a model is part of that."""
        value = self.now(value)
        if value in self._inputs:
            self._reads.add(value)
            return True
        if value in self._kept:
            return True
        node = self._made.get(value)
        if node is None or not _free(node):
            return False
        if not all(self.take(one) for one in _outer(node)):
            return False
        self._kept[value] = self._renamed(node)
        return True

    def with_(self, value: ValueId) -> Self | None:
        """This and one more value; None where that needs a model."""
        other = type(self)(self._graph)
        other._kept.update(self._kept)
        other._reads.update(self._reads)
        return other if other.take(value) else None

    def _renamed(self, node: Node, own: frozenset[ValueId] = frozenset()) -> Node:
        """A node that reads the first round of the loops around; `own` is made inside of it."""
        inputs = self._edges(node.inputs, own)
        regions = tuple(self._region(region, own) for region in node.regions)
        return replace(node, inputs=inputs, regions=regions)

    def _region(self, region: Region, own: frozenset[ValueId]) -> Region:
        own |= {name for name, _ in region.params}
        nodes = tuple(self._renamed(node, own) for node in region.nodes)
        return replace(region, nodes=nodes, results=self._edges(region.results, own))

    def _edges(
        self, edges: tuple[tuple[str, ValueId], ...], own: frozenset[ValueId]
    ) -> tuple[tuple[str, ValueId], ...]:
        return tuple((name, value if value in own else self.now(value)) for name, value in edges)


def _free(node: Node) -> bool:
    """True for a node that asks no model and changes nothing, nor does any inside it."""
    inside = [node, *(inner for region in node.regions for inner in walk(region))]
    operators = [OPERATORS[each.op] for each in inside if each.op in OPERATORS]
    return not any(each.samples or each.effect or each.outside for each in operators)


def _outer(node: Node) -> Iterator[ValueId]:
    """What a node and those inside it read that is made outside of it."""
    inside = [inner for region in node.regions for inner in walk(region)]
    regions = [region for each in (node, *inside) for region in each.regions]
    own = {each.id for each in inside} | {name for one in regions for name, _ in one.params}
    edges = [edge for each in (node, *inside) for edge in each.inputs]
    edges += [edge for region in regions for edge in region.results]
    yield from (value for _, value in edges if value not in own)


def _starts(graph: Graph) -> Iterator[tuple[ValueId, ValueId]]:
    """What every carried name of a loop is in the first round."""
    for node in walk(graph.body):
        if node.op in ("repeat", "fold"):
            for name, param in carried_params(node).items():
                if (start := node.input(name)) is not None:
                    yield param, start
