"""What is known at compile time: literals, entities, words, and holes with their domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from graphdsl.compiler.entities import pool_models, qualified
from graphdsl.compiler.lower_site import Known, Late, Meaning, Shared, Site, Value, unused
from graphdsl.compiler.program import Declaration, Module
from graphdsl.ir.nodes import Attr, Choices, Domain, Hole, HoleRef, Interval, Symbol
from graphdsl.ir.text import label_of
from graphdsl.ir.types import (
    BOOL,
    FLOW,
    MEMORY,
    MODEL,
    MODELS,
    NUMBER,
    PROMPT,
    TEXT,
    Type,
)
from graphdsl.ops.registry import ANY_WORD
from graphdsl.syntax import tree

_ENTITIES: Final = {"model": MODEL, "prompt": PROMPT, "memory": MEMORY, "flow": FLOW}


def static(site: Site, expr: tree.Expr | None, address: str) -> Attr:
    """The compile-time value of an expression; a hole in it gets this address.

    A `Models` value is a tuple of symbols, pools within lists flattened. Flows are symbols of
    kind `flow`, which never leave the lowering.
    """
    match expr:
        case tree.String() | tree.Number() | tree.Bool():
            return expr.value
        case tree.Ref():
            return _name(site, expr)
        case tree.ListExpr(items=items):
            return _flat(static(site, item, f"{address}.{i}") for i, item in enumerate(items))
        case tree.Hole():
            return add_hole(site, expr, address)
        case _:
            return None


def known(site: Site, attr: Attr, address: str) -> Known:
    """A name known at compile time; literals and holes of literals also have a run-time form."""
    kind = kind_of(site.shared, attr)
    if kind in (TEXT, NUMBER, BOOL):
        return Known(attr, site.late("const", address, kind, attrs=(("value", attr),)))
    return Known(attr)


def meaning(site: Site, expr: tree.Rhs, address: str) -> Meaning:
    """What a name bound to this expression stands for; names of names are aliases."""
    match expr:
        case tree.Ref(parts=(name,)) if (found := site.scope.find(name.text)) is not None:
            return found
        case tree.Ref() if site.scope.find(expr.parts[0].text) is None:
            found = known(site, static(site, expr, address), address)
            return replace(found, word=_is_word(site, expr))
        case tree.String() | tree.Number() | tree.Bool() | tree.Hole():
            return known(site, static(site, expr, address), address)
        case _:
            return Value(site.value(expr, address))


def kind_of(shared: Shared, attr: Attr) -> Type:
    """The type of a compile-time value; a hole has the type of its default."""
    match attr:
        case bool():
            return BOOL
        case int() | float():
            return NUMBER
        case Symbol(kind, _):
            return _ENTITIES[kind]
        case tuple():
            return MODELS
        case HoleRef(address):
            return _hole_kind(shared, shared.holes[address])
        case _:
            return TEXT


def tuned(site: Site, expr: tree.Expr, address: str) -> Known:
    """A tuned name: a hole over words where its default is one, else over anything."""
    default = expr.value if isinstance(expr, tree.Hole) else expr
    if isinstance(default, tree.Ref) and _is_word(site, default):
        return Known(static(site.reading(ANY_WORD), expr, address), word=True)
    return known(site, static(site, expr, address), address)


def _is_word(site: Site, ref: tree.Ref) -> bool:
    """True for a name that nothing declares, or that stands for words."""
    found = site.scope.find(str(ref))
    if found is not None:
        return isinstance(found, Known) and found.word
    return site.scope.find(ref.parts[0].text) is None and declared(site, ref) is None


def _hole_kind(shared: Shared, hole: Hole) -> Type:
    match hole.domain:
        case Interval():
            return NUMBER
        case Choices(labels, values):
            found = [kind_of(shared, value) for value in values]
            default = found[labels.index(str(hole.default))]
            return MODELS if MODELS in found and default == MODEL else default


def as_models(attr: Attr) -> Attr:
    """A compile-time `Models`: a tuple of models, each once, or the hole that decides."""
    match attr:
        case HoleRef():
            return attr
        case tuple():
            return tuple(dict.fromkeys(_flat(iter(attr))))
        case _:
            return (attr,)


def alternatives(shared: Shared, attr: Attr) -> tuple[Attr, ...]:
    """All values that an attribute can take; the attribute itself when it has no hole."""
    match attr:
        case HoleRef(address):
            domain = shared.holes[address].domain
            return domain.values if isinstance(domain, Choices) else ()
        case tuple():
            found = (value for item in attr for value in alternatives(shared, item))
            return tuple(dict.fromkeys(found))
        case _:
            return (attr,)


# ---- names


def _name(site: Site, ref: tree.Ref) -> Attr:
    """What a name stands for at compile time; a name that nothing declares is a word."""
    meant = site.scope.find(ref.parts[0].text) if len(ref.parts) == 1 else None
    if str(ref) in site.words and not (isinstance(meant, Known) and meant.word):
        return str(ref)
    match meant:
        case Known(attr):
            return attr
        case Value(_, str(name)):
            site.shared.needed.add(name)
            return static(site, site.shared.defaults[name], name)
        case Late() | Value():
            return None
        case None:
            found = declared(site, ref)
            return str(ref) if found is None else found


def declared(site: Site, ref: tree.Ref) -> Attr:
    """The entity that a path of names means in this file, or None; a pool is its models."""
    found = site.module.find(ref)
    return None if found is None else entity(site.shared, *found)


def entity(shared: Shared, module: Module, item: Declaration) -> Attr:
    """A declared thing as a symbol, remembered so that the graph can hold its spec."""
    match item:
        case tree.Model():
            kind = "model"
        case tree.Prompt():
            kind = "prompt"
        case tree.Memory():
            kind = "memory"
        case tree.Flow():
            kind = "flow"
        case tree.Pool():
            return tuple(
                entity(shared, where, model) for _, where, model in pool_models(module, item)
            )
    symbol = Symbol(kind, qualified(module, item.name.text))
    shared.declared[symbol] = (module, item)
    return symbol


def _flat(items: Iterator[Attr]) -> tuple[Attr, ...]:
    """Items in order, tuples of symbols among them (pools) opened."""
    found: list[Attr] = []
    for item in items:
        found.extend(item if isinstance(item, tuple) else (item,))
    return tuple(found)


# ---- holes


def add_hole(site: Site, expr: tree.Hole, address: str) -> HoleRef:
    """Declare the hole of `value in domain`."""
    default = static(site, expr.value, address)
    domain = _domain(site, expr.domain, address)
    label = default if isinstance(domain, Interval) else _label_in(domain, default)
    return declare(site, address, label if isinstance(label, int | float) else str(label), domain)


def declare(
    site: Site,
    address: str,
    default: str | float,
    domain: Domain,
) -> HoleRef:
    """Declare a hole under the conditions of this place; its address is made unique."""
    holes = site.shared.holes
    found = unused(address, holes)
    holes[found] = Hole(found, default, domain, site.when)
    return HoleRef(found)


def counted(shared: Shared, attr: Attr) -> Attr:
    """A whole number, or a hole of whole numbers turned into labelled choices.

    Conditions of other holes name labels, so a hole that others depend on needs them.
    """
    if isinstance(attr, HoleRef):
        hole = shared.holes[attr.address]
        if isinstance(hole.domain, Interval):
            low, high = int(hole.domain.low), int(hole.domain.high)
            values = tuple(range(low, high + 1, int(hole.domain.step or 1)))
            domain = Choices(tuple(map(str, values)), values)
            shared.holes[hole.address] = replace(hole, default=str(hole.default), domain=domain)
    return attr


def _domain(site: Site, expr: tree.Range | tree.ListExpr | tree.Ref, address: str) -> Domain:
    match expr:
        case tree.Range():
            return _interval(site, expr, address)
        case tree.ListExpr(items=items):
            pairs = [_labelled(site, item, address) for item in items]
        case tree.Ref():
            models = alternatives(site.shared, as_models(static(site, expr, address)))
            pairs = [(label_of(model), model) for model in _flat(iter(models))]
    unique = dict(pairs)
    return Choices(tuple(unique), tuple(unique.values()))


def _interval(site: Site, expr: tree.Range, address: str) -> Interval:
    low, high = _number(site, expr.low, address), _number(site, expr.high, address)
    step = None if expr.step is None else _number(site, expr.step, address)
    integer = all(isinstance(number, int) for number in (low, high, step or 0))
    return Interval(low, high, 1 if integer and step is None else step, integer)


def _number(site: Site, expr: tree.Expr, address: str) -> int | float:
    value = static(site, expr, address)
    return value if isinstance(value, int | float) else 0


def _labelled(site: Site, item: tree.Expr, address: str) -> tuple[str, Attr]:
    """An alternative with its label: the plain text of a literal, the name of an entity."""
    value = static(site, item, address)
    if not isinstance(item, tree.Ref) or not isinstance(value, tuple):
        return label_of(value), value
    found = site.module.find(item)
    return (str(item), value) if found is None else (qualified(found[0], found[1].name.text), value)


def _label_in(domain: Choices, value: Attr) -> str:
    """The label of a value of the domain."""
    for label, other in zip(domain.labels, domain.values, strict=True):
        if other == value or as_models(other) == as_models(value):
            return label
    return label_of(value)
