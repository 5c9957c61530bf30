"""Rules about types: what the compiler's own nodes take and what they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphdsl.ir.nodes import Attr, HoleRef, Node
from graphdsl.ir.prune import carried_params
from graphdsl.ir.rules_control import target
from graphdsl.ir.subject import Breach, Subject
from graphdsl.ir.types import (
    BOOL,
    DOC,
    FIELDS,
    MESSAGES,
    NUMBER,
    TEXT,
    UNKNOWN,
    ListOf,
    Named,
    OptionalOf,
    RecordOf,
    Type,
    assignable,
)

CONDITION: Final = OptionalOf(BOOL)
"""What decides: an absent Bool counts as false."""


def edge_types(subject: Subject) -> Iterator[Breach]:
    """Inputs and region results fit the parameters, conditions and scores they feed."""
    for node in subject.nodes:
        for problem in _misfits(_edges(subject, node)):
            yield node.id, problem


def node_types(subject: Subject) -> Iterator[Breach]:
    """What a node makes fits its type."""
    for node in subject.nodes:
        for problem in _misfits(_made(subject, node)):
            yield node.id, problem


Fit = tuple[str, Type, Type]
"""A place, the type that is there, and the type that is wanted."""


def _misfits(fits: Iterator[Fit]) -> Iterator[str]:
    for place, have, want in fits:
        if not assignable(have, want):
            yield f"has `{have}` as `{place}` where `{want}` is wanted"


def _edges(subject: Subject, node: Node) -> Iterator[Fit]:
    inputs = subject.inputs(node)
    match node.op:
        case "if":
            yield "condition", inputs["condition"], CONDITION
        case "convert":
            yield "of", inputs["of"], target(node)
        case "and" | "or" | "not":
            yield from ((name, kind, CONDITION) for name, kind in inputs.items())
        case "repeat":
            yield from _carried(subject, node)
            results = subject.results(node.regions[0])
            yield (
                "until",
                results.get("until", UNKNOWN) if node.attr("until") else UNKNOWN,
                CONDITION,
            )
            if node.attr("keep") == "best":
                yield "score", results["score"], NUMBER
        case "fold":
            yield from _carried(subject, node)
            yield "items", _item(inputs["items"]), node.regions[0].params[0][1]
        case "each":
            yield "items", _item(inputs["items"]), node.regions[0].params[0][1]
        case _:
            return


def _carried(subject: Subject, node: Node) -> Iterator[Fit]:
    inputs, results = subject.inputs(node), subject.results(node.regions[0])
    for name, param in carried_params(node).items():
        want = subject.type(param)
        yield name, inputs[name], want
        yield f"next.{name}", results[f"next.{name}"], want


def _item(kind: Type) -> Type:
    """The type of the items of a list; a type that fits nowhere when it is no list."""
    match kind:
        case ListOf(item) | OptionalOf(ListOf(item)):
            return item
        case Named("Docs"):
            return DOC
        case _:
            return kind if kind == UNKNOWN else RecordOf(())


def _made(subject: Subject, node: Node) -> Iterator[Fit]:
    """The types that the parts of a node's value have, and those its own type asks for."""
    inputs = subject.inputs(node)
    match node.op:
        case "const":
            yield "value", _literal(node.attr("value")), node.type
        case "list":
            item = _item(node.type)
            yield from ((name, kind, item) for name, kind in inputs.items())
        case "record":
            yield "value", RecordOf(tuple(inputs.items())), node.type
        case "field":
            yield "value", _field(inputs["of"], str(node.attr("name"))), node.type
        case "compare" | "and" | "or" | "not":
            yield "value", BOOL, node.type
        case "render":
            yield "value", MESSAGES, node.type
        case "convert":
            yield "value", target(node), node.type
        case "each":
            yield "yield", ListOf(subject.results(node.regions[0])["yield"]), node.type
        case "repeat" | "fold" | "within":
            yield "value", _scope_record(subject, node), node.type
        case "if" | "choice" | "optional":
            kinds = [subject.results(region)["yield"] for region in node.regions]
            yield from (("yield", kind, node.type) for kind in kinds)
            yield "else", inputs.get("else", UNKNOWN), node.type
        case _:
            return


def _scope_record(subject: Subject, node: Node) -> RecordOf:
    """All that a loop or scope can give: exports, carried names, `exhausted`."""
    fields = subject.results(node.regions[0])
    fields |= {name: subject.type(value) for name, value in carried_params(node).items()}
    if node.op == "within":
        fields["exhausted"] = BOOL
    return RecordOf(tuple(fields.items()))


def _literal(value: Attr) -> Type:
    match value:
        case bool():
            return BOOL
        case int() | float():
            return NUMBER
        case str():
            return TEXT
        case HoleRef():
            return UNKNOWN
        case _:
            return RecordOf(())


def _field(kind: Type, name: str) -> Type:
    match kind:
        case OptionalOf(item):
            return _field(item, name)
        case RecordOf(fields):
            return dict(fields).get(name, RecordOf(()))
        case Named():
            return FIELDS.get(kind, {}).get(name, RecordOf(()))
        case _:
            return UNKNOWN
