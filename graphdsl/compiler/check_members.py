"""What pools and models list: models and pools, none of them the one that lists it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import report_misplaced_hole
from graphdsl.compiler.check_names import entity_type, find_entity, kind_of, report_unknown
from graphdsl.compiler.entities import PoolMember, is_group, listed_in, models_in_list, parts
from graphdsl.compiler.program import Declaration, Module
from graphdsl.compiler.report import error, warning
from graphdsl.compiler.scope import Entity
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Help, Label, Span, TextEdit
from graphdsl.ir.backends import Option
from graphdsl.syntax import tree

Holder = tree.Model | tree.Pool

MOST: Final = 64
"""Models within one model, those within its members counted as often as they occur."""


def check_members(holder: Holder, option: Option | None, value: tree.Expr, frame: Frame) -> None:
    """Report what cannot be a member of a pool, or of what `option` of a model lists."""
    if isinstance(value, tree.Hole):
        report_misplaced_hole(value, frame)
    elif not isinstance(value, tree.ListExpr | tree.Ref):
        _no_list(option, value, frame)
    elif not listed_in(value):
        _empty(holder, option, value.span, frame)
    else:
        before = len(frame.session.diagnostics)
        for item in listed_in(value):
            _check_member(item, holder, frame)
        right = len(frame.session.diagnostics) == before
        if option is not None and right and id(holder) not in frame.session.circular:
            _check_number(holder, option, value, frame)


def _check_member(item: tree.Expr, holder: Holder, frame: Frame) -> None:
    if isinstance(item, tree.Hole):
        report_misplaced_hole(item, frame)
        return
    if not isinstance(item, tree.Ref):
        frame.report(_not_a_member(item, holder, None))
        return
    found = find_entity(item, frame)
    if found is None:
        report_unknown(item, frame, _models_of(frame.module), "model or pool")
    elif not isinstance(found[1], tree.Model | tree.Pool):
        frame.report(_not_a_member(item, holder, found[1]))
    elif circle := _circle(found, holder):
        _report_circle(circle, item, holder, frame)


def _models_of(module: Module) -> Iterator[str]:
    """Names of models and pools, those of imported files too."""
    places = {"": module, **{f"{alias}.": other for alias, other in module.imports.items()}}
    for prefix, where in places.items():
        for name, declared in where.declarations.items():
            if isinstance(declared, tree.Model | tree.Pool):
                yield prefix + name


def _check_number(holder: Holder, option: Option, value: tree.Expr, frame: Frame) -> None:
    """Report a model that holds too many, and one that has nothing to choose from."""
    models = models_in_list(frame.module, listed_in(value))
    if option.high is not None and (len(models) > option.high or any(map(_grouped, models))):
        frame.report(_too_many(option, value.span))
    elif sum(1 for _ in _inside(frame.module, holder)) > MOST:
        message = f"model `{holder.name.text}` holds more than {MOST} models"
        notes = ("models within its members count as often as they occur",)
        frame.report(error(codes.WRONG_OPTION, message, value.span, notes=notes))
    elif isinstance(holder, tree.Model) and is_group(holder) and len(models) == 1:
        frame.report(_alone(holder, value.span))


def _grouped(member: PoolMember) -> bool:
    return is_group(member[2])


def _inside(module: Module, holder: Holder) -> Iterator[tree.Model]:
    """The models in a model, and those within them, at most one more than `MOST`."""
    waiting, count = [(module, holder)], 0
    while waiting:
        where, outer = waiting.pop()
        for _, place, model in models_in_list(where, parts(outer)):
            if count > MOST:
                return
            count += 1
            yield model
            waiting.append((place, model))


def _circle(start: Entity, wanted: Holder) -> tuple[Holder, ...]:
    """The way from a member back to `wanted`, which it ends with; empty when there is none."""
    before: dict[int, tuple[Holder, Holder | None]] = {}
    waiting: list[tuple[Entity, Holder | None]] = [(start, None)]
    while waiting:
        (where, declared), outer = waiting.pop()
        if id(declared) in before or not isinstance(declared, tree.Model | tree.Pool):
            continue
        before[id(declared)] = (declared, outer)
        if declared is wanted:
            return tuple(_way(declared, before))
        found = (where.find(part) for part in parts(declared) if isinstance(part, tree.Ref))
        waiting.extend((entity, declared) for entity in found if entity is not None)
    return ()


def _way(end: Holder, before: Mapping[int, tuple[Holder, Holder | None]]) -> Iterator[Holder]:
    current: Holder | None = end
    while current is not None:
        yield current
        _, current = before[id(current)]


def _report_circle(
    circle: tuple[Holder, ...], item: tree.Ref, holder: Holder, frame: Frame
) -> None:
    """Report a circle once, at the first of its members that is checked."""
    circular = frame.session.circular
    if id(holder) not in circular:
        message = f"{kind_of(holder)} `{holder.name.text}` holds itself"
        frame.report(error(codes.HOLDS_ITSELF, message, item.span, "through this member"))
    circular.update(map(id, circle))


# ---- reports


def _no_list(option: Option | None, value: tree.Expr, frame: Frame) -> None:
    name = "its members" if option is None else f"`{option.name}`"
    helps = ("name declared models: `[one, other]`",)
    frame.report(
        error(codes.WRONG_OPTION, f"{name} must be a list of models", value.span, helps=helps)
    )


def _empty(holder: Holder, option: Option | None, at: Span, frame: Frame) -> None:
    what = f"{kind_of(holder)} `{holder.name.text}`"
    message = f"{what} is empty" if option is None else f"`{option.name}` of {what} is empty"
    helps = ("name models or pools: `[tiny, other]`",)
    frame.report(error(codes.EMPTY_POOL, message, at, helps=helps))


def _not_a_member(item: tree.Expr, holder: Holder, found: Declaration | None) -> Diagnostic:
    what = "this" if found is None else f"`{item}` is a `{entity_type(found)}`: it"
    inside = "a pool" if isinstance(holder, tree.Pool) else f"model `{holder.name.text}`"
    return error(
        codes.NOT_A_MEMBER,
        f"{what} cannot be in {inside}, which holds models and pools",
        item.span,
        "not a model or pool",
        secondary=() if found is None else (Label(found.name.span, "declared here"),),
        helps=_unquoted(item),
    )


def _too_many(option: Option, at: Span) -> Diagnostic:
    most = f"{option.high:g} model{'' if option.high == 1 else 's'}"
    return error(
        codes.WRONG_OPTION,
        f"`{option.name}` holds at most {most}, and no `fallback` or `round_robin`",
        at,
        notes=(f"it is {option.doc}",),
        helps=("declare a `fallback` of this model and the others instead",),
    )


def _unquoted(item: tree.Expr) -> tuple[Help, ...]:
    if not isinstance(item, tree.String) or not item.value.isidentifier():
        return ()
    return (Help(f"name a declared model: `{item.value}`", TextEdit(item.span, item.value)),)


def _alone(holder: tree.Model, at: Span) -> Diagnostic:
    return warning(
        codes.ONE_ALTERNATIVE,
        f"model `{holder.name.text}` stands for one model only",
        at,
        "one model",
        helps=("name further models, or use that one where this one is used",),
    )
