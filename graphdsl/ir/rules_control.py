"""Rules about the nodes that the compiler makes: the table of `nodes.py`, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Attr, HoleRef, Node, Region
from graphdsl.ir.subject import Breach, Subject
from graphdsl.ir.type_text import parse_type
from graphdsl.ir.types import (
    ANSWER,
    MESSAGES,
    TEXT,
    UNKNOWN,
    ListOf,
    OptionalOf,
    RecordOf,
    Type,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a node of an op looks like.

    `inputs`, `attrs` and `regions` must be there; `optional` inputs and `options` (attributes)
    may; `numbered` allows inputs `0`, `1`, …; `named` inputs of any name; `free` regions too.
    """

    inputs: tuple[str, ...] = ()
    attrs: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    numbered: bool = False
    named: bool = False
    free: bool = False


SHAPES: Final = {
    "const": Shape(attrs=("value",)),
    "absent": Shape(),
    "list": Shape(numbered=True),
    "record": Shape(named=True),
    "field": Shape(inputs=("of",), attrs=("name",)),
    "compare": Shape(inputs=("left", "right"), attrs=("op",)),
    "and": Shape(numbered=True),
    "or": Shape(numbered=True),
    "not": Shape(inputs=("of",)),
    "render": Shape(attrs=("prompt",), named=True),
    "convert": Shape(inputs=("of",), attrs=("to",)),
    "repeat": Shape(attrs=("rounds",), options=("until", "keep"), regions=("body",), named=True),
    "each": Shape(inputs=("items",), attrs=("bound",), options=("until",), regions=("body",)),
    "fold": Shape(inputs=("items",), attrs=("bound",), regions=("body",), named=True),
    "if": Shape(inputs=("condition",), regions=("then", "else")),
    "within": Shape(attrs=("budget",), regions=("body",)),
    "optional": Shape(attrs=("hole",), regions=("body",), optional=("else",)),
    "choice": Shape(attrs=("hole",), free=True),
}
"""Every op of the compiler."""

OPEN_OPS: Final = frozenset({"optional", "choice", "collaborate"})
"""Ops that `specialise` removes."""

TARGETS: Final = (TEXT, ANSWER, MESSAGES)
"""What `convert` can make of a value, or of parts of lists and records."""


def shape(subject: Subject) -> Iterator[Breach]:
    """Inputs, attributes, regions and results are those of the op."""
    for node in subject.nodes:
        if node.op in SHAPES:
            for problem in _shape(node, SHAPES[node.op]):
                yield node.id, problem
            for problem in _details(node):
                yield node.id, problem


def _shape(node: Node, wanted: Shape) -> Iterator[str]:
    inputs, attrs = [name for name, _ in node.inputs], [name for name, _ in node.attrs]
    regions = [region.name for region in node.regions]
    yield from (f"has `{name}` twice" for name in _twice(inputs, attrs, regions))
    yield from (f"lacks the input `{name}`" for name in wanted.inputs if name not in inputs)
    yield from (f"lacks `{name}`" for name in wanted.attrs if node.attr(name) is None)
    yield from (f"lacks the region `{name}`" for name in wanted.regions if name not in regions)
    if wanted.numbered and inputs != [str(index) for index in range(len(inputs))]:
        yield "does not number its inputs"
    known = {*wanted.inputs, *wanted.optional}
    open_inputs = wanted.numbered or wanted.named
    yield from (f"has the input `{n}`" for n in inputs if n not in known and not open_inputs)
    known = {*wanted.attrs, *wanted.options}
    yield from (f"has the attribute `{name}`" for name in attrs if name not in known)
    yield from (
        f"has the region `{name}`"
        for name in regions
        if name not in wanted.regions and not wanted.free
    )


def _twice(*groups: list[str]) -> Iterator[str]:
    for names in groups:
        yield from (name for name, times in Counter(names).items() if times > 1)


def _details(node: Node) -> Iterator[str]:
    """What the table says beyond names."""
    for name in ("rounds", "bound"):
        if not _positive(node.attr(name)):
            yield f"has `{name}` below 1"
    if node.op in OPEN_OPS and not isinstance(node.attr("hole"), HoleRef):
        yield "does not name its hole"
    if node.op == "convert" and not _converts(target(node)):
        yield f"cannot convert to `{node.attr('to')}`"
    for region in node.regions:
        yield from _region(node, region)


def _positive(attr: Attr) -> bool:
    return attr is None or isinstance(attr, HoleRef) or (isinstance(attr, int) and attr >= 1)


def _region(node: Node, region: Region) -> Iterator[str]:
    count = {"repeat": len(node.inputs), "fold": len(node.inputs), "each": 1}.get(node.op, 0)
    if len(region.params) != count:
        yield f"has a region of {len(region.params)} parameters where {count} are wanted"
    given = [name for name, _ in region.results]
    yield from (f"has the result `{name}` twice" for name in _twice(given))
    wanted = _results(node)
    yield from (f"lacks the result `{name}`" for name in wanted if name not in given)
    exports = _fields(node) if node.op in ("repeat", "within") else {}
    yield from (
        f"has the result `{name}`" for name in given if name not in wanted and name not in exports
    )


def _results(node: Node) -> list[str]:
    """The results that a region of that node has, exports left out."""
    match node.op:
        case "repeat":
            until = ["until"] if node.attr("until") else []
            score = ["score"] if node.attr("keep") == "best" else []
            return [*(f"next.{name}" for name, _ in node.inputs), *until, *score]
        case "fold":
            return [f"next.{name}" for name, _ in node.inputs if name != "items"]
        case "within":
            return []
        case _:
            return ["yield"]


def _fields(node: Node) -> dict[str, Type]:
    return dict(node.type.fields) if isinstance(node.type, RecordOf) else {}


def target(node: Node) -> Type:
    """The type that a `convert` makes; unknown when its attribute names none."""
    try:
        return parse_type(str(node.attr("to")))
    except ValueError:
        return UNKNOWN


def _converts(kind: Type) -> bool:
    match kind:
        case ListOf(item) | OptionalOf(item):
            return _converts(item)
        case RecordOf():
            return True
        case _:
            return kind in TARGETS
