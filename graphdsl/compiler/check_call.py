"""Calls: which operator, flow or prompt a name means, and whether the arguments fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.arguments import Signature, Slot, match
from graphdsl.compiler.check_capabilities import check_call_needs
from graphdsl.compiler.check_conditions import check_conditions
from graphdsl.compiler.check_expression import (
    expression,
    origin,
    report_absent,
    type_of_value,
)
from graphdsl.compiler.check_names import entity_type, find_binding, find_entity, report_unknown
from graphdsl.compiler.check_static import mismatch, static_argument
from graphdsl.compiler.check_texts import check_unlike
from graphdsl.compiler.check_types import type_of
from graphdsl.compiler.list_operators import check_items, list_types
from graphdsl.compiler.report import a, error, instead
from graphdsl.compiler.scope import Binding, Entity
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label
from graphdsl.ir.types import (
    DRAFT,
    DRAFTS,
    ENTITY_TYPES,
    FLOW,
    MESSAGES,
    PROMPT,
    UNKNOWN,
    OptionalOf,
    Type,
    Unknown,
    assignable,
    join,
)
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.signature import Operator, Param
from graphdsl.syntax import tree

_ABSENT: Final = ("say what takes its place where it is absent: `otherwise(…, default)`",)


def call(expr: tree.Call, frame: Frame) -> Type:
    """The type of what a call gives, after reporting what is wrong with it."""
    name = str(expr.callee)
    binding = frame.scope.find(expr.callee.parts[0].text)
    if binding is not None and (binding.static or name not in OPERATORS):
        return _bound(expr, frame)
    found = find_entity(expr.callee, frame)
    if found is not None and name in OPERATORS:  # a declaration of that name was reported
        _read_arguments(expr, frame)
        return UNKNOWN
    if found is not None:
        return call_entity(expr, found, frame)
    if name in OPERATORS:
        return operator_call(expr, OPERATORS[name], frame)
    _unknown_callee(expr, frame)
    _read_arguments(expr, frame)
    return UNKNOWN


def _bound(expr: tree.Call, frame: Frame) -> Type:
    """A call of a name of the flow: a parameter or `tune` that stands for flows or prompts."""
    binding = find_binding(expr.callee, frame)
    if binding is None or isinstance(binding.type, Unknown):
        _read_arguments(expr, frame)
        return UNKNOWN
    if binding.type not in (FLOW, PROMPT) or len(expr.callee.parts) > 1:
        _not_callable(expr, binding.type, Label(binding.span, "bound here"), frame)
        return UNKNOWN
    if not binding.entities:
        _read_arguments(expr, frame)
        return MESSAGES if binding.type == PROMPT else UNKNOWN
    return _candidates(expr, binding, frame)


def _candidates(expr: tree.Call, binding: Binding, frame: Frame) -> Type:
    """Every flow or prompt that the name can stand for must fit; the first misfit is reported."""
    kind: Type = UNKNOWN
    for entity in binding.entities:
        before = len(frame.session.diagnostics)
        here = call_entity(expr, entity, frame)
        both = join(kind, here)
        if len(frame.session.diagnostics) > before:
            return UNKNOWN
        if both is None:
            message = f"`{binding.name}` can stand for flows that give `{kind}` and `{here}`"
            frame.report(error(codes.BRANCHES_DISAGREE, message, expr.callee.span))
            return UNKNOWN
        kind = both
    return kind


def call_entity(expr: tree.Call, entity: Entity, frame: Frame) -> Type:
    """The type of a call of a declared flow or prompt."""
    module, declared = entity
    if isinstance(declared, tree.Prompt):
        _call_prompt(expr, declared, frame)
        return MESSAGES
    if isinstance(declared, tree.Flow):
        from graphdsl.compiler.check_specialised import call_flow

        return call_flow(expr, module, declared, frame)
    place = Label(declared.name.span, "declared here")
    _not_callable(expr, entity_type(declared), place, frame)
    return UNKNOWN


def _not_callable(expr: tree.Call, kind: Type, place: Label, frame: Frame) -> None:
    name = str(expr.callee)
    helps = {
        "Model": f"ask it with an operator: `generate(…, models: {name})`",
        "Models": f"ask them with an operator: `generate(…, models: {name})`",
        "Memory": f"look into it with `recall({name}, query: …)`",
    }.get(str(kind), "what can be called are operators, flows and prompts")
    message = f"`{name}` is {a(kind)}, which cannot be called"
    frame.report(
        error(
            codes.NOT_CALLABLE,
            message,
            expr.callee.span,
            "called here",
            secondary=(place,),
            helps=(helps,),
        )
    )


def _unknown_callee(expr: tree.Call, frame: Frame) -> None:
    names: list[str] = []
    if not frame.session.crowded:
        declared = frame.module.declarations.items()
        names = [name for name, item in declared if isinstance(item, tree.Flow | tree.Prompt)]
    head = expr.callee.parts[0].text
    if len(expr.callee.parts) > 1 or head in frame.later:
        report_unknown(expr.callee, frame, [*OPERATORS, *names], "flow or prompt")
        return
    name = str(expr.callee)
    helps = instead(name, [*names, *OPERATORS], expr.callee.span, "there are")
    message = f"there is no operator, flow or prompt `{name}`"
    frame.report(error(codes.UNKNOWN_CALLEE, message, expr.callee.span, "unknown", helps=helps))


def _read_arguments(expr: tree.Call, frame: Frame) -> None:
    """Names in the arguments of a call that cannot be checked further are still looked up."""
    for arg in expr.args:
        if not isinstance(arg.value, tree.Hole):
            expression(arg.value, frame)


# ---- operators


def operator_call(expr: tree.Call, operator: Operator, frame: Frame) -> Type:
    """The type of an operator's result."""
    if operator.effect:
        frame.effect()
    given = match(expr, _operator_signature(operator), frame)
    types: dict[str, Type] = {}
    for param in operator.params:
        if param.rest:
            types.update(_rest(given, param, operator, frame))
        elif param.name in given and param.static:
            static_argument(given[param.name], param, f"`{operator.name}`", frame)
        elif param.name in given:
            types[param.name] = edge(given[param.name], param, f"`{operator.name}`", frame)
    check_items(expr, operator, given, types, frame)
    check_conditions(expr, operator, given, frame)
    check_unlike(operator, given, frame)
    if operator.samples:
        check_call_needs(expr, operator, given, frame)
    return operator.result(list_types(types))


def _rest(
    given: Mapping[str, tree.Expr], param: Param, operator: Operator, frame: Frame
) -> dict[str, Type]:
    return {name: edge(value, param, f"`{operator.name}`", frame) for name, value in given.items()}


def _operator_signature(operator: Operator) -> Signature:
    slots = tuple(
        Slot(param.name, _always_required(param), _shown(param), param.types)
        for param in operator.params
    )
    rest = any(param.rest for param in operator.params)
    return Signature(operator.name, slots, operator.positional, rest)


def _always_required(param: Param) -> bool:
    return param.required and param.when is None


def _shown(param: Param) -> str:
    if param.words:
        kind = " | ".join(param.words)
    elif param.units:
        kind = " | ".join(f"{unit}(…)" for unit in param.units)
    else:
        kind = " | ".join(str(kind) for kind in param.types).replace("List[?]", "List[T]")
    kind = "T" if kind == "?" else kind
    return f"{param.name}: {kind}{'' if _always_required(param) else ' = …'}"


def edge(expr: tree.Expr, param: Param, owner: str, frame: Frame) -> Type:
    """The type of an argument that is computed at run time, after checking that it fits."""
    kind = type_of_value(expr, frame)
    present = kind.item if isinstance(kind, OptionalOf) else kind
    fits = any(assignable(present, want) for want in param.types)
    if fits and (present == kind or param.default is None or _takes_absent(kind, param)):
        return present
    binding = _binding(expr, frame)
    if fits and binding is not None:
        report_absent(expr, binding, kind, frame)
    else:
        helps = _ABSENT if fits else _instead(expr, present, param, frame)
        frame.report(mismatch(expr, kind, param, owner, origin(expr, frame), helps))
    return UNKNOWN


def _takes_absent(kind: Type, param: Param) -> bool:
    """A parameter of any type takes items that are there: `append(texts, x)` stays of texts."""
    wanted = (want for want in param.types if not isinstance(want, Unknown))
    return any(assignable(kind, want) for want in wanted)


def _binding(expr: tree.Expr, frame: Frame) -> Binding | None:
    return frame.scope.find(expr.parts[0].text) if isinstance(expr, tree.Ref) else None


def _instead(expr: tree.Expr, found: Type, param: Param, frame: Frame) -> tuple[str, ...]:
    """A value in scope that would fit, or the operator that makes one."""
    if found == DRAFTS and any(assignable(DRAFT, want) for want in param.types):
        name = str(expr) if isinstance(expr, tree.Ref) else "…"
        return (f"take one of them: `vote({name})`, `best({name})` or `first({name})`",)
    fitting = [
        name
        for name in dict.fromkeys(frame.scope.visible())
        if (binding := frame.scope.find(name)) is not None
        and binding.type in param.types
        and not isinstance(binding.type, Unknown)
    ]
    helps = [f"`{fitting[0]}` would fit"] if len(fitting) == 1 else []
    if found == DRAFT and any(want == DRAFTS for want in param.types):
        name = str(expr) if isinstance(expr, tree.Ref) else "…"
        helps.append(f"a list of it alone: `[{name}]`")
    return tuple(helps)


# ---- prompts


def _call_prompt(expr: tree.Call, prompt: tree.Prompt, frame: Frame) -> None:
    signature = declared_signature(prompt)
    given = match(expr, signature, frame)
    for param in prompt.params:
        value = given.get(param.name.text)
        if value is not None:
            check_value(value, param, f"prompt `{prompt.name.text}`", frame)


def declared_signature(item: tree.Flow | tree.Prompt) -> Signature:
    """The signature of a declared flow or prompt."""
    slots = tuple(
        Slot(param.name.text, required(param), f"{param.name.text}: {type_of(param.type)}")
        for param in item.params
    )
    return Signature(item.name.text, slots, len(slots), declared=item.name.span)


def required(param: tree.Param) -> bool:
    """True when a call must give the parameter; one of an optional type may be left out."""
    return param.default is None and not param.type.optional


def check_value(value: tree.Expr, param: tree.Param, owner: str, frame: Frame) -> None:
    """Check a run-time argument of a declared parameter."""
    kind = type_of(param.type)
    if kind in ENTITY_TYPES:
        kind = UNKNOWN
    edge(value, Param(param.name.text, "", (kind,), default=...), owner, frame)
