"""The type of an operator's result, from the types of its edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphdsl.ir.types import (
    DOC,
    DOCS,
    DRAFT,
    DRAFTS,
    UNKNOWN,
    VERDICT,
    ListOf,
    OptionalOf,
    Type,
    Unknown,
)

Result = Callable[[Mapping[str, Type]], Type]
"""What `Operator.result` is."""


def always(kind: Type) -> Result:
    """The same type whatever the edges are."""
    return lambda types: kind


def same(name: str) -> Result:
    """The type of that edge."""
    return lambda types: types.get(name, UNKNOWN)


def item(name: str) -> Result:
    """The type of an item of that edge."""

    def result(types: Mapping[str, Type]) -> Type:
        kind = types.get(name, UNKNOWN)
        if kind == DOCS:
            return DOC
        return kind.item if isinstance(kind, ListOf) else UNKNOWN

    return result


def end(name: str) -> Result:
    """An item of a list that may be empty: a draft can say so itself, other items are absent."""
    inner = item(name)

    def result(types: Mapping[str, Type]) -> Type:
        kind = inner(types)
        sound = kind == DRAFT or isinstance(kind, OptionalOf | Unknown)
        return kind if sound else OptionalOf(kind)

    return result


def present(types: Mapping[str, Type]) -> Type:
    """The type of a value that is there, else that of its default."""
    value = types.get("value", UNKNOWN)
    there = value.item if isinstance(value, OptionalOf) else value
    return types.get("default", UNKNOWN) if isinstance(there, Unknown) else there


def executed(types: Mapping[str, Type]) -> Type:
    """As many drafts as are given; one for a draft or a text."""
    return DRAFTS if isinstance(types.get("of"), ListOf) else DRAFT


def judged(types: Mapping[str, Type]) -> Type:
    """As many verdicts as there are drafts."""
    return ListOf(VERDICT) if isinstance(types.get("drafts"), ListOf) else VERDICT
