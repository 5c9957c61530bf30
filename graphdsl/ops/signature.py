"""What an operator is to the compiler: parameters, types, costs. Semantics live in the kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.ir.types import MEMORY, Type

REQUIRED: Final = object()
"""Default of a parameter that must be given."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    A `static` parameter is known at compile time (a literal, a hole, an entity, a word) and is an
    attribute of the node; any other is an edge. `types` are tried in order. `words` are the
    allowed words of an enumeration (then `types` is empty). Numbers may have bounds, and be
    `integer`. `default` None means absent. `many` accepts a list of statics as well (for example
    several temperatures). `provides` names the values that a role prompt may use. `needs` is the
    capability that a call which gives the parameter asks of its models. With `units` it takes one
    quantity in one of these, such as `seconds(10)`, and is a number of seconds.
    """

    name: str
    doc: str
    types: tuple[Type, ...] = ()
    default: Any = REQUIRED
    static: bool = False
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    integer: bool = False
    many: bool = False
    rest: bool = False
    """Takes every further positional argument; the edges are named `0`, `1`, … in order."""
    provides: tuple[str, ...] = ()
    needs: str | None = None
    units: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """True when a call must give it."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Bound:
    """Model calls of one evaluation, at least and at most, given closed attributes."""

    low: int
    high: int


Attrs = Mapping[str, Any]
"""Closed attributes by name: numbers, texts, words; a tuple of model names for `models`."""


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the language.

    `params` in positional order: only the first `positional` may be given without a name.
    `result` gives the type from the types of the given edges. `calls` bounds its model calls.
    `effect` marks operators that must not be removed or merged. `needs` are backend capabilities.
    `unordered` names edges whose order does not matter to the result's distribution.
    `typed` kernels are given the type of their result, as text, in the attribute `type`.
    `attached` names attributes that only the compiler's passes set; they change what a node costs
    and not what it means, so they are no part of a graph's identity.
    `outside` operators run code of models: their results cannot be computed at compile time.
    """

    name: str
    doc: str
    params: tuple[Param, ...]
    result: Callable[[Mapping[str, Type]], Type]
    positional: int = 1
    calls: Callable[[Attrs], Bound] = lambda attrs: Bound(0, 0)
    effect: bool = False
    needs: frozenset[str] = frozenset()
    unordered: frozenset[str] = frozenset()
    source: str = ""
    typed: bool = False
    attached: frozenset[str] = frozenset()
    outside: bool = False

    def param(self, name: str) -> Param | None:
        """The parameter of that name, if any."""
        return next((param for param in self.params if param.name == name), None)

    @property
    def samples(self) -> bool:
        """True when it may call a model."""
        return any(param.name in ("by", "models") and param.types for param in self.params)

    @property
    def pure(self) -> bool:
        """True when its result follows from its arguments: it asks neither models nor memories,
        and runs no code."""
        memories = any(MEMORY in param.types for param in self.params)
        return not (self.samples or self.outside or memories)
