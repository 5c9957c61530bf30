"""Expressions as nodes: literals, names, fields, lists, records, comparisons, logic."""

from __future__ import annotations

from functools import reduce

from graphdsl.compiler.lower_coerce import coerce, record
from graphdsl.compiler.lower_site import Site, Typed
from graphdsl.compiler.lower_static import known, static
from graphdsl.diagnostics import Span
from graphdsl.ir.types import (
    BOOL,
    FIELDS,
    UNKNOWN,
    ListOf,
    Named,
    OptionalOf,
    RecordOf,
    Type,
    join,
)
from graphdsl.syntax import tree


def expression(site: Site, expr: tree.Rhs, address: str) -> Typed:
    """The value of an expression; the node that makes it has this address where one is made."""
    match expr:
        case tree.String() | tree.Number() | tree.Bool() | tree.Hole():
            return _literal(site, expr, address)
        case tree.Ref():
            return _reference(site, expr, address)
        case tree.ListExpr():
            return _list(site, expr, address)
        case tree.Record():
            parts = [
                (field.name.text, site.value(field.value, f"{address}.{field.name.text}"))
                for field in expr.fields
            ]
            return record(site, parts, address, expr.span)
        case tree.Call():
            return site.shared.rules.call(site, expr, address)
        case tree.Compare():
            return _compare(site, expr, address)
        case tree.Logic():
            return _logic(site, expr, address)
        case tree.Not():
            inputs = (("of", site.value(expr.operand, f"{address}.of").id),)
            return site.add("not", address, BOOL, inputs, span=expr.span)
        case tree.Choice() | tree.Each() | tree.If():
            return site.shared.rules.form(site, expr, address)


def _literal(
    site: Site, expr: tree.String | tree.Number | tree.Bool | tree.Hole, address: str
) -> Typed:
    return site.read(known(site, static(site, expr, address), address))


def _reference(site: Site, ref: tree.Ref, address: str) -> Typed:
    """A name, then its fields one after the other."""
    first, *fields = ref.parts
    found = site.scope.find(first.text)
    if found is None:
        raise AssertionError(f"`{ref}` is no value")
    value = site.read(found)
    for left, name in zip(range(len(fields) - 1, -1, -1), fields, strict=True):
        value = read_field(site, value, name.text, address + ".of" * left, ref.span)
    return value


def read_field(site: Site, value: Typed, name: str, address: str, span: Span | None) -> Typed:
    """The field of a value."""
    kind = _field_type(value.type, name)
    return site.add("field", address, kind, (("of", value.id),), (("name", name),), span=span)


def _field_type(kind: Type, name: str) -> Type:
    match kind:
        case OptionalOf(item):
            inner = _field_type(item, name)
            return inner if isinstance(inner, OptionalOf) else OptionalOf(inner)
        case RecordOf(fields):
            return dict(fields)[name]
        case Named():
            return FIELDS[kind][name]
        case _:
            return UNKNOWN


def _list(site: Site, expr: tree.ListExpr, address: str) -> Typed:
    """A list; items of several types take the one type that all of them can have."""
    items = [site.value(item, f"{address}.{i}") for i, item in enumerate(expr.items)]
    kind = reduce(joined, (item.type for item in items), UNKNOWN)
    same = [coerce(site, item, kind, f"{address}.{i}") for i, item in enumerate(items)]
    inputs = tuple((str(i), item.id) for i, item in enumerate(same))
    return site.add("list", address, ListOf(kind), inputs, span=expr.span)


def joined(a: Type, b: Type) -> Type:
    """The one type of two values where either may stand."""
    return join(a, b) or UNKNOWN


def _compare(site: Site, expr: tree.Compare, address: str) -> Typed:
    left = site.value(expr.left, f"{address}.left")
    right = site.value(expr.right, f"{address}.right")
    inputs = (("left", left.id), ("right", right.id))
    return site.add("compare", address, BOOL, inputs, (("op", expr.op),), span=expr.span)


def _logic(site: Site, expr: tree.Logic, address: str) -> Typed:
    values = [site.value(item, f"{address}.{i}") for i, item in enumerate(expr.operands)]
    inputs = tuple((str(i), value.id) for i, value in enumerate(values))
    return site.add(expr.op, address, BOOL, inputs, span=expr.span)
