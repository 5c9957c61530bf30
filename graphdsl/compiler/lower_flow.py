"""Flows inlined: parameters bound to arguments, then the body in a scope of its own."""

from __future__ import annotations

from dataclasses import replace

from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.lower_coerce import coerce, value_as
from graphdsl.compiler.lower_site import Known, Meaning, Scope, Site, Typed, Value
from graphdsl.compiler.lower_static import kind_of, meaning, static
from graphdsl.compiler.program import Module
from graphdsl.ir.types import BOOL, ENTITY_TYPES, NUMBER, SCORER, TEXT, OptionalOf, Type
from graphdsl.ops.registry import ANY_WORD
from graphdsl.syntax import tree

Args = dict[str, tree.Expr]
"""Arguments of a call by parameter name."""


def by_name(args: tuple[tree.Arg, ...], names: list[str]) -> Args:
    """Arguments by parameter name; those without a name stand for the first parameters."""
    positions = iter(names)
    return {next(positions) if arg.name is None else arg.name.text: arg.value for arg in args}


def call_flow(
    site: Site, module: Module, flow: tree.Flow, args: tuple[tree.Arg, ...], address: str
) -> Typed:
    """A call of a flow: its body here, with the call's address as the path of what it binds."""
    given = by_name(args, [param.name.text for param in flow.params])
    inside = replace(site, module=module, path=address, scope=Scope())
    for param in flow.params:
        name = param.name.text
        spot = f"{address}.{name}"
        source, expr = (site, given[name]) if name in given else (inside, param.default)
        inside.scope.own[name] = argument(source, type_of(param.type), expr, spot)
    return body(inside, flow)


def argument(site: Site, kind: Type, expr: tree.Expr | None, address: str) -> Meaning:
    """What a parameter of this type stands for, given its argument or default."""
    if kind in ENTITY_TYPES:
        words = ANY_WORD if kind == SCORER else ()
        return Known(static(site.reading(words), expr, address), word=kind == SCORER)
    if expr is None:
        return Known(None, site.late("absent", address, kind))
    plain = kind.item if isinstance(kind, OptionalOf) else kind
    if not isinstance(expr, tree.Ref | tree.String | tree.Number | tree.Bool | tree.Hole):
        return Value(value_as(site, expr, kind, address))
    found = meaning(site, expr, address)
    if isinstance(found, Known) and (found.attr is None or _fits(site, found, plain)):
        return found
    value = site.read(found)
    same = coerce(site, value, kind, address, expr.span)
    return found if same == value else Value(same)


def _fits(site: Site, found: Known, kind: Type) -> bool:
    return kind in (TEXT, NUMBER, BOOL) and kind_of(site.shared, found.attr) == kind


def body(site: Site, flow: tree.Flow) -> Typed:
    """The statements of a flow and the value that it returns, as exactly the declared type."""
    *statements, last = flow.body
    site.shared.rules.statements(site, tuple(statements))
    if not isinstance(last, tree.Return):
        raise AssertionError(f"flow `{flow.name}` does not end with `return`")
    return value_as(site, last.value, type_of(flow.result), f"{site.path}.return")
