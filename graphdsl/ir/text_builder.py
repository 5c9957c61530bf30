"""Turns the parsed textual IR into a graph, bottom-up, one method per rule of `ir.lark`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from lark import Token, Transformer

from graphdsl.ir.entities import EnvVar, MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.nodes import (
    Attr,
    Choices,
    Graph,
    Hole,
    HoleRef,
    Input,
    Interval,
    Node,
    Region,
    Symbol,
)
from graphdsl.ir.text import label_of
from graphdsl.ir.types import UNKNOWN, ListOf, Named, OptionalOf, RecordOf, Type

T = TypeVar("T")


Children = list[Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """A small part that lives only while a text is read: `of` says which."""

    of: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Attrs:
    """Attributes in order."""

    items: tuple[tuple[str, Attr], ...]


def _pairs(children: Children, of: str) -> tuple[tuple[str, Any], ...]:
    return tuple((c.name, c.value) for c in children if isinstance(c, Pair) and c.of == of)


def _only(children: Children, kind: type[T]) -> tuple[T, ...]:
    return tuple(child for child in children if isinstance(child, kind))


def _options(children: Children) -> dict[str, Any]:
    return dict(_only(children, Attrs)[0].items)


def _path(token: str) -> str:
    """The name behind `%` or `@`."""
    name = token[1:]
    return json.loads(name) if name.startswith('"') else name


def _symbol(token: str) -> Symbol:
    kind, _, _ = token.partition("@")
    return Symbol(kind.strip() or "model", _path(token[len(kind) :]))


def _number(token: str) -> int | float:
    return float(token) if any(mark in token for mark in ".en") else int(token)


class Builder(Transformer[Token, Any]):
    """Builds each part from the parts below it, while the parser runs."""

    def start(self, c: Children) -> Graph:
        """The graph."""
        inputs = _only(c, Input)
        return Graph(
            flow=c[0],
            inputs=inputs,
            result=c[1 + len(inputs)],
            body=c[-1],
            holes=_only(c, Hole),
            models=_only(c, ModelSpec),
            prompts=_only(c, PromptSpec),
            memories=_only(c, MemorySpec),
        )

    def input(self, c: Children) -> Input:
        """A parameter of the flow."""
        return Input(c[0], c[1]) if len(c) == 2 else Input(c[0], c[1], False, c[2])

    def model(self, c: Children) -> ModelSpec:
        """A declared model, or one within the options of another."""
        return ModelSpec(_symbol(c[0]).name, c[1], json.loads(c[2]), _options(c))

    def memory(self, c: Children) -> MemorySpec:
        """A declared memory."""
        store = None if c[1].type == "NONE" else json.loads(c[1])
        return MemorySpec(_path(c[0]), store, _options(c))

    def prompt(self, c: Children) -> PromptSpec:
        """A declared prompt."""
        params = tuple(child for child in c[1:] if isinstance(child, str))
        return PromptSpec(_path(c[0]), params, _pairs(c, "turn"))

    def turn(self, c: Children) -> Pair:
        """A role and its template, one string per line."""
        return Pair("turn", c[0], "".join(map(json.loads, c[1:])))

    def hole(self, c: Children) -> Hole:
        """A hole; the default of choices is written as the value or as the label."""
        address, default, domain = json.loads(c[0]), c[1], c[2]
        start = label_of(default) if isinstance(domain, Choices) else default
        return Hole(address, start, domain, _pairs(c, "condition"))

    def choices(self, c: Children) -> Choices:
        """Finitely many values."""
        pairs = _pairs(c, "choice")
        return Choices(tuple(label for label, _ in pairs), tuple(value for _, value in pairs))

    def choice(self, c: Children) -> Pair:
        """A value, with its label where that is not the value's own text."""
        return Pair("choice", label_of(c[0]) if len(c) == 1 else json.loads(c[0]), c[-1])

    def interval(self, c: Children) -> Interval:
        """A range of numbers."""
        numbers = [_number(token) for token in c if token.type == "NUMBER"]
        low, high, *step = numbers
        return Interval(low, high, step[0] if step else None, c[-1].type == "INTEGER")

    def condition(self, c: Children) -> Pair:
        """When a hole matters."""
        return Pair("condition", json.loads(c[0]), tuple(map(json.loads, c[1:])))

    def region(self, c: Children) -> Region:
        """A nested graph."""
        return Region(c[0], _pairs(c, "param"), _only(c, Node), _pairs(c, "edge"))

    def param(self, c: Children) -> Pair:
        """A parameter of a region."""
        return Pair("param", _path(c[0]), c[1])

    def node(self, c: Children) -> Node:
        """A node."""
        attrs = _only(c, Attrs)
        return Node(
            _path(c[0]),
            c[2],
            c[1],
            _pairs(c, "edge"),
            attrs[0].items if attrs else (),
            _only(c, Region),
        )

    def edge(self, c: Children) -> Pair:
        """A value under a name."""
        return Pair("edge", c[0], _path(c[1]))

    def attrs(self, c: Children) -> Attrs:
        """Attributes of a node, or options of an entity."""
        return Attrs(_pairs(c, "entry"))

    def entry(self, c: Children) -> Pair:
        """One attribute."""
        return Pair("entry", c[0], c[1])

    def number(self, c: Children) -> int | float:
        """A number; with a point or an exponent it is a float."""
        return _number(c[0])

    def string(self, c: Children) -> str:
        """A text."""
        return json.loads(c[0])

    def symbol(self, c: Children) -> Symbol:
        """A reference to a declared entity."""
        return _symbol(c[0])

    def none(self, c: Children) -> None:
        """Nothing."""

    def true(self, c: Children) -> bool:
        """True."""
        return True

    def false(self, c: Children) -> bool:
        """False."""
        return False

    def hole_ref(self, c: Children) -> HoleRef:
        """An attribute that a search may set."""
        return HoleRef(json.loads(c[0]))

    def env(self, c: Children) -> EnvVar:
        """The value of an environment variable."""
        return EnvVar(json.loads(c[0]))

    def tuple(self, c: Children) -> Attr:
        """Several attributes in order."""
        return (*c,)

    def named(self, c: Children) -> Type:
        """A built-in type."""
        return Named(str(c[0]))

    def list_of(self, c: Children) -> Type:
        """`List[T]`."""
        return ListOf(c[1])

    def optional(self, c: Children) -> Type:
        """`T?`."""
        return OptionalOf(c[0])

    def record_of(self, c: Children) -> Type:
        """`{ a: T }`."""
        return RecordOf(_pairs(c, "field"))

    def field(self, c: Children) -> Pair:
        """A field of a record type."""
        return Pair("field", c[0], c[1])

    def unknown(self, c: Children) -> Type:
        """`?`."""
        return UNKNOWN

    def word(self, c: Children) -> str:
        """A name written plainly."""
        return str(c[0])
