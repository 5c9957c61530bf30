"""Compile-time values of arguments, for counting: numbers, words, and tuples of models."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.compiler.entities import model_spec, pool_models
from graphdsl.compiler.program import Declaration, Module
from graphdsl.ir.entities import ModelSpec
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
    the value that makes the graph largest, instead of its default, and `widest` all models that
    it may stand for.

    With `largest` models have no options, which another alternative may not have either.
    """

    module: Module
    known: Mapping[str, Any]
    largest: bool
    widest: bool = False

    def of(self, expr: tree.Expr) -> Any:
        """The value; a model is a tuple of one. None where it is not known."""
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
        return str(ref) if found is None else self._declared(*found)

    def _hole(self, hole: tree.Hole) -> Any:
        default = self.of(hole.value)
        if self.widest and not isinstance(hole.domain, tree.Range):
            return self._models(default, self.of(hole.domain))
        if not self.largest:
            return default
        match hole.domain:
            case tree.Range(high=tree.Number(value=high)):
                return high
            case tree.ListExpr(items=items):
                return max((self.of(item) for item in items), key=_size, default=default)
            case _:
                return default

    def _models(self, default: Any, domain: Any) -> Any:
        """All models of a hole over models; of any other hole the default."""
        if not isinstance(default, tuple) or not isinstance(domain, tuple):
            return default  # pyright: ignore[reportUnknownVariableType]
        parts: tuple[Any, ...] = (default, *domain)  # pyright: ignore[reportUnknownVariableType]
        return _flat(parts)

    def _declared(self, module: Module, item: Declaration) -> Any:
        match item:
            case tree.Model():
                return (self._model(module, item),)
            case tree.Pool():
                return tuple(
                    self._model(where, model) for _, where, model in pool_models(module, item)
                )
            case tree.Flow() | tree.Prompt():
                return Declared(module, item)
            case tree.Memory():
                return None

    def _model(self, module: Module, model: tree.Model) -> ModelSpec:
        spec = model_spec(module, model)
        return ModelSpec(spec.name, spec.backend, spec.model) if self.largest else spec


def key_of(value: Any) -> Hashable:
    """What tells compile-time values apart; models have names of their own."""
    match value:
        case tuple():
            return tuple(map(key_of, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case ModelSpec():
            return value.name
        case _:
            return value


def _flat(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Lists of models are one list, which has each model once."""
    found: list[Any] = []
    for item in items:
        parts: tuple[Any, ...] = item if isinstance(item, tuple) else (item,)  # pyright: ignore[reportUnknownVariableType]
        found += [part for part in parts if not isinstance(part, ModelSpec) or part not in found]
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
