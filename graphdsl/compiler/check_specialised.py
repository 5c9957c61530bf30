"""Calls of flows. One that takes flows, prompts or words is checked once for each set of them."""

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
from graphdsl.compiler.session import Facts, FlowKey, Frame, Session, Specialised
from graphdsl.compiler.words import words_now
from graphdsl.diagnostics import Diagnostic, Label, Span
from graphdsl.ir.types import ENTITY_TYPES, FLOW, PROMPT, SCORER, Type
from graphdsl.ops.registry import ANY_WORD
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

MAX_CALL_DEPTH: Final = 40
"""Flows that call flows; each level is inlined into the one above."""


def call_flow(expr: tree.Call, module: Module, flow: tree.Flow, frame: Frame) -> Type:
    """The type of a flow's result, after checking the arguments and the flow they make of it."""
    given = match(expr, declared_signature(flow), frame)
    alone = frame.session.facts.get((id(flow), ()))
    owner = f"flow `{flow.name.text}`"
    words = _words_of_call(flow, given, alone, frame)
    facts = _facts_of_call(expr, module, flow, given, words, frame)
    for param in flow.params:
        value, kind = given.get(param.name.text), type_of(param.type)
        if value is None or kind == SCORER:
            continue
        known = kind in ENTITY_TYPES or param.name.text in facts.static
        if known or isinstance(value, tree.Hole):
            place = facts.static.get(param.name.text)
            _static(value, held(param.name.text, kind, facts), owner, place, frame)
        else:
            check_value(value, param, owner, frame)
    check_flow_needs(expr, (module, flow), given, (facts, alone), frame)
    if facts.effect:
        frame.effect()
    return type_of(flow.result)


def held(name: str, kind: Type, facts: Facts) -> Param:
    """What a parameter of a flow takes, where it must be known: its uses say which numbers."""
    bounds = facts.bounds.get(name)
    if bounds is None:
        return Param(name, "", (kind,), static=True)
    low, high, integer = bounds.low, bounds.high, bounds.integer
    return Param(name, "", (kind,), static=True, low=low, high=high, integer=integer)


def _words_of_call(
    flow: tree.Flow, given: Mapping[str, tree.Expr], alone: Facts | None, frame: Frame
) -> Specialised:
    """The words that the call gives, after checking that the flow's uses of them take these."""
    found: dict[str, tuple[Entity | str, ...]] = {}
    for param in flow.params:
        name = param.name.text
        if name not in given or type_of(param.type) != SCORER:
            continue
        before, value = len(frame.session.diagnostics), given[name]
        accepted = None if alone is None else alone.words.get(name)
        place = None if accepted is None else accepted.place
        words = () if accepted is None else accepted.words
        spec = Param(name, "", () if words else (SCORER,), static=True, words=words)
        _static(value, spec, f"flow `{flow.name.text}`", place, frame)
        if len(frame.session.diagnostics) == before:
            found[name] = words_now(value, ANY_WORD, frame) or ()
    return found


def _static(value: tree.Expr, param: Param, owner: str, place: Span | None, frame: Frame) -> None:
    """Check an argument that specialises the flow; say which place in the flow asks for it."""
    diagnostics = frame.session.diagnostics
    before = len(diagnostics)
    static_argument(value, param, owner, frame)
    if place is None or len(diagnostics) == before:
        return
    texts = {
        codes.NOT_STATIC: "the flow needs it at compile time here",
        codes.WRONG_WORD: "the flow uses it here",
        codes.NUMBER_RANGE: "the flow uses it here",
        codes.NOT_POSITIVE: "the flow uses it here",
    }
    last = diagnostics[-1]
    if last.code in texts:
        label = Label(place, texts[last.code])
        diagnostics[-1] = replace(last, secondary=(*last.secondary, label))


def _facts_of_call(
    expr: tree.Call,
    module: Module,
    flow: tree.Flow,
    given: Mapping[str, tree.Expr],
    words: Specialised,
    frame: Frame,
) -> Facts:
    specialised = {**words} | {
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
        name = _culprit(module, flow, specialised, frame.session)
        frame.report(_does_not_fit(expr, flow, name, given, facts.misfit))
    return facts


def _culprit(module: Module, flow: tree.Flow, specialised: Specialised, session: Session) -> str:
    """The first parameter whose argument alone makes the flow wrong, else the first of all."""
    for name, entities in specialised.items():
        key = flow_key(flow, {name: entities})
        known = session.facts.get(key)
        if known is None and key not in session.open:
            known = _specialise(module, flow, {name: entities}, session)
        if known is not None and known.misfit is not None:
            return name
    return next(iter(specialised))


def _circle(expr: tree.Call, flow: tree.Flow, specialised: Specialised, frame: Frame) -> Facts:
    """A flow that is being checked already: direct recursion is reported elsewhere."""
    if specialised:
        message = f"flow `{flow.name.text}` calls itself through what it is given"
        frame.report(error(codes.RECURSION, message, expr.callee.span, "calls itself here"))
    return Facts()


def flow_key(flow: tree.Flow, specialised: Specialised) -> FlowKey:
    """What identifies a flow with the flows, prompts and words it was given."""
    pairs = sorted(specialised.items())
    parts = tuple((name, tuple(map(_identity, found))) for name, found in pairs)
    return id(flow), parts


def _identity(part: Entity | str) -> int | str:
    return part if isinstance(part, str) else id(part[1])


def _specialise(
    module: Module, flow: tree.Flow, specialised: Specialised, session: Session
) -> Facts:
    """Check a flow with these flows, prompts and words, apart from the reports of the file."""
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
    name: str,
    given: Mapping[str, tree.Expr],
    misfit: Diagnostic,
) -> Diagnostic:
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
