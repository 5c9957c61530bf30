"""How long the lists of a flow can be at most, as far as its own text tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from graphdsl.compiler.program import Module
from graphdsl.compiler.static_values import Values
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import REQUIRED
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
        self._bound: dict[str, tree.Rhs | None] = {}
        known: dict[str, Any] = {param.name.text: None for param in flow.params}
        values = Values(module, known, largest=True)
        for node in _nodes(flow.body):
            if isinstance(node, tree.Bind | tree.Tune):
                name = node.name.text  # bound twice, in two blocks: nobody can tell which is meant
                self._bound[name] = None if name in self._bound else node.value
        for name, value in self._bound.items():
            if isinstance(value, tree.Number | tree.String | tree.Bool | tree.Hole):
                known[name] = values.of(value)
        self._values = values

    def bound(self, ref: tree.Ref) -> tree.Rhs | None:
        """What a name of the flow is bound to; None for fields, parameters and other names."""
        return self._bound.get(str(ref))

    def of(self, expr: tree.Rhs) -> int | None:
        """The most items that a list can have; None where that is not known."""
        match expr:
            case tree.Ref():
                made = self.bound(expr)
                return None if made is None else self.of(made)
            case tree.ListExpr(items=items):
                return len(items)
            case tree.Each(items=items, bound=bound):
                return _least(self.of(items), self._number(bound))
            case tree.Call():
                return self._call(expr)
            case _:
                return None

    def _call(self, call: tree.Call) -> int | None:
        given = given_of(call)
        match str(call.callee):
            case "generate":
                return self._samples(given)
            case "complete" | "passing":
                return self._inner(given.get("drafts"))
            case "rank" | "shortest":
                return _least(self._inner(given.get("drafts")), self._number(given.get("keep")))
            case "take":
                return _least(self._inner(given.get("items")), self._number(given.get("count")))
            case "concat":
                sizes = [self.of(item) for item in given.values()]
                return None if None in sizes else sum(size or 0 for size in sizes)
            case "append":
                size = self._inner(given.get("items"))
                return None if size is None else size + 1
            case _:
                return None

    def _inner(self, expr: tree.Expr | None) -> int | None:
        return None if expr is None else self.of(expr)

    def _samples(self, given: dict[str, tree.Expr]) -> int | None:
        """All samples of a `generate` whose models, samples and temperatures are known."""
        operator = OPERATORS["generate"]
        attrs = {p.name: None if p.default is REQUIRED else p.default for p in operator.params}
        for name in ("models", "samples", "temperature"):
            if name in given:
                attrs[name] = self._values.of(given[name])
                if attrs[name] is None or attrs[name] == ():
                    return None
        return operator.calls(attrs).high

    def _number(self, expr: tree.Expr | None) -> int | None:
        value = None if expr is None else self._values.of(expr)
        return int(value) if isinstance(value, int | float) else None


def _least(first: int | None, second: int | None) -> int | None:
    known = [size for size in (first, second) if size is not None]
    return min(known, default=None)
