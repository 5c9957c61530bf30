"""Compile-time values of arguments, for counting: numbers, words, and tuples of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.compiler.entities import pool_models, qualified
from graphdsl.compiler.program import Declaration, Module
from graphdsl.syntax import tree


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """A flow or prompt as a compile-time value; the same declaration is the same value."""

    module: Module
    item: tree.Flow | tree.Prompt

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and self.item is other.item

    def __hash__(self) -> int:
        return id(self.item)


@dataclass(frozen=True, slots=True)
class Values:
    """Reads compile-time values in one flow. `known` are its names; `largest` takes of every hole
    the value that makes the graph largest, instead of its default."""

    module: Module
    known: Mapping[str, Any]
    largest: bool

    def of(self, expr: tree.Expr) -> Any:
        """The value; a model is a tuple of one name. None where it is not known."""
        match expr:
            case tree.String() | tree.Number() | tree.Bool():
                return expr.value
            case tree.Ref():
                return self._name(expr)
            case tree.ListExpr(items=items):
                return _flat(tuple(self.of(item) for item in items))
            case tree.Hole():
                return self._hole(expr)
            case _:
                return None

    def _name(self, ref: tree.Ref) -> Any:
        if ref.parts[0].text in self.known:
            return self.known[ref.parts[0].text] if len(ref.parts) == 1 else None
        found = self.module.find(ref)
        return str(ref) if found is None else _declared(*found)

    def _hole(self, hole: tree.Hole) -> Any:
        default = self.of(hole.value)
        if not self.largest:
            return default
        match hole.domain:
            case tree.Range(high=tree.Number(value=high)):
                return high
            case tree.ListExpr(items=items):
                return max((self.of(item) for item in items), key=_size, default=default)
            case _:
                return default


def _declared(module: Module, item: Declaration) -> Any:
    match item:
        case tree.Model():
            return (qualified(module, item.name.text),)
        case tree.Pool():
            return tuple(name for name, _, _ in pool_models(module, item))
        case tree.Flow() | tree.Prompt():
            return Declared(module, item)
        case tree.Memory():
            return None


def _flat(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Lists of models are one list."""
    found: list[Any] = []
    for item in items:
        found.extend(item if isinstance(item, tuple) else (item,))  # pyright: ignore[reportUnknownArgumentType]
    return tuple(found)


def _size(value: Any) -> float:
    """How large a value makes a graph."""
    match value:
        case bool():
            return 0
        case int() | float():
            return value
        case tuple():
            return len(value)  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return 0
