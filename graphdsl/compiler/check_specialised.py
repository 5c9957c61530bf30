"""Calls of flows. A flow that takes flows or prompts is checked once for each set of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.arguments import match
from graphdsl.compiler.check_call import check_value, declared_signature
from graphdsl.compiler.check_capabilities import check_flow_needs
from graphdsl.compiler.check_static import static_argument
from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import error
from graphdsl.compiler.scope import Entity
from graphdsl.compiler.session import Facts, FlowKey, Frame, Session
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ir.types import ENTITY_TYPES, FLOW, PROMPT, Type
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

MAX_CALL_DEPTH: Final = 40
"""Flows that call flows; each level is inlined into the one above."""

Specialised = Mapping[str, tuple[Entity, ...]]
"""The flows and prompts that parameters of a flow stand for."""


def call_flow(expr: tree.Call, module: Module, flow: tree.Flow, frame: Frame) -> Type:
    """The type of a flow's result, after checking the arguments and the flow they make of it."""
    given = match(expr, declared_signature(flow), frame)
    facts = _facts_of_call(expr, module, flow, given, frame)
    owner = f"flow `{flow.name.text}`"
    for param in flow.params:
        value = given.get(param.name.text)
        if value is None:
            continue
        kind = type_of(param.type)
        known = kind in ENTITY_TYPES or param.name.text in facts.static
        if known or isinstance(value, tree.Hole):
            _static(value, param, kind, owner, facts, frame)
        else:
            check_value(value, param, owner, frame)
    alone = frame.session.facts.get((id(flow), ()))
    check_flow_needs(expr, (module, flow), given, (facts, alone), frame)
    if facts.effect:
        frame.effect()
    return type_of(flow.result)


def _static(
    value: tree.Expr, param: tree.Param, kind: Type, owner: str, facts: Facts, frame: Frame
) -> None:
    """Check an argument that specialises the flow; say which place in the flow asks for it."""
    diagnostics = frame.session.diagnostics
    before = len(diagnostics)
    static_argument(value, Param(param.name.text, "", (kind,), static=True), owner, frame)
    place = facts.static.get(param.name.text)
    if place is not None and len(diagnostics) > before:
        label = Label(place, "the flow needs it at compile time here")
        last = diagnostics[-1]
        if last.code == codes.NOT_STATIC:
            diagnostics[-1] = replace(last, secondary=(*last.secondary, label))


def _facts_of_call(
    expr: tree.Call,
    module: Module,
    flow: tree.Flow,
    given: Mapping[str, tree.Expr],
    frame: Frame,
) -> Facts:
    specialised = {
        name: entities
        for param in flow.params
        if type_of(param.type) in (FLOW, PROMPT)
        and (value := given.get(name := param.name.text)) is not None
        and (entities := entities_of(value, frame))
    }
    key = flow_key(flow, specialised)
    if key in frame.session.facts:
        facts = frame.session.facts[key]
    elif key in frame.session.open:
        return _circle(expr, flow, specialised, frame)
    elif len(frame.session.open) >= MAX_CALL_DEPTH:
        message = f"flows call each other more than {MAX_CALL_DEPTH} deep"
        frame.report(error(codes.CALLS_TOO_DEEP, message, expr.callee.span))
        return Facts()
    else:
        facts = _specialise(module, flow, specialised, frame.session)
    alone = frame.session.facts.get((id(flow), ()))
    broken = alone is not None and alone.misfit is not None
    if facts.misfit is not None and specialised and not broken:
        frame.report(_does_not_fit(expr, flow, specialised, given, facts.misfit))
    return facts


def _circle(expr: tree.Call, flow: tree.Flow, specialised: Specialised, frame: Frame) -> Facts:
    """A flow that is being checked already: direct recursion is reported elsewhere."""
    if specialised:
        message = f"flow `{flow.name.text}` calls itself through what it is given"
        frame.report(error(codes.RECURSION, message, expr.callee.span, "calls itself here"))
    return Facts()


def flow_key(flow: tree.Flow, specialised: Specialised) -> FlowKey:
    """What identifies a flow with the flows and prompts it was given."""
    pairs = sorted(specialised.items())
    parts = tuple((name, tuple(id(item) for _, item in entities)) for name, entities in pairs)
    return id(flow), parts


def _specialise(
    module: Module, flow: tree.Flow, specialised: Specialised, session: Session
) -> Facts:
    """Check a flow with these flows and prompts, apart from the reports of the file."""
    from graphdsl.compiler.check_flow import check_flow

    apart = replace(session, diagnostics=[], types={}, bindings=[], roots=[])
    facts = check_flow(module, flow, apart, specialised)
    errors = [found for found in apart.diagnostics if found.is_error]
    facts.misfit = errors[0] if errors else None
    return facts


def entities_of(value: tree.Expr, frame: Frame) -> tuple[Entity, ...]:
    """The declarations that a compile-time argument can stand for, where that is known here."""
    match value:
        case tree.Ref():
            binding = frame.scope.find(value.parts[0].text)
            if binding is not None:
                return binding.entities
            found = frame.module.find(value)
            return () if found is None else (found,)
        case tree.Hole(value=default, domain=tree.ListExpr(items=items)):
            parts = [entities_of(item, frame) for item in (default, *items)]
        case tree.Hole(value=default, domain=tree.Ref() as pool):
            parts = [entities_of(default, frame), entities_of(pool, frame)]
        case tree.ListExpr(items=items):
            parts = [entities_of(item, frame) for item in items]
        case _:
            return ()
    unique = {id(declared): (module, declared) for part in parts for module, declared in part}
    return tuple(unique.values())


def _does_not_fit(
    expr: tree.Call,
    flow: tree.Flow,
    specialised: Specialised,
    given: Mapping[str, tree.Expr],
    misfit: Diagnostic,
) -> Diagnostic:
    name = next(iter(specialised))
    value = given[name]
    shown = f"`{value}`" if isinstance(value, tree.Ref) else "this"
    return error(
        codes.DOES_NOT_FIT,
        f"{shown} does not fit `{name}` of flow `{flow.name.text}`: {misfit.message}",
        value.span,
        "does not fit",
        secondary=(Label(misfit.primary.span, misfit.primary.text or "used here"),),
        notes=misfit.notes,
        helps=misfit.helps,
    )
