"""Compile-time values of arguments, for counting: numbers, words, and tuples of models."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
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


class Word(str):
    """A word of a parameter that a hole may change; it is its default. `others` are all of them."""

    __slots__ = ("others",)

    def __new__(cls, default: str, others: tuple[str, ...]) -> Word:
        """The default, with the alternatives."""
        made = super().__new__(cls, default)
        made.others = others
        return made

    others: tuple[str, ...]


def words_of(value: Any) -> tuple[Any, ...]:
    """All that a value may be; itself where it is no hole over words."""
    return value.others if isinstance(value, Word) else (value,)


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

    def of(self, expr: tree.Expr, words: Collection[str] = ()) -> Any:
        """The value; a model is a tuple of one. None where it is not known.

        `words` are bare names that mean themselves, whatever else the file declares under them.
        """
        match expr:
            case tree.String() | tree.Number() | tree.Bool():
                return expr.value
            case tree.Ref():
                return self._name(expr, words)
            case tree.ListExpr(items=items):
                return _flat(tuple(self.of(item, words) for item in items))
            case tree.Hole():
                return self._hole(expr, words)
            case _:
                return None

    def _name(self, ref: tree.Ref, words: Collection[str]) -> Any:
        meant = self.known.get(ref.parts[0].text)
        if str(ref) in words and meant not in words:
            return str(ref)
        if ref.parts[0].text in self.known:
            return meant if len(ref.parts) == 1 else None
        found = self.module.find(ref)
        return str(ref) if found is None else self._declared(*found)

    def _hole(self, hole: tree.Hole, words: Collection[str]) -> Any:
        default = self.of(hole.value, words)
        if isinstance(default, str) and isinstance(hole.domain, tree.ListExpr):
            others = (self.of(item, words) for item in hole.domain.items)
            return Word(default, tuple(word for other in others for word in words_of(other)))
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
        case Word():
            return str(value), value.others
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
