"""Calls of operators and prompts, and calls that a hole decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.collaborate import declare_holes
from graphdsl.compiler.entities import budget_of
from graphdsl.compiler.list_operators import item_of, list_types
from graphdsl.compiler.lower_flow import by_name, call_flow
from graphdsl.compiler.lower_form import Branch, choose
from graphdsl.compiler.lower_site import Known, Shared, Site, Typed, When
from graphdsl.compiler.lower_static import as_models, declared, entity, static
from graphdsl.compiler.modules import std_module
from graphdsl.ir.nodes import Attr, Choices, HoleRef, Symbol
from graphdsl.ir.types import MESSAGES, MODELS, PROMPT, ListOf, Type, Unknown
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator, Param
from graphdsl.syntax import tree


def call(site: Site, expr: tree.Call, address: str) -> Typed:
    """The value of a call: of an operator, a flow or a prompt, whichever the name means here."""
    callee = _callee(site, expr.callee)
    match callee:
        case Operator():
            return _operator(site, callee, expr, address)
        case HoleRef():
            return _decided(site, callee, expr, address)
        case _:
            return _entity(site, callee, expr, address)


def _callee(site: Site, ref: tree.Ref) -> Operator | Symbol | HoleRef:
    """What is called: a name of the flow, then a declaration, then an operator."""
    found = site.scope.find(str(ref))
    attr = found.attr if isinstance(found, Known) else declared(site, ref)
    return attr if isinstance(attr, Symbol | HoleRef) else OPERATORS[str(ref)]


def _entity(site: Site, symbol: Symbol, expr: tree.Call, address: str) -> Typed:
    module, item = site.shared.declared[symbol]
    if isinstance(item, tree.Flow):
        return call_flow(site, module, item, expr.args, address)
    if not isinstance(item, tree.Prompt):
        raise AssertionError(f"a {symbol.kind} cannot be called")
    return _render(site, symbol, item, expr, address)


def _decided(site: Site, callee: HoleRef, expr: tree.Call, address: str) -> Typed:
    """A call of whatever flow or prompt a hole holds: a choice between the calls."""
    domain = site.shared.holes[callee.address].domain
    branches: list[Branch] = []
    for label, value in _callables(domain):
        inner = site.inside(f"{address}.{label}", ((callee.address, (label,)),))
        branches.append(Branch(label, inner, _entity(inner, value, expr, inner.path)))
    return choose(site, address, callee, branches, expr.span)


def _callables(domain: object) -> list[tuple[str, Symbol]]:
    pairs = zip(domain.labels, domain.values, strict=True) if isinstance(domain, Choices) else ()
    return [(label, value) for label, value in pairs if isinstance(value, Symbol)]


def _render(
    site: Site, symbol: Symbol, prompt: tree.Prompt, expr: tree.Call, address: str
) -> Typed:
    """A prompt filled in; parameters that are not given have their defaults."""
    given = by_name(expr.args, [param.name.text for param in prompt.params])
    inputs: list[tuple[str, str]] = []
    for param in prompt.params:
        name = param.name.text
        value, spot = given.get(name, param.default), f"{address}.{name}"
        if value is None:
            inputs.append((name, site.add("absent", spot, type_of(param.type)).id))
        else:
            inputs.append((name, site.value(value, spot).id))
    attrs = (("prompt", symbol),)
    return site.add("render", address, MESSAGES, tuple(inputs), attrs, span=expr.span)


def _operator(site: Site, operator: Operator, expr: tree.Call, address: str) -> Typed:
    """A node of an operator, with every default that is not absent made explicit.

    What means nothing with the words of this call is left out; what means something with some
    alternatives of a hole belongs to these, and so do the holes in it.
    """
    given = _given(operator, expr)
    inputs: list[tuple[str, Typed]] = []
    attrs: dict[str, Attr] = {}
    for param in operator.params:
        when = _condition(site.shared, operator, param, attrs)
        if when is None:
            continue
        place = replace(site, when=site.when + when) if when else site
        if param.static:
            attr = _attr(place, param, given.get(param.name), f"{address}.{param.name}")
            attrs |= {} if attr is None else {param.name: attr}
        elif param.rest:
            rest = [(name, item) for name, item in given.items() if name.isdigit()]
            inputs += [(name, site.value(item, f"{address}.{name}")) for name, item in rest]
        elif param.name in given:
            spot = f"{address}.{param.name}"
            inputs.append((param.name, place.value(given[param.name], spot)))
    kind = operator.result(_types(inputs))
    edges = tuple((name, value.id) for name, value in inputs)
    if operator.name == "collaborate":
        attrs = declare_holes(site, address, attrs)
    return site.add(operator.name, address, kind, edges, tuple(attrs.items()), span=expr.span)


def _condition(
    shared: Shared, operator: Operator, param: Param, attrs: Mapping[str, Attr]
) -> When | None:
    """The holes on which it depends whether a parameter means something; None where it cannot.

    What decides about a parameter stands before it in the signature.
    """
    if param.when is None:
        return ()
    other = operator.param(param.when.param)
    assert other is not None
    around, attr = _condition(shared, operator, other, attrs), attrs.get(other.name)
    hole = shared.holes[attr.address] if isinstance(attr, HoleRef) else None
    if around is None or hole is None or not isinstance(hole.domain, Choices):
        fits = param.when.fits(attr) if hole is None else not param.when.words
        return around if fits else None
    pairs = zip(hole.domain.labels, hole.domain.values, strict=True)
    labels = tuple(label for label, value in pairs if param.when.fits(value))
    if len(labels) == len(hole.domain.labels):
        return around
    return (*around, (hole.address, labels)) if labels else None


def _types(inputs: list[tuple[str, Typed]]) -> dict[str, Type]:
    """Types of edges by name; an empty list takes the type of what it is put together with."""
    types = list_types({name: value.type for name, value in inputs})
    parts = (
        {"items": item_of(types["items"]), "item": types["item"]}
        if "item" in types
        else {name: item_of(kind) for name, kind in types.items() if name.isdigit()}
    )
    known = [kind for kind in parts.values() if not isinstance(kind, Unknown)]
    return {**types, **({next(iter(parts)): ListOf(known[0])} if known else {})}


def _given(operator: Operator, expr: tree.Call) -> dict[str, tree.Expr]:
    """Arguments by parameter; those of a parameter that takes the rest are `0`, `1`, …"""
    rest = any(param.rest for param in operator.params)
    names = [str(i) for i in range(len(expr.args))] if rest else [p.name for p in operator.params]
    return by_name(expr.args, names)


def _attr(site: Site, param: Param, expr: tree.Expr | None, address: str) -> Attr:
    """The compile-time value of an argument, or of the parameter's default."""
    if expr is not None and param.units:
        return budget_of(tree.ListExpr(expr.span, (expr,))).seconds
    if expr is not None:
        attr = static(site.reading(param.words), expr, address)
        return as_models(attr) if MODELS in param.types else attr
    if not param.required and PROMPT in param.types:
        return role_prompt(site, str(param.default))
    return None if param.required else param.default


def role_prompt(site: Site, name: str) -> Attr:
    """A prompt of the package by its full name, such as `std.roles.fuse`."""
    _, file, prompt = name.split(".")
    module = std_module(file)
    return entity(site.shared, module, module.declarations[prompt])
