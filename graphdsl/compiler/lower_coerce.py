"""Explicit coercions: `convert` nodes where the exact type of a value matters.

Operators coerce what they are given, so a node is only made where a value is stored or shown
under another type: results of flows, fields of records, joined branches, carried values, items
of mixed lists, parameters of flows.
"""

from __future__ import annotations

from typing import Final

from graphdsl.compiler.lower_site import Site, Typed
from graphdsl.diagnostics import Span
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
        case RecordOf(), RecordOf():
            return _record(site, value, have, want, address, span)
        case _ if _differs(have, want):
            inputs, attrs = (("of", value.id),), (("to", str(want)),)
            return site.add("convert", _spot(site, address), want, inputs, attrs, span=span)
        case _:
            return value


def _differs(have: Type, want: Type) -> bool:
    """True when a value of one type has to be converted to be of the other."""
    match have, want:
        case _ if have == want or isinstance(have, Unknown):
            return False
        case OptionalOf(a), OptionalOf(b):
            return _differs(a, b)
        case _, OptionalOf(item):
            return _differs(have, item)
        case ListOf(a), ListOf(b):
            return _differs(a, b)
        case Named("Docs"), ListOf(item):
            return _differs(DOC, item)
        case RecordOf(a), RecordOf(b):
            same = [name for name, _ in a] == [name for name, _ in b]
            return not same or any(_differs(x, y) for (_, x), (_, y) in zip(a, b, strict=True))
        case _:
            return want in _TARGETS


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


def _spot(site: Site, address: str) -> str:
    """Where a conversion goes: the address itself while nothing else has it."""
    return address if address not in site.shared.ids else f"{address}.convert"
