"""Prompts: roles, parameters, and what their templates read."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_flow import check_default
from graphdsl.compiler.check_types import check_type
from graphdsl.compiler.list_operators import item_of
from graphdsl.compiler.report import a, error, instead, warning
from graphdsl.compiler.session import Frame
from graphdsl.compiler.text_places import place
from graphdsl.compiler.unreadable_template import unpaired
from graphdsl.diagnostics import Diagnostic, Help, Label, Span, has_errors
from graphdsl.ir.types import DOCS, FIELDS, ListOf, Named, OptionalOf, RecordOf, Type, Unknown
from graphdsl.ops.template_inspection import ITEM, Problem, Use, inspect
from graphdsl.syntax import tree

ROLES: Final = ("system", "user", "assistant")

_UNREADABLE: Final = "the template cannot be read"

Params = dict[str, tuple[tree.Param, Type]]


def check_prompt(prompt: tree.Prompt, frame: Frame) -> None:
    """Check a prompt by itself; calls of it are checked where they stand."""
    before = len(frame.session.diagnostics)
    params = _parameters(prompt, frame)
    used: set[str] = set()
    for turn in prompt.turns:
        _role(turn, prompt, frame)
        used |= _template(turn.template, params, frame)
    if not has_errors(frame.session.diagnostics[before:]):
        for name, (param, _) in params.items():
            if name not in used and not name.startswith("_"):
                frame.report(_unused(param))


def _parameters(prompt: tree.Prompt, frame: Frame) -> Params:
    params: Params = {}
    for param in prompt.params:
        kind = check_type(param.type, frame, values_only=True)
        check_default(param, kind, frame)
        if param.name.text in params:
            first = params[param.name.text][0].name.span
            frame.report(
                error(
                    codes.BOUND_TWICE,
                    f"the prompt has the parameter `{param.name.text}` twice",
                    param.name.span,
                    "again here",
                    secondary=(Label(first, "first here"),),
                )
            )
        params.setdefault(param.name.text, (param, kind))
    return params


def _role(turn: tree.Turn, prompt: tree.Prompt, frame: Frame) -> None:
    if turn.role.text in ROLES or turn.role.span == prompt.name.span:
        return
    helps = instead(turn.role.text, ROLES, turn.role.span, "the roles are")
    message = f"there is no role `{turn.role.text}`"
    frame.report(error(codes.UNKNOWN_ROLE, message, turn.role.span, helps=helps))


def _template(template: tree.String, params: Params, frame: Frame) -> set[str]:
    """Report the problems of a template; gives the parameters that it reads."""
    info = inspect(template.value)
    for problem in info.problems:
        found = unpaired(template.value) if _UNREADABLE in problem.message else None
        frame.report(_problem(found or problem, template, frame))
    reported: set[tuple[str, ...]] = set()
    for use in sorted(info.uses, key=lambda use: len(use.path)):  # what follows from a path is last
        found = _use(use, params, place(template, use.offset, use.length, frame.module.source))
        parents = {use.path[:end] for end in range(1, len(use.path) + 1)}
        if found is not None and not parents & reported:
            reported.add(use.path)
            frame.report(found)
    return set(info.names)


def _problem(problem: Problem, template: tree.String, frame: Frame) -> Diagnostic:
    helps = (problem.help,) if problem.help else ()
    at = place(template, problem.offset, problem.length, frame.module.source)
    return error(codes.TEMPLATE_FORBIDDEN, problem.message, at, helps=helps)


def _use(use: Use, params: Params, at: Span) -> Diagnostic | None:
    name = use.path[0]
    if name not in params:
        helps = instead(name, params, at, "the prompt's parameters are")
        helps = helps or (Help(f"declare it: `{name}: Text`"),)
        message = f"the template uses `{name}`, which is no parameter of the prompt"
        return error(codes.TEMPLATE_NAME, message, at, "unknown", helps=helps)
    kind: Type = params[name][1]
    for step in use.path[1:]:
        kind = kind.item if isinstance(kind, OptionalOf) else kind
        if isinstance(kind, Unknown):
            return None
        if step == ITEM and not _is_list(kind):
            return _not_a_list(kind, at)
        inner = item_of(kind) if step == ITEM else _field(kind, step)
        if inner is None:
            return _no_field(kind, step, at)
        kind = inner
    kind = kind.item if isinstance(kind, OptionalOf) else kind
    if use.looped and not _is_list(kind) and not isinstance(kind, Unknown):
        return _not_a_list(kind, at)
    return None


def _is_list(kind: Type) -> bool:
    return isinstance(kind, ListOf) or kind == DOCS


def _field(kind: Type, name: str) -> Type | None:
    return _fields(kind).get(name)


def _fields(kind: Type) -> dict[str, Type]:
    match kind:
        case RecordOf(fields):
            return dict(fields)
        case Named() if kind in FIELDS:
            return FIELDS[kind]
        case _:
            return {}


def _not_a_list(kind: Type, at: Span) -> Diagnostic:
    message = f"`for` in a template goes through a list, found `{kind}`"
    return error(codes.TEMPLATE_FIELD, message, at, "not a list")


def _no_field(kind: Type, name: str, at: Span) -> Diagnostic:
    if _is_list(kind):
        message = f"{a(kind)} has no fields in a template"
        helps = (
            Help("go through it: `{% for item in list %}{{ item." + name + " }}{% endfor %}`"),
        )
    else:
        message = f"`{kind}` has no field `{name}`"
        helps = instead(name, _fields(kind), at, "its fields are")
    return error(codes.TEMPLATE_FIELD, message, at, "no such field", helps=helps)


def _unused(param: tree.Param) -> Diagnostic:
    name = param.name.text
    return warning(
        codes.UNUSED_PROMPT_PARAMETER,
        f"no turn of the prompt uses `{name}`",
        param.name.span,
        "unused",
        helps=(f"write `{{{{ {name} }}}}` where it belongs, or leave the parameter away",),
    )
