"""Calls of operators as they are counted on the tree: attributes, and what of them is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from graphdsl.compiler.static_values import Values, Word, words_of
from graphdsl.ir.conditions import applies
from graphdsl.ir.types import MODEL, MODELS
from graphdsl.ops.signature import Operator, Param
from graphdsl.syntax import tree

_MOST_VARIANTS: Final = 256
"""Combinations of words of one call that are looked at."""


@dataclass(frozen=True, slots=True)
class CallValues:
    """The arguments of one call: `given` by parameter, `attrs` with the defaults of others.

    Arguments of a parameter that takes the rest are called `0`, `1`, …. `unsure` are those that
    are given and not known.
    """

    operator: Operator
    given: Mapping[str, tree.Expr]
    attrs: Mapping[str, Any]
    unsure: frozenset[str]

    @staticmethod
    def of(call: tree.Call, operator: Operator, values: Values) -> CallValues:
        """Those of a call."""
        given = _given(call, operator)
        attrs: dict[str, Any] = {param.name: param.preset for param in operator.params}
        for param in operator.params:
            if param.static and param.name in given:
                attrs[param.name] = _plain(values.of(given[param.name], param.words), param)
        static = {param.name for param in operator.params if param.static}
        unsure = frozenset(name for name in static & given.keys() if attrs[name] is None)
        return CallValues(operator, given, attrs, unsure)

    def used(self) -> Iterator[tree.Expr]:
        """The arguments that mean something with some of the words of this call."""
        params = {param.name: param for param in self.operator.params}
        for name, expr in self.given.items():
            param = params.get(name)
            if param is None or applies(param, params, self._alternatives).may:
                yield expr

    def variants(self) -> Iterator[dict[str, Any]]:
        """The attributes with each of the words that holes may choose."""
        holes = [name for name, value in self.attrs.items() if isinstance(value, Word)]
        for words in islice(product(*(self.attrs[n].others for n in holes)), _MOST_VARIANTS):
            yield {**self.attrs, **dict(zip(holes, words, strict=True))}

    def _alternatives(self, name: str) -> tuple[Any, ...] | None:
        return None if name in self.unsure else words_of(self.attrs.get(name))


def _plain(value: Any, param: Param) -> Any:
    """One model is itself where only one is wanted, as in a plan."""
    if MODEL not in param.types or MODELS in param.types or not isinstance(value, tuple):
        return value
    models: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType]
    return models[0] if len(models) == 1 else models


def _given(call: tree.Call, operator: Operator) -> dict[str, tree.Expr]:
    found: dict[str, tree.Expr] = {}
    for index, arg in enumerate(call.args):
        found[arg.name.text if arg.name is not None else _name(operator.params, index)] = arg.value
    return found


def _name(params: tuple[Param, ...], index: int) -> str:
    taken = index < len(params) and not params[0].rest
    return params[index].name if taken else str(index)
