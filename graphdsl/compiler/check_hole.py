"""Holes: `value in domain`. The value must be one of the domain's, and all must fit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.check_names import entity_type, find_binding, find_entity, report_unknown
from graphdsl.compiler.check_static import mismatch, number_problem, static_argument
from graphdsl.compiler.entities import pool_models
from graphdsl.compiler.report import a, error, listed, warning
from graphdsl.compiler.scope import Entity
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label, Span
from graphdsl.ir.types import MODEL, MODELS, NUMBER, Unknown, assignable
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree


def check_hole(hole: tree.Hole, param: Param, owner: str, frame: Frame) -> None:
    """Report what is wrong with a hole that stands for `param`."""
    if isinstance(hole.value, tree.Hole):
        report_misplaced_hole(hole.value, frame)
        return
    before = len(frame.session.diagnostics)
    static_argument(hole.value, param, owner, frame)
    right = len(frame.session.diagnostics) == before
    match hole.domain:
        case tree.Range():
            _range(hole, hole.domain, param, owner, frame, right)
        case tree.ListExpr():
            _alternatives(hole, hole.domain, param, owner, frame, right)
        case tree.Ref():
            _pool(hole, hole.domain, param, owner, frame, right)


# ---- ranges


def _range(
    hole: tree.Hole, domain: tree.Range, param: Param, owner: str, frame: Frame, right: bool
) -> None:
    if NUMBER not in param.types:
        if right:
            frame.report(mismatch(domain, NUMBER, param, owner))
        return
    ends = _ends(domain, param, owner, frame)
    if ends is None or not right or not isinstance(hole.value, tree.Number):
        return
    low, high, step = ends
    value = hole.value.value
    if not low <= value <= high:
        _outside(hole, f"`{_text(hole.value)}` is outside of `{low}..{high}`", frame)
    elif step and not _on_grid(value, low, step):
        _outside(hole, f"`{_text(hole.value)}` is no step of `{low}..{high} step {step}`", frame)
    elif low == high:
        _single(domain.span, frame)


def _ends(
    domain: tree.Range, param: Param, owner: str, frame: Frame
) -> tuple[float, float, float] | None:
    """Low, high and step (0 when there is none), or None after a report."""
    numbers: list[float] = []
    for expr in (domain.low, domain.high, *(() if domain.step is None else (domain.step,))):
        if not isinstance(expr, tree.Number):
            message = "the ends of a range are numbers"
            frame.report(error(codes.NOT_A_DOMAIN, message, expr.span, "not a number"))
            return None
        numbers.append(expr.value)
    problem = _range_problem(domain, numbers, param, owner)
    if problem is not None:
        code, message = problem
        frame.report(error(code, message, domain.span))
        return None
    return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0


def _range_problem(
    domain: tree.Range, numbers: list[float], param: Param, owner: str
) -> tuple[str, str] | None:
    low, high = numbers[:2]
    if low > high:
        return (
            codes.EMPTY_DOMAIN,
            f"the range `{low}..{high}` begins above its end",
        )
    if domain.step is not None and numbers[2] <= 0:
        return codes.EMPTY_DOMAIN, f"the step of a range must be positive, found {numbers[2]}"
    for end in numbers[:2]:
        if wrong := number_problem(end, param):
            return codes.NUMBER_RANGE, f"`{param.name}` of {owner} must be {wrong}, found {end}"
    if param.integer and not isinstance(numbers[-1], int):
        return codes.NUMBER_RANGE, f"`{param.name}` of {owner} must be a whole number"
    return None


def _on_grid(value: float, low: float, step: float) -> bool:
    ratio = (value - low) / step
    return abs(ratio - round(ratio)) < 1e-6


# ---- lists and pools


def _alternatives(
    hole: tree.Hole,
    domain: tree.ListExpr,
    param: Param,
    owner: str,
    frame: Frame,
    right: bool,
) -> None:
    if not domain.items:
        message = "the domain of a hole is empty"
        frame.report(error(codes.EMPTY_DOMAIN, message, domain.span, "nothing to choose from"))
        return
    before = len(frame.session.diagnostics)
    seen: dict[Hashable, tree.Expr] = {}
    for item in domain.items:
        _alternative(item, param, owner, frame)
        key = static_key(item, frame)
        if key in seen and key is not None:
            _twice(item, seen[key], frame)
        seen.setdefault(key, item)
    if not right or len(frame.session.diagnostics) > before:
        return
    if static_key(hole.value, frame) not in seen:
        shown = listed(_text(item) for item in domain.items)
        _outside(hole, f"`{_text(hole.value)}` is not one of {shown}", frame)
    elif len(seen) == 1:
        _single(domain.span, frame)


def _alternative(item: tree.Expr, param: Param, owner: str, frame: Frame) -> None:
    if isinstance(item, tree.Hole):
        report_misplaced_hole(item, frame)
    else:
        static_argument(item, replace(param, many=param.many), owner, frame)


def _pool(
    hole: tree.Hole, domain: tree.Ref, param: Param, owner: str, frame: Frame, right: bool
) -> None:
    entities = models_of(domain, frame)
    if entities is None:
        return
    if not any(assignable(MODEL, want) for want in param.types):
        if right:
            frame.report(mismatch(domain, MODEL, param, owner))
        return
    if not right or not entities:
        return
    keys = {("entity", id(declared)) for _, declared in entities}
    if static_key(hole.value, frame) not in keys:
        names = listed(declared.name.text for _, declared in entities)
        _outside(hole, f"`{_text(hole.value)}` is not in `{domain}`: it has {names}", frame)
    elif len(keys) == 1:
        _single(domain.span, frame)


def models_of(domain: tree.Ref, frame: Frame) -> tuple[Entity, ...] | None:
    """The models that a name offers as a domain; empty when unknown here, None after a report."""
    binding = find_binding(domain, frame)
    if binding is not None:
        if binding.type in (MODELS, MODEL) and binding.static:
            return tuple(model for entity in binding.entities for model in models_in(entity))
        if not isinstance(binding.type, Unknown):
            _no_domain(domain, a(binding.type), binding.span, frame)
        return None
    found = find_entity(domain, frame)
    if found is None:
        pools = (n for n, d in frame.module.declarations.items() if isinstance(d, tree.Pool))
        report_unknown(domain, frame, pools, "pool")
        return None
    if not isinstance(found[1], tree.Pool):
        _no_domain(domain, a(entity_type(found[1])), found[1].name.span, frame)
        return None
    return tuple(models_in(found))


def models_in(entity: Entity) -> Iterator[Entity]:
    """The models that an entity stands for: itself, or those of a pool."""
    module, declared = entity
    if isinstance(declared, tree.Pool):
        yield from ((where, model) for _, where, model in pool_models(module, declared))
    elif isinstance(declared, tree.Model):
        yield entity


def static_key(expr: tree.Expr, frame: Frame) -> Hashable:
    """What identifies a static value: equal keys are equal values. None when it has none."""
    match expr:
        case tree.Number():
            return "number", float(expr.value)
        case tree.String():
            return "text", expr.value
        case tree.Bool():
            return "bool", expr.value
        case tree.ListExpr():
            return "list", tuple(static_key(item, frame) for item in expr.items)
        case tree.Ref():
            binding = frame.scope.find(expr.parts[0].text)
            if binding is not None:
                entities = binding.entities
                if len(entities) == 1:
                    return "entity", id(entities[0][1])
                return "name", id(binding)
            found = frame.module.find(expr)
            return ("word", str(expr)) if found is None else ("entity", id(found[1]))
        case _:
            return None


# ---- reports


def _text(expr: tree.Expr) -> str:
    match expr:
        case tree.String():
            return f'"{expr.value}"'
        case tree.Number():
            return str(expr.value)
        case tree.Bool():
            return "true" if expr.value else "false"
        case tree.Ref():
            return str(expr)
        case _:
            return "the value"


def _outside(hole: tree.Hole, message: str, frame: Frame) -> None:
    frame.report(
        error(
            codes.DEFAULT_OUTSIDE,
            f"the default of a hole must be in its domain: {message}",
            hole.value.span,
            "the default",
            secondary=(Label(hole.domain.span, "its domain"),),
            helps=("add the default to the domain, or choose one that is in it",),
        )
    )


def _single(at: Span, frame: Frame) -> None:
    frame.report(
        warning(
            codes.ONE_ALTERNATIVE,
            "the hole has one value only, so there is nothing to search",
            at,
            "one value",
            helps=("write the value without `in …`",),
        )
    )


def _twice(item: tree.Expr, first: tree.Expr, frame: Frame) -> None:
    frame.report(
        error(
            codes.DUPLICATE_ALTERNATIVE,
            f"`{_text(item)}` is in the domain twice",
            item.span,
            "again here",
            secondary=(Label(first.span, "first here"),),
        )
    )


def _no_domain(domain: tree.Ref, what: str, place: Span, frame: Frame) -> None:
    frame.report(
        error(
            codes.NOT_A_DOMAIN,
            f"`{domain}` is {what}; a domain is a pool, a list or a range",
            domain.span,
            "not a domain",
            secondary=(Label(place, "declared here"),),
            helps=(f"list the alternatives: `in [{domain}, …]`",),
        )
    )
