"""Statements with a region whose names are seen after them: `repeat`, `fold`, `within`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.list_operators import item_of
from graphdsl.compiler.lower_coerce import coerce, value_as
from graphdsl.compiler.lower_site import Known, Scope, Site, Typed, Value
from graphdsl.compiler.lower_static import known, static
from graphdsl.diagnostics import Span
from graphdsl.ir.nodes import Attr, Node, Region
from graphdsl.ir.types import BOOL, RecordOf
from graphdsl.syntax import tree

_RESERVED: Final = {"repeat": "score", "fold": "items", "within": "exhausted"}
"""A name that the node itself gives a meaning, so that a name of the flow has to give way."""

_OWN: Final = ".own"


@dataclass(frozen=True, slots=True)
class Loop:
    """The body of a loop: the site that is filled, its parameters, the start values."""

    site: Site
    params: tuple[Typed, ...]
    carried: tuple[tuple[str, Typed], ...]
    starts: tuple[tuple[str, str], ...]


def repeat(site: Site, stmt: tree.Repeat) -> None:
    """Lower a loop; afterwards its names mean the fields of its record."""
    address = site.shared.fresh(f"{site.path}.repeat")
    rounds = static(site, stmt.bound, f"{address}.rounds")
    loop = _enter(site, stmt.carried, address, site.path, "repeat")
    site.shared.rules.statements(loop.site, stmt.body)
    results = _nexts(loop, address)
    exports = _exports(loop.site, "repeat")
    results += [(name, value.id) for name, value in exports]
    for name, expr in (("until", stmt.until), ("score", _score(stmt))):
        if expr is not None:
            results.append((name, loop.site.value(expr, f"{address}.{name}").id))
    attrs: tuple[tuple[str, Attr], ...] = (
        ("rounds", rounds),
        ("until", stmt.until is not None),
        ("keep", "last" if stmt.keeping is None else "best"),
    )
    fields = [*exports, *((name, value) for name, value in loop.carried)]
    _finish(site, "repeat", address, fields, loop, results, attrs, stmt.span)
    _publish(site, loop.site, address, fields, address)


def fold(site: Site, stmt: tree.Fold) -> None:
    """Lower a fold; afterwards the carried names mean the fields of its record."""
    address = site.shared.fresh(f"{site.path}.fold")
    items = site.value(stmt.items, f"{address}.items")
    bound = static(site, stmt.bound, f"{address}.bound")
    loop = _enter(site, stmt.carried, address, address, "fold")
    name = stmt.variable.text
    item = Typed(site.shared.fresh(f"{address}.{name}"), item_of(items.type))
    loop.site.scope.own[name] = Value(item)
    loop = replace(loop, params=(item, *loop.params), starts=(("items", items.id), *loop.starts))
    site.shared.rules.statements(loop.site, stmt.body)
    results = _nexts(loop, address)
    fields = list(loop.carried)
    _finish(site, "fold", address, fields, loop, results, (("bound", bound),), stmt.span)
    _publish(site, None, address, fields, site.path)


def within(site: Site, stmt: tree.Within) -> None:
    """Lower a budget scope; afterwards its names, and whether it is exhausted, are bound."""
    address = site.shared.fresh(f"{site.path}.within")
    inner = site.inside()
    site.shared.rules.statements(inner, stmt.body)
    exports = _exports(inner, "within")
    loop = Loop(inner, (), (), ())
    results = [(name, value.id) for name, value in exports]
    flag = "exhausted"
    fields = [*exports, (flag, Typed(flag, BOOL))]
    attrs = (("budget", _budget(site, stmt.limits, address)),)
    _finish(site, "within", address, fields, loop, results, attrs, stmt.span)
    kind = RecordOf(tuple((name, value.type) for name, value in fields))
    if stmt.alias is None:
        _publish(site, inner, address, fields, address)
    else:
        _publish(site, inner, address, exports, address)
        site.scope.own[stmt.alias.text] = Value(Typed(address, kind))


def _enter(site: Site, carried: tuple[tree.Carried, ...], address: str, path: str, op: str) -> Loop:
    """The site of a loop's body, where the carried names are parameters of the region."""
    inner = site.inside(path)
    starts: list[tuple[str, str]] = []
    params: list[tuple[str, Typed]] = []
    for item in carried:
        name, kind = item.name.text, type_of(item.type)
        start = value_as(site, item.start, kind, f"{address}.start.{name}")
        param = Typed(site.shared.fresh(f"{path}.{name}"), kind)
        inner.scope.own[name] = Value(param)
        starts.append((_outside(name, op), start.id))
        params.append((_outside(name, op), param))
    body = replace(inner, scope=Scope(inner.scope))
    values = tuple(typed for _, typed in params)
    return Loop(body, values, tuple(params), tuple(starts))


def _nexts(loop: Loop, address: str) -> list[tuple[str, str]]:
    """The results of a body for the next round; a name without `next` keeps its value."""
    found: list[tuple[str, str]] = []
    for name, param in loop.carried:
        value = param
        given = loop.site.scope.own.pop(f"{_inside(name)}.next", None)
        if given is not None:
            spot = f"{address}.next.{name}"
            value = coerce(loop.site, loop.site.read(given), param.type, spot)
        found.append((f"next.{name}", value.id))
    return found


def _exports(site: Site, op: str) -> list[tuple[str, Typed]]:
    """Run-time values bound in a region that names after it may read.

    Values for an outer loop's next round are among them: `next` may stand in any inner scope.
    """
    return [
        (_outside(name, op), site.read(found))
        for name, found in tuple(site.scope.own.items())
        if not isinstance(found, Known)
    ]


def _outside(name: str, op: str) -> str:
    """A bound name as the node's results and fields have it."""
    return f"{name}{_OWN}" if _RESERVED[op] == name else name


def _inside(name: str) -> str:
    """The bound name of a result or field."""
    return name.removesuffix(_OWN)


def _publish(
    site: Site,
    inner: Site | None,
    address: str,
    fields: list[tuple[str, Typed]],
    path: str,
) -> None:
    """Bind names after a region to the fields of its record; what is known stays known."""
    for name, value in fields:
        inputs, attrs = (("of", address),), (("name", name),)
        late = site.late("field", f"{path}.{name}", value.type, inputs, attrs)
        site.scope.own[_inside(name)] = late
    for name, found in inner.scope.own.items() if inner is not None else ():
        if isinstance(found, Known):
            still = known(site, found.attr, f"{path}.{name}")
            site.scope.own[name] = replace(still, word=found.word)


def _finish(
    site: Site,
    op: str,
    address: str,
    fields: list[tuple[str, Typed]],
    loop: Loop,
    results: list[tuple[str, str]],
    attrs: tuple[tuple[str, Attr], ...],
    span: Span,
) -> None:
    """Add the node, whose address is already reserved."""
    params = tuple((param.id, param.type) for param in loop.params)
    region = Region("body", params, loop.site.region.nodes(), tuple(results))
    kind = RecordOf(tuple((name, value.type) for name, value in fields))
    site.region.parts.append(Node(address, op, kind, loop.starts, attrs, (region,), span))


def _score(stmt: tree.Repeat) -> tree.Expr | None:
    return None if stmt.keeping is None else stmt.keeping.args[0].value


def _budget(site: Site, limits: tree.ListExpr, address: str) -> Attr:
    """The limits as (unit, number) pairs; minutes are seconds."""
    pairs: list[Attr] = []
    for item in limits.items:
        if isinstance(item, tree.Call):
            unit = str(item.callee)
            amount = static(site, item.args[0].value, f"{address}.{unit}")
            if unit == "minutes" and isinstance(amount, int | float):
                unit, amount = "seconds", amount * 60
            pairs.append((unit, amount))
    return tuple(pairs)
