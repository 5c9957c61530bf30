"""Forms that hold statements and give a value: `choice`, `each`, `if`, and their blocks."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from graphdsl.compiler.list_operators import item_of
from graphdsl.compiler.lower_coerce import coerce
from graphdsl.compiler.lower_expression import joined
from graphdsl.compiler.lower_site import Site, Typed, Value
from graphdsl.compiler.lower_static import declare, static
from graphdsl.diagnostics import Span
from graphdsl.ir.nodes import Attr, Choices, HoleRef, Region
from graphdsl.ir.types import UNKNOWN, ListOf
from graphdsl.syntax import tree


class Branch(NamedTuple):
    """One alternative: its name, the site that was filled, what it yields."""

    name: str
    site: Site
    result: Typed


def form(site: Site, expr: tree.Choice | tree.Each | tree.If, address: str) -> Typed:
    """The value of a form."""
    match expr:
        case tree.Choice():
            return _choice(site, expr, address)
        case tree.Each():
            return _each(site, expr, address)
        case tree.If():
            return _if(site, expr, address)


def choose(site: Site, address: str, hole: HoleRef, branches: list[Branch], span: Span) -> Typed:
    """A choice between alternatives by the labels of a hole."""
    return _select("choice", site, address, branches, span, attrs=(("hole", hole),))


def _select(
    op: str,
    site: Site,
    address: str,
    branches: list[Branch],
    span: Span,
    inputs: tuple[tuple[str, str], ...] = (),
    attrs: tuple[tuple[str, Attr], ...] = (),
) -> Typed:
    """A node with one region per alternative, all of the one type that they can have."""
    kind = reduce(joined, (item.result.type for item in branches), UNKNOWN)
    regions: list[Region] = []
    for name, inner, result in branches:
        same = coerce(inner, result, kind, inner.path)
        regions.append(inner.region_of(name, ("yield", same.id)))
    return site.add(op, address, kind, inputs, attrs, tuple(regions), span)


def _body(site: Site, body: tree.Rhs | tree.Block, address: str) -> Typed:
    if not isinstance(body, tree.Block):
        return site.value(body, address)
    site.shared.rules.statements(site, body.statements)
    return site.value(body.result, f"{address}.yield")


def _choice(site: Site, expr: tree.Choice, address: str) -> Typed:
    labels = tuple(option.label.text for option in expr.options)
    default = labels[0] if expr.default is None else expr.default.text
    # An `optional` around it has the address already.
    spot = f"{address}.choice" if address in site.shared.holes else address
    hole = declare(site, spot, default, Choices(labels, labels))
    branches: list[Branch] = []
    for label, option in zip(labels, expr.options, strict=True):
        inner = site.inside(f"{address}.{label}", ((hole.address, (label,)),))
        branches.append(Branch(label, inner, _body(inner, option.value, inner.path)))
    return choose(site, address, hole, branches, expr.span)


def _each(site: Site, expr: tree.Each, address: str) -> Typed:
    items = site.value(expr.items, f"{address}.items")
    bound = static(site, expr.bound, f"{address}.bound")
    inner = site.inside(address)
    variable = _variable(inner, expr.variable, items, address)
    result = _body(inner, expr.body, address)
    params = ((variable.id, variable.type),)
    region = Region("body", params, inner.region.nodes(), (("yield", result.id),))
    return site.add(
        "each",
        address,
        ListOf(result.type),
        (("items", items.id),),
        (("bound", bound),),
        (region,),
        expr.span,
    )


def _variable(inner: Site, name: tree.Name, items: Typed, address: str) -> Typed:
    typed = Typed(inner.shared.fresh(f"{address}.{name.text}"), item_of(items.type))
    inner.scope.own[name.text] = Value(typed)
    return typed


def _if(site: Site, expr: tree.If, address: str) -> Typed:
    condition = site.value(expr.condition, f"{address}.condition")
    branches: list[Branch] = []
    for name, body in (("then", expr.then), ("else", expr.otherwise)):
        inner = site.inside(f"{address}.{name}")
        branches.append(Branch(name, inner, _body(inner, body, inner.path)))
    return _select("if", site, address, branches, expr.span, (("condition", condition.id),))
