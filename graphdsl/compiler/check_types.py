"""Types as written in a file."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.ir.types import (
    ENTITY_TYPES,
    UNKNOWN,
    VALUE_TYPES,
    ListOf,
    OptionalOf,
    RecordOf,
    Type,
)
from graphdsl.syntax import tree

_NAMES: Final = {kind.name: kind for kind in (*VALUE_TYPES, *ENTITY_TYPES)}
_LIST: Final = "List"


def type_of(expr: tree.TypeExpr) -> Type:
    """The type that an annotation of a checked file means; unknown where it is wrong."""
    return _read(expr, [])


def check_type(expr: tree.TypeExpr, frame: Frame, *, values_only: bool = False) -> Type:
    """The type that an annotation means, after reporting what is wrong with it."""
    problems: list[Diagnostic] = []
    kind = _read(expr, problems)
    if not problems and values_only and kind in ENTITY_TYPES:
        problems.append(
            error(
                codes.UNKNOWN_TYPE,
                f"`{kind}` is a compile-time type, which stands here for no value",
                expr.span,
                helps=("compile-time types are for parameters of flows only",),
            )
        )
        kind = UNKNOWN
    for problem in problems:
        frame.report(problem)
    return frame.typed(expr.span, UNKNOWN if problems else kind)


def _read(expr: tree.TypeExpr, problems: list[Diagnostic]) -> Type:
    if isinstance(expr, tree.RecordType):
        kind: Type = RecordOf(tuple(_field(field, problems) for field in expr.fields))
        _field_twice(expr, problems)
    else:
        kind = _named(expr, problems)
    return OptionalOf(kind) if expr.optional else kind


def _named(expr: tree.NamedType, problems: list[Diagnostic]) -> Type:
    name = expr.name.text
    if name == _LIST:
        if expr.item is None:
            problems.append(_wrong(expr.span, "`List` needs the type of its items", "List[Draft]"))
            return UNKNOWN
        item = _inner(expr.item, problems)
        return ListOf(item)
    if name not in _NAMES:
        helps = instead(name, (*_NAMES, _LIST), expr.name.span, "the types are")
        message = f"there is no type `{name}`"
        problems.append(error(codes.UNKNOWN_TYPE, message, expr.name.span, helps=helps))
        return UNKNOWN
    if expr.item is not None:
        problems.append(_wrong(expr.span, f"`{name}` takes no item type", f"List[{name}]"))
    if expr.optional and _NAMES[name] in ENTITY_TYPES:
        problems.append(_wrong(expr.span, f"`{name}` cannot be absent", name))
    return _NAMES[name]


def _field(field: tree.FieldType, problems: list[Diagnostic]) -> tuple[str, Type]:
    return field.name.text, _inner(field.type, problems)


def _inner(expr: tree.TypeExpr, problems: list[Diagnostic]) -> Type:
    """The type of an item or field, which is always a value."""
    kind = _read(expr, problems)
    if kind in ENTITY_TYPES:
        problems.append(_wrong(expr.span, f"`{kind}` is no type of a value", "Text"))
        return UNKNOWN
    return kind


def _field_twice(expr: tree.RecordType, problems: list[Diagnostic]) -> None:
    seen: set[str] = set()
    for field in expr.fields:
        if field.name.text in seen:
            message = f"the record has the field `{field.name.text}` twice"
            problems.append(error(codes.DUPLICATE_KEY, message, field.name.span))
        seen.add(field.name.text)


def _wrong(at: Span, message: str, example: str) -> Diagnostic:
    return error(codes.UNKNOWN_TYPE, message, at, helps=(f"write `{example}`",))
