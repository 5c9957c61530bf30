"""How long the lists of a flow can be at most, as far as its own text tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property
from typing import Any

from graphdsl.compiler.counting import Counter
from graphdsl.compiler.list_shapes import UNKNOWN
from graphdsl.compiler.program import Module
from graphdsl.compiler.tree_shapes import TreeShapes
from graphdsl.ops.registry import OPERATORS
from graphdsl.syntax import tree


def given_of(call: tree.Call) -> dict[str, tree.Expr]:
    """Arguments of an operator call by parameter; those of one that takes the rest by number."""
    operator = OPERATORS.get(str(call.callee))
    params = () if operator is None or operator.params[0].rest else operator.params
    found: dict[str, tree.Expr] = {}
    for index, arg in enumerate(call.args):
        unnamed = params[index].name if index < len(params) else str(index)
        found[unnamed if arg.name is None else arg.name.text] = arg.value
    return found


def refs_in(part: object, name: str) -> int:
    """How often a part of the tree reads a name."""
    return sum(node.parts[0].text == name for node in _nodes(part) if isinstance(node, tree.Ref))


def _nodes(part: object) -> Iterator[tree.Node]:
    waiting: list[Any] = [part]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting.extend(current)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(current, tree.Node):
            yield current
            waiting.extend(getattr(current, part.name) for part in fields(current))


class Lengths:
    """The lists of one flow. Holes count with their largest value; parameters are unknown."""

    def __init__(self, module: Module, flow: tree.Flow) -> None:
        self.flow = flow
        self._module = module

    def bound(self, ref: tree.Ref) -> tree.Rhs | None:
        """What a name of the flow is bound to; None for fields, parameters and other names."""
        return self._bound.get(str(ref))

    def of(self, expr: tree.Expr) -> int | None:
        """The most items that a list can have; None where that is not known."""
        return self._shapes.of(expr).most

    @cached_property
    def _bound(self) -> dict[str, tree.Rhs | None]:
        """Names with their values; None for one of two blocks, since nobody can tell which."""
        found: dict[str, tree.Rhs | None] = {}
        for node in _nodes(self.flow.body):
            if isinstance(node, tree.Bind | tree.Tune):
                name = node.name.text
                found[name] = None if name in found else node.value
        return found

    @cached_property
    def _shapes(self) -> TreeShapes:
        shapes = Counter(largest=True).uncalled(self._module, self.flow)
        shapes.statements(self.flow.body)
        unsure = (name for name, value in self._bound.items() if value is None)
        shapes.env.update(dict.fromkeys(unsure, UNKNOWN))
        return shapes
