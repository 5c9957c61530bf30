"""Statements: bindings, holes by name, optional stages, and where `next` puts its value."""

from __future__ import annotations

from graphdsl.compiler.lower_coerce import coerce
from graphdsl.compiler.lower_expression import joined
from graphdsl.compiler.lower_loop import fold, repeat, within
from graphdsl.compiler.lower_site import Site, Typed, Value
from graphdsl.compiler.lower_static import declare, meaning, tuned
from graphdsl.ir.nodes import Choices
from graphdsl.ir.types import OptionalOf
from graphdsl.syntax import tree


def statements(site: Site, body: tuple[tree.Stmt, ...]) -> None:
    """Lower statements in order; what they bind is added to the scope of the site."""
    for stmt in body:
        _statement(site, stmt)


def _statement(site: Site, stmt: tree.Stmt) -> None:
    match stmt:
        case tree.Bind(name=name, value=value):
            site.scope.own[name.text] = meaning(site, value, f"{site.path}.{name.text}")
        case tree.Tune(name=name, value=value):
            spot = f"{site.path}.{name.text}"
            site.scope.own[name.text] = tuned(site, value, spot)
        case tree.Optional(name=name):
            site.scope.own[name.text] = Value(_optional(site, stmt))
        case tree.Next(name=name, value=value):
            spot = f"{site.path}.next.{name.text}"
            site.scope.own[f"{name.text}.next"] = meaning(site, value, spot)
        case tree.Repeat():
            repeat(site, stmt)
        case tree.Fold():
            fold(site, stmt)
        case tree.Within():
            within(site, stmt)
        case tree.Return():
            raise AssertionError("`return` is the last statement of a flow")


def _optional(site: Site, stmt: tree.Optional) -> Typed:
    """A stage that a search may drop.

    The stage keeps the address of the name; the node that decides is `ADDRESS.optional`.
    """
    address = f"{site.path}.{stmt.name.text}"
    hole = declare(site, address, "on", Choices(("on", "off"), (True, False)))
    inner = site.inside(when=((hole.address, ("on",)),))
    result = inner.value(stmt.value, address)
    inputs: tuple[tuple[str, str], ...] = ()
    if stmt.otherwise is None:
        kind = result.type if isinstance(result.type, OptionalOf) else OptionalOf(result.type)
    else:
        other = site.value(stmt.otherwise, f"{address}.else")
        kind = joined(result.type, other.type)
        other = coerce(site, other, kind, f"{address}.else", stmt.otherwise.span)
        result = coerce(inner, result, kind, f"{address}.convert", stmt.span)
        inputs = (("else", other.id),)
    region = inner.region_of("body", ("yield", result.id))
    attrs = (("hole", hole),)
    spot = f"{address}.optional"
    return site.add("optional", spot, kind, inputs, attrs, (region,), stmt.span)
