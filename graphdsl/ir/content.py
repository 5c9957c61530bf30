"""What a compile-time value is, apart from what it is called: the parts that enter a graph's hash.

Numbers count by value (`1` is `1.0`), models by backend, model and those options that their answers
may depend on (not keys, prices and patience), prompts by parameters and templates. Memories and
holes are things that nodes share, so they are no content: they become links, and stand here as a
placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphdsl.ir.backends import CALLING, PRICES
from graphdsl.ir.entities import EnvVar, ModelSpec, PromptSpec
from graphdsl.ir.nodes import Choices, Domain, Graph, Hole, HoleRef, Symbol

APART: Final = frozenset(
    {*(option.name for option in (*CALLING, *PRICES)), "api_key", "max_in_flight"}
)
"""Options that say how a model is reached and paid, and nothing about its answers."""

Link = tuple[str, Symbol | HoleRef]
"""Where in an attribute something shared is mentioned, and what."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of every attribute of one graph."""

    entities: Mapping[Symbol, Any] = field(default_factory=dict[Symbol, Any])

    @staticmethod
    def of(graph: Graph) -> Contents:
        """The entities of a graph by symbol."""
        models = {Symbol("model", spec.name): _model(spec) for spec in graph.models}
        prompts = {Symbol("prompt", spec.name): _prompt(spec) for spec in graph.prompts}
        return Contents({**models, **prompts})

    def attr(self, value: Any, *, unordered: bool = False) -> Any:
        """The content of an attribute, as nested tuples whose `repr` is canonical."""
        match value:
            case tuple():
                items: list[Any] = [self.attr(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
                return ("unordered", *sorted(items, key=repr)) if unordered else ("list", *items)
            case Symbol():
                return self.entities.get(value, ("shared", value.kind))
            case HoleRef():
                return ("shared", "hole")
            case _:
                return plain(value)

    def hole(self, hole: Hole) -> Any:
        """The content of a hole: its domain and where in it the default is."""
        return ("hole", self.domain(hole.domain), plain(position(hole, hole.default)))

    def domain(self, domain: Domain) -> Any:
        """The content of a domain; labels count only where they are the values."""
        if isinstance(domain, Choices):
            return ("choices", self.attr(domain.values))
        numbers = (domain.low, domain.high, domain.step)
        return ("interval", domain.integer, *map(plain, numbers))


def links(name: str, value: Any, *, unordered: bool = False) -> list[Link]:
    """The shared things that an attribute mentions; the order counts unless `unordered`."""
    match value:
        case HoleRef() | Symbol("memory"):
            return [(name, value)]
        case tuple():
            items: list[tuple[int, Any]] = list(enumerate(value))  # pyright: ignore[reportUnknownArgumentType]
            spots = [(name if unordered else f"{name} {index}", item) for index, item in items]
            return [link for spot, item in spots for link in links(spot, item)]
        case _:
            return []


def position(hole: Hole, label: str | float) -> int | float | str:
    """Where a label stands among the choices of a hole; a number of an interval is itself."""
    if isinstance(hole.domain, Choices) and label in hole.domain.labels:
        return hole.domain.labels.index(str(label))
    return label


def plain(value: Any) -> Any:
    """The content of a literal or option; equal numbers are one, records have no order.

    >>> plain(1.0) == plain(1), plain(True) == plain(1), plain("1") == plain(1)
    (True, False, False)
    """
    match value:
        case bool() | None:
            return ("word", value)
        case int() | float():
            return ("number", int(value) if value == value // 1 else value)
        case Mapping():
            pairs: list[tuple[str, Any]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
            return ("record", *sorted((str(name), plain(item)) for name, item in pairs))
        case tuple() | list():
            items: tuple[Any, ...] = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return ("list", *map(plain, items))
        case EnvVar(name):
            return ("env", name)
        case ModelSpec():
            return _model(value)
        case _:
            return ("text", str(value))


def _model(spec: ModelSpec) -> Any:
    options = {name: value for name, value in spec.options.items() if name not in APART}
    return ("model", spec.backend, spec.model, plain(options))


def _prompt(spec: PromptSpec) -> Any:
    return ("prompt", spec.params, spec.turns)
