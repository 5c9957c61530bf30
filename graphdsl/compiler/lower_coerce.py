"""Explicit coercions: `convert` nodes where the exact type of a value matters.

Operators coerce what they are given, so a node is only made where a value is stored or shown
under another type: results of flows, fields of records, joined branches, carried values, items
of mixed lists, parameters of flows.
"""

from __future__ import annotations

from typing import Final

from graphdsl.compiler.lower_site import Site, Typed
from graphdsl.diagnostics import Span
from graphdsl.ir.nodes import Region
from graphdsl.ir.types import (
    ANSWER,
    DOC,
    MESSAGES,
    TEXT,
    ListOf,
    Named,
    OptionalOf,
    RecordOf,
    Type,
    Unknown,
)
from graphdsl.syntax import tree

_TARGETS: Final = (TEXT, ANSWER, MESSAGES)

EVERY_ITEM: Final = 2**31 - 1
"""The bound of a conversion item by item, which leaves nothing out."""


def value_as(site: Site, expr: tree.Rhs, want: Type, address: str) -> Typed:
    """The value of an expression as exactly `want`, to which it is assignable.

    The parts of a list or record literal are converted one by one.
    """
    match expr, want:
        case tree.Record(fields=fields), RecordOf(wanted):
            given = {field.name.text: field.value for field in fields}
            parts = [
                (name, value_as(site, given[name], kind, f"{address}.{name}"))
                for name, kind in wanted
                if name in given
            ]
            return record(site, parts, address, expr.span)
        case tree.ListExpr(items=items), ListOf(item):
            values = [value_as(site, x, item, f"{address}.{i}") for i, x in enumerate(items)]
            inputs = tuple((str(i), value.id) for i, value in enumerate(values))
            return site.add("list", address, want, inputs, span=expr.span)
        case _:
            return coerce(site, site.value(expr, address), want, address, expr.span)


def record(
    site: Site, parts: list[tuple[str, Typed]], address: str, span: Span | None = None
) -> Typed:
    """A record of these fields."""
    kind = RecordOf(tuple((name, part.type) for name, part in parts))
    inputs = tuple((name, part.id) for name, part in parts)
    return site.add("record", address, kind, inputs, span=span)


def coerce(site: Site, value: Typed, want: Type, address: str, span: Span | None = None) -> Typed:
    """The value as `want`: itself, or a node under `address` that converts it."""
    have = value.type
    match have, want:
        case _ if have == want or isinstance(have, Unknown):
            return value
        case _, OptionalOf(item) if not isinstance(have, OptionalOf):
            return coerce(site, value, item, address, span)
        case _, Named() if want in _TARGETS:
            return _convert(site, value, want, want, address, span)
        case OptionalOf(), OptionalOf(Named() as item) if item in _TARGETS:
            return _convert(site, value, item, want, address, span)
        case RecordOf(), RecordOf():
            return _record(site, value, have, want, address, span)
        case ListOf(), ListOf():
            return _items(site, value, have.item, want, address, span)
        case Named("Docs"), ListOf():
            return _items(site, value, DOC, want, address, span)
        case _:
            return value


def _convert(
    site: Site, value: Typed, to: Type, kind: Type, address: str, span: Span | None
) -> Typed:
    inputs, attrs = (("of", value.id),), (("to", str(to)),)
    return site.add("convert", _spot(site, address), kind, inputs, attrs, span=span)


def _record(
    site: Site, value: Typed, have: RecordOf, want: RecordOf, address: str, span: Span | None
) -> Typed:
    """The wanted fields of a record, each converted."""
    kinds = dict(have.fields)
    parts: list[tuple[str, Typed]] = []
    for name, kind in want.fields:
        spot = f"{address}.{name}"
        attrs = (("name", name),)
        part = site.add("field", spot, kinds[name], (("of", value.id),), attrs, span=span)
        parts.append((name, coerce(site, part, kind, spot, span)))
    return record(site, parts, _spot(site, address), span)


def _items(
    site: Site, value: Typed, item: Type, want: ListOf, address: str, span: Span | None
) -> Typed:
    """A list with every item converted, if items have to be."""
    if want.item == TEXT and isinstance(item, Named) and item != TEXT:
        return site.add("texts", _spot(site, address), want, (("items", value.id),), span=span)
    inner = site.inside()
    at = f"{_spot(site, address)}.item"
    param = Typed(site.shared.fresh(at), item)
    result = coerce(inner, param, want.item, at, span)
    if result == param:
        return value
    region = Region(
        "body", ((param.id, param.type),), inner.region.nodes(), (("yield", result.id),)
    )
    inputs, attrs = (("items", value.id),), (("bound", EVERY_ITEM),)
    return site.add("each", _spot(site, address), want, inputs, attrs, (region,), span)


def _spot(site: Site, address: str) -> str:
    """Where a conversion goes: the address itself while nothing else has it."""
    return address if address not in site.shared.ids else f"{address}.convert"
