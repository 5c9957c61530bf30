"""Flows: parameters, body, result."""

from __future__ import annotations

from collections.abc import Iterator

from graphdsl.compiler import codes
from graphdsl.compiler.check_call import edge
from graphdsl.compiler.check_specialised import entities_of, flow_key, held
from graphdsl.compiler.check_statement import statements
from graphdsl.compiler.check_static import check_number, static_argument
from graphdsl.compiler.check_types import check_type
from graphdsl.compiler.program import Module
from graphdsl.compiler.report import a, error
from graphdsl.compiler.scope import Binding, Entity, bound_names
from graphdsl.compiler.session import Facts, Frame, Session, Specialised
from graphdsl.compiler.words import words_now
from graphdsl.diagnostics import Diagnostic, Label, has_errors
from graphdsl.ir.types import (
    BOOL,
    ENTITY_TYPES,
    NUMBER,
    SCORER,
    TEXT,
    UNKNOWN,
    ListOf,
    OptionalOf,
    Type,
    assignable,
)
from graphdsl.ops.registry import ANY_WORD
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree


def check_flow(
    module: Module,
    flow: tree.Flow,
    session: Session,
    specialised: Specialised | None = None,
) -> Facts:
    """Check a flow, once for each set of flows, prompts and words that it is specialised with."""
    key = flow_key(flow, specialised or {})
    if key in session.facts:
        return session.facts[key]
    before = len(session.diagnostics)
    session.open.append(key)
    frame = Frame(session, module, flow, specialised=specialised or {})
    frame.later.update({name.text: (name.span, inner) for name, inner in bound_names(flow.body)})
    for param in flow.params:
        _parameter(param, frame, (specialised or {}).get(param.name.text))
    result = check_type(flow.result, frame, values_only=True)
    _body(flow, result, frame)
    _check_defaults(flow, frame)
    session.open.pop()
    found = [problem for problem in session.diagnostics[before:] if problem.is_error]
    frame.facts.misfit = found[0] if has_errors(found) else None
    session.facts[key] = frame.facts
    return frame.facts


# ---- parameters


def _check_defaults(flow: tree.Flow, frame: Frame) -> None:
    """Report defaults, and values of their holes, that the flow's own uses do not take."""
    for param in flow.params:
        bounds = frame.facts.bounds.get(param.name.text)
        if bounds is None or param.default is None:
            continue
        spec = held(param.name.text, NUMBER, frame.facts)
        for number in _numbers(param.default):
            check_number(number, spec, f"flow `{flow.name.text}`", frame)


def _numbers(default: tree.Expr) -> Iterator[tree.Number]:
    """The numbers that a default may be, as far as they are written out."""
    match default:
        case tree.Number():
            yield default
        case tree.Hole(value=value, domain=tree.ListExpr(items=items)):
            yield from (one for one in (value, *items) if isinstance(one, tree.Number))
        case tree.Hole(value=value, domain=tree.Range(low=low, high=high)):
            yield from (one for one in (value, low, high) if isinstance(one, tree.Number))
        case _:
            return


def _parameter(param: tree.Param, frame: Frame, given: tuple[Entity | str, ...] | None) -> None:
    kind = check_type(param.type, frame)
    entities = tuple(part for part in given or () if not isinstance(part, str))
    words = tuple(part for part in given or () if isinstance(part, str))
    if param.default is not None:
        check_default(param, kind, frame)
        entities = entities or entities_of(param.default, frame)
    if param.default is not None and kind == SCORER and given is None:
        words = words_now(param.default, ANY_WORD, frame) or ()
    static = kind in ENTITY_TYPES or isinstance(param.default, tree.Hole)
    binding = Binding(
        param.name.text,
        param.name.span,
        kind,
        "parameter",
        "the flow says so",
        static=static,
        entities=() if kind == SCORER else entities,
        words=words,
    )
    if static and kind not in ENTITY_TYPES:
        frame.facts.static[param.name.text] = param.name.span
    frame.bind(binding)


def check_default(param: tree.Param, kind: Type, frame: Frame) -> None:
    """Report a default that is not known at compile time, or of another type."""
    default = param.default
    if default is None or kind == UNKNOWN:
        return
    if kind in ENTITY_TYPES or isinstance(default, tree.Hole):
        spec = Param(param.name.text, "", (kind,), static=True)
        static_argument(default, spec, "the parameter", frame)
        return
    wanted = kind.item if isinstance(kind, OptionalOf) else kind
    found = _literal_type(default)
    if found is None or not ((assignable(found, wanted) and wanted != BOOL) or found == wanted):
        if isinstance(wanted, ListOf):
            frame.report(_list_default(param, kind))
            return
        shown = f", found {a(found)}" if found is not None else ""
        frame.report(
            error(
                codes.WRONG_DEFAULT,
                f"the default of `{param.name.text}: {kind}` must be a literal of that type{shown}",
                default.span,
                "not that",
                helps=(_default_instead(kind),),
            )
        )


def _list_default(param: tree.Param, kind: Type) -> Diagnostic:
    optional = f"{str(kind).removesuffix('?')}?"
    message = f"`{param.name.text}: {kind}` cannot have a default: defaults are no lists"
    place = param.name.span if param.default is None else param.default.span
    helps = (f"leave the default away, or say `{param.name.text}: {optional}` without one",)
    return error(codes.WRONG_DEFAULT, message, place, "not a list here", helps=helps)


def _literal_type(expr: tree.Expr) -> Type | None:
    match expr:
        case tree.String():
            return TEXT
        case tree.Number():
            return NUMBER
        case tree.Bool():
            return BOOL
        case _:
            return None


def _default_instead(kind: Type) -> str:
    if kind in (TEXT, NUMBER, BOOL):
        return "defaults are texts, numbers and bools"
    return f"leave the default away, or make the parameter optional: `{kind}?`"


# ---- body


def _body(flow: tree.Flow, result: Type, frame: Frame) -> None:
    *_, last = (*flow.body, None) if not flow.body else flow.body
    body = flow.body[:-1] if isinstance(last, tree.Return) else flow.body
    statements(body, frame)
    if isinstance(last, tree.Return):
        _return(last, result, flow, frame)
    elif not any(isinstance(statement, tree.Return) for statement in flow.body):
        message = f"flow `{flow.name.text}` returns nothing"
        helps = (f"end it with `return …`, {a(result)}",)
        frame.report(error(codes.RETURN_MISSING, message, flow.name.span, helps=helps))


def _return(last: tree.Return, result: Type, flow: tree.Flow, frame: Frame) -> None:
    root = Binding("return", last.span, result)
    frame.session.roots.append(root)
    with frame.feeding(root):
        before = len(frame.session.diagnostics)
        found = edge(last.value, Param("return", "", (result,)), f"flow `{flow.name.text}`", frame)
    root.type = found
    _say_result(before, last, result, flow, frame)


def _say_result(
    before: int, last: tree.Return, result: Type, flow: tree.Flow, frame: Frame
) -> None:
    """A wrong argument of `return` is reported as a wrong result."""
    diagnostics = frame.session.diagnostics
    if len(diagnostics) != before + 1 or diagnostics[-1].code != codes.TYPE_MISMATCH:
        return
    wrong = diagnostics[-1]
    if wrong.primary.span != last.value.span:
        return
    found = wrong.message.rpartition("found ")[2]
    diagnostics[-1] = error(
        codes.WRONG_RESULT,
        f"flow `{flow.name.text}` gives `{result}`, but returns {found}",
        last.value.span,
        f"expected `{result}`",
        secondary=(*wrong.secondary, Label(flow.result.span, "the type of the result")),
        helps=wrong.helps,
    )
