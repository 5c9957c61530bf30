"""What the IR asks of an operator; `graphdsl.ops.signature.Operator` fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from graphdsl.ir.types import Type


class Condition(Protocol):
    """When a parameter means something."""

    @property
    def param(self) -> str:
        """The other parameter that decides."""
        ...

    def fits(self, value: Any) -> bool:
        """True for a value of the other that fulfils it; None stands for none given."""
        ...


class Parameter(Protocol):
    """A parameter: an edge of the node, or one of its attributes when `static`."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def types(self) -> tuple[Type, ...]:
        """What may stand there; empty for a word."""
        ...

    @property
    def static(self) -> bool:
        """True for an attribute."""
        ...

    @property
    def rest(self) -> bool:
        """True when the edges `0`, `1`, … belong to it."""
        ...

    @property
    def required(self) -> bool:
        """True when a node must have it: where it means something."""
        ...

    @property
    def preset(self) -> Any:
        """What it is where a node does not have it; None is absent."""
        ...

    @property
    def when(self) -> Condition | None:
        """Where it means something; None is everywhere."""
        ...


class Signature(Protocol):
    """An operator, as far as a graph's validity and identity depend on it."""

    @property
    def params(self) -> Sequence[Parameter]:
        """Its parameters."""
        ...

    @property
    def result(self) -> Callable[[Mapping[str, Type]], Type]:
        """The type of its value, from the types of its edges."""
        ...

    @property
    def effect(self) -> bool:
        """True when its nodes must stay even if nobody reads their value."""
        ...

    @property
    def samples(self) -> bool:
        """True when it may call a model."""
        ...

    @property
    def chance(self) -> bool:
        """True when it draws random numbers."""
        ...

    @property
    def unordered(self) -> frozenset[str]:
        """Edges whose items may come in any order."""
        ...

    @property
    def attached(self) -> frozenset[str]:
        """Attributes that passes set, which are no part of a graph's identity."""
        ...


Operators = Mapping[str, Signature]
"""Operators by name."""
