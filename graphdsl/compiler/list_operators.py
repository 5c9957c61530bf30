"""Operators over items of any type: these must agree, or the result would hold two types."""

from __future__ import annotations

from collections.abc import Mapping

from graphdsl.compiler import codes
from graphdsl.compiler.report import error
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ir.types import DOC, DOCS, UNKNOWN, ListOf, Type, Unknown
from graphdsl.ops.signature import Operator
from graphdsl.syntax import tree


def list_types(types: Mapping[str, Type]) -> dict[str, Type]:
    """Argument types as operators over lists want them: documents are a list of `Doc`."""
    return {name: ListOf(DOC) if kind == DOCS else kind for name, kind in types.items()}


def check_items(
    call: tree.Call,
    operator: Operator,
    given: Mapping[str, tree.Expr],
    types: dict[str, Type],
    frame: Frame,
) -> None:
    """Report items that do not agree. An empty list takes the type of what it is put together with.

    Lists are not converted as a whole, so the types must be equal.
    """
    if any(param.rest for param in operator.params):
        parts = {name: item_of(kind) for name, kind in types.items()}
    elif {"items", "item"} <= types.keys():
        parts = {"items": item_of(types["items"]), "item": types["item"]}
    elif {"value", "default"} <= types.keys():
        parts = {"value": types["value"], "default": types["default"]}
    else:
        return
    if not parts:
        return
    kind: Type = UNKNOWN
    for name, item in parts.items():
        if isinstance(kind, Unknown):
            kind = item
        elif not isinstance(item, Unknown) and item != kind:
            frame.report(_disagree(call, operator, given[name], item, kind, given))
            kind = UNKNOWN
            types.update(dict.fromkeys(parts, UNKNOWN))
            break
    types[next(iter(parts))] = kind if "value" in parts else ListOf(kind)


def item_of(kind: Type) -> Type:
    """The type of a list's items; unknown for what is no list."""
    if kind == DOCS:
        return DOC
    return kind.item if isinstance(kind, ListOf) else UNKNOWN


def _disagree(
    call: tree.Call,
    operator: Operator,
    expr: tree.Expr,
    item: Type,
    kind: Type,
    given: Mapping[str, tree.Expr],
) -> Diagnostic:
    first = next(iter(given.values()))
    parts = "values" if "default" in given else "items"
    return error(
        codes.ITEMS_DISAGREE,
        f"`{operator.name}` needs {parts} of one type, found `{kind}` and `{item}`",
        expr.span,
        f"of `{item}`",
        secondary=(Label(first.span, f"of `{kind}`"),) if first is not expr else (),
        helps=("make texts of all of them first: `texts(…)`",) if str(kind) == "Text" else (),
    )
