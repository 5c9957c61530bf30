"""Computes at compile time what does not depend on the inputs of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

from graphdsl.errors import PromptError
from graphdsl.ir.nodes import Attr, Graph, HoleRef, Node, Region, ValueId
from graphdsl.ir.subject import Stage
from graphdsl.ir.types import ListOf, OptionalOf, Type, Unknown
from graphdsl.ops.context import PureKernel
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.required import slow


@cache
def kernels() -> Mapping[str, PureKernel]:
    """Ops without model, memory or clock. `render` is left to the run, which may report it."""
    from graphdsl.ops.core import CORE
    from graphdsl.ops.kernels import PURE

    found = {op: kernel for op, kernel in {**PURE, **CORE}.items() if op != "render"}
    return {op: kernel for op, kernel in found.items() if _pure(op)}


def _pure(op: str) -> bool:
    """True for what gives the same whenever it is asked: no models, code or chance."""
    operator = OPERATORS.get(op)
    return operator is None or operator.pure


@dataclass(frozen=True, slots=True)
class ConstantFold:
    """Evaluate pure nodes whose inputs are constants, with the kernels that a run would use.

    What can be written as a `const` or `absent` node becomes one. `and` and `or` drop operands
    that decide nothing, a field of a record becomes the value that was put there, and the taken
    branch of an `if` with a constant condition takes its place.
    """

    name: ClassVar[str] = "constant-fold"
    stage: ClassVar[Stage] = "closed"

    def __call__(self, graph: Graph) -> Graph:
        """The graph with constants folded; what they leave unused is for `dead-nodes`."""
        body = _Fold().region(graph.body)
        return graph if body == graph.body else replace(graph, body=body)


class _Args(dict[str, Any]):
    """Arguments of a kernel; one that is not given is absent."""

    def __missing__(self, name: str) -> None:
        return None


class _Fold:
    """One walk in order. `known` are values of constants, `same` says what a value now is."""

    def __init__(self) -> None:
        self.kernels = kernels()
        self.known: dict[ValueId, Any] = {}
        self.same: dict[ValueId, ValueId] = {}
        self.records: dict[ValueId, Node] = {}
        self.types: dict[ValueId, Type] = {}

    def region(self, region: Region) -> Region:
        """A region with its nodes folded."""
        self.types.update(region.params)
        nodes = tuple(self.nodes(region.nodes))
        return replace(region, nodes=nodes, results=self.edges(region.results))

    def nodes(self, nodes: Iterable[Node]) -> Iterable[Node]:
        """What takes the place of nodes."""
        for node in nodes:
            self.types[node.id] = node.type
            inner = replace(node, inputs=self.edges(node.inputs))
            yield from self.node(inner)

    def node(self, node: Node) -> Iterable[Node]:
        """What takes the place of a node whose inputs are folded."""
        match node.op:
            case "if":
                yield from self.branch(node)
            case "field" if (value := self.stored(node)) is not None:
                self.same[node.id] = value
            case "and" | "or" if (left := self.operands(node)) is not None:
                yield from self.node(left)
            case op if op in self.kernels and not slow(op, dict(node.attrs)):
                yield self.evaluated(node)
            case _:
                yield replace(node, regions=tuple(map(self.region, node.regions)))

    def edges(self, edges: tuple[tuple[str, ValueId], ...]) -> tuple[tuple[str, ValueId], ...]:
        """Edges from what their values now are."""
        return tuple((name, self.same.get(value, value)) for name, value in edges)

    def evaluated(self, node: Node) -> Node:
        """The node as a constant where its inputs are known, else as it is."""
        if node.op == "record":
            self.records[node.id] = node
        if not all(value in self.known for _, value in node.inputs):
            return node
        if any(is_open(attr) for _, attr in node.attrs):
            return node
        args = _Args((name, self.known[value]) for name, value in node.inputs)
        args.update(node.attrs)
        if node.op in OPERATORS and OPERATORS[node.op].typed:
            args["type"] = str(node.type)
        try:
            value = self.known[node.id] = self.kernels[node.op](args)
        except PromptError:  # a text or list that is too long: the run reports it, with its node
            return node
        return written(node, value)

    def stored(self, node: Node) -> ValueId | None:
        """What a `field` reads from a `record` node, when it is that value unchanged."""
        record = self.records.get(node.inputs[0][1])
        value = record.input(str(node.attr("name"))) if record is not None else None
        return value if value is not None and unchanged(self.types[value], node.type) else None

    def operands(self, node: Node) -> Node | None:
        """An `and` or `or` that is decided, or without operands that decide nothing."""
        decides = node.op == "or"
        for _, value in node.inputs:
            if value in self.known and (self.known[value] is True) is decides:
                return Node(node.id, "const", node.type, (), (("value", decides),), (), node.span)
        left = [value for _, value in node.inputs if value not in self.known]
        if len(left) in (0, len(node.inputs)):
            return None
        return replace(node, inputs=tuple((str(i), value) for i, value in enumerate(left)))

    def branch(self, node: Node) -> Iterable[Node]:
        """An `if`, or the branch of it that runs whatever the inputs are."""
        condition = node.inputs[0][1]
        regions = {region.name: self.region(region) for region in node.regions}
        chosen = "then" if self.known.get(condition) is True else "else"
        _, value = regions[chosen].results[0]
        if condition in self.known and unchanged(self.types[value], node.type):
            self.same[node.id] = value
            return regions[chosen].nodes
        return (replace(node, regions=tuple(regions.values())),)


def is_open(attr: Attr) -> bool:
    """True when a search decides about the attribute."""
    return isinstance(attr, HoleRef) or (isinstance(attr, tuple) and any(map(is_open, attr)))


def written(node: Node, value: Any) -> Node:
    """The node that makes a known value: a literal where it can be written as one."""
    if value is None:
        return Node(node.id, "absent", node.type, span=node.span)
    if isinstance(value, str | int | float):
        return Node(node.id, "const", node.type, attrs=(("value", value),), span=node.span)
    return node


def unchanged(source: Type, target: Type) -> bool:
    """True when a value of `source` is the very same value as a `target`: no coercion between."""
    match source, target:
        case _, OptionalOf(item):
            return unchanged(source.item if isinstance(source, OptionalOf) else source, item)
        case ListOf(a), ListOf(b):
            return unchanged(a, b)
        case _:
            return source == target or isinstance(target, Unknown)
