"""Statements of a flow: bindings, holes by name, optional stages, budget scopes."""

from __future__ import annotations

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import expression, origin, report_misplaced_hole
from graphdsl.compiler.check_form import type_of_form
from graphdsl.compiler.check_hole import check_hole
from graphdsl.compiler.check_loop import fold, next_, repeat
from graphdsl.compiler.check_quantity import check_limits
from graphdsl.compiler.check_specialised import entities_of
from graphdsl.compiler.entities import UNITS
from graphdsl.compiler.report import a, error
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Frame
from graphdsl.compiler.words import words_now
from graphdsl.diagnostics import Label
from graphdsl.ir.types import (
    BOOL,
    ENTITY_TYPES,
    MODEL,
    MODELS,
    SCORER,
    UNKNOWN,
    OptionalOf,
    RecordOf,
    Type,
    join,
)
from graphdsl.ops.registry import ANY_WORD
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree


def statements(body: tuple[tree.Stmt, ...], frame: Frame) -> None:
    """Check statements in order; names that they bind are visible from there on."""
    for statement in body:
        _statement(statement, frame)


def _statement(statement: tree.Stmt, frame: Frame) -> None:
    match statement:
        case tree.Bind():
            _bind(statement, frame)
        case tree.Tune():
            _tune(statement, frame)
        case tree.Optional():
            _optional(statement, frame)
        case tree.Repeat():
            repeat(statement, frame, statements)
        case tree.Fold():
            fold(statement, frame, statements)
        case tree.Within():
            _within(statement, frame)
        case tree.Next():
            next_(statement, frame)
        case tree.Return():
            _early_return(statement, frame)


def _bind(statement: tree.Bind, frame: Frame) -> None:
    value = statement.value
    binding = Binding(statement.name.text, statement.name.span, UNKNOWN, values=(value,))
    with frame.feeding(binding):
        if isinstance(value, tree.Hole):
            report_misplaced_hole(value, frame, statement.name.text)
        elif isinstance(value, tree.Ref):
            binding.type = expression(value, frame)
        else:
            binding.type = type_of_form(value, frame)
    binding.static = binding.type in ENTITY_TYPES or isinstance(
        value, tree.String | tree.Number | tree.Bool
    )
    if binding.static:
        binding.entities = entities_of(value, frame) if isinstance(value, tree.Ref) else ()
    if binding.type == SCORER and isinstance(value, tree.Ref):
        binding.words = words_now(value, ANY_WORD, frame) or ()
    binding.because = _because(value)
    frame.bind(binding)


def _because(value: tree.Rhs) -> str:
    """Why a name has its type, for the reports of those that use it."""
    match value:
        case tree.Call():
            return f"`{value.callee}` gives that"
        case tree.Ref():
            return f"`{value}` is"
        case tree.Each():
            return "`each` gives a list"
        case _:
            return ""


# ---- holes by name


def _tune(statement: tree.Tune, frame: Frame) -> None:
    binding = Binding(statement.name.text, statement.name.span, UNKNOWN, "tune", static=True)
    if frame.scope.parent is not None or frame.loop_depth:
        frame.report(
            error(
                codes.MISPLACED_TUNE,
                "`tune` belongs to the flow, not to a block or loop in it",
                statement.span,
                helps=("move it to the beginning of the flow",),
            )
        )
    if isinstance(statement.value, tree.Hole):
        with frame.feeding(binding):
            binding.type = _tuned(statement.value, frame)
        binding.entities = entities_of(statement.value, frame)
        if binding.type == SCORER:
            binding.words = words_now(statement.value, ANY_WORD, frame) or ()
        binding.values = (statement.value,)
        binding.because = "it is tuned"
    else:
        helps = ("say what to try: `tune x = 3 in [1, 3, 5]`", "or bind it without `tune`")
        message = f"`tune {statement.name.text}` needs a domain"
        frame.report(error(codes.TUNE_WITHOUT_DOMAIN, message, statement.value.span, helps=helps))
    frame.bind(binding)


def _tuned(hole: tree.Hole, frame: Frame) -> Type:
    """The type of a tuned name: that of its default, which all alternatives must have."""
    before = len(frame.session.diagnostics)
    kind = SCORER if _is_word(hole.value, frame) else expression(hole.value, frame)
    if len(frame.session.diagnostics) > before:
        return UNKNOWN
    if kind == MODEL and _has_pools(hole, frame):
        kind = MODELS
    check_hole(hole, Param("value", "", (kind,), static=True), "`tune`", frame)
    return kind if len(frame.session.diagnostics) == before else _after_errors(kind, before, frame)


def _is_word(expr: tree.Expr, frame: Frame) -> bool:
    """True for a word of some operator that nothing else is called."""
    if not isinstance(expr, tree.Ref) or str(expr) not in ANY_WORD or str(expr) in frame.later:
        return False
    return frame.scope.find(str(expr)) is None and frame.module.find(expr) is None


def _after_errors(kind: Type, before: int, frame: Frame) -> Type:
    """The type is still known when the domain is wrong, and only then was something reported."""
    errors = frame.session.diagnostics[before:]
    return UNKNOWN if any(found.code == codes.TYPE_MISMATCH for found in errors) else kind


def _has_pools(hole: tree.Hole, frame: Frame) -> bool:
    if not isinstance(hole.domain, tree.ListExpr):
        return False
    refs = (item for item in hole.domain.items if isinstance(item, tree.Ref))
    return any(isinstance(found[1], tree.Pool) for ref in refs if (found := frame.module.find(ref)))


# ---- optional stages


def _optional(statement: tree.Optional, frame: Frame) -> None:
    binding = Binding(statement.name.text, statement.name.span, UNKNOWN, "stage")
    parts = (statement.value, statement.otherwise)
    binding.values = tuple(part for part in parts if part is not None)
    with frame.feeding(binding):
        kind = type_of_form(statement.value, frame)
        if statement.otherwise is None:
            binding.bypass_missing = True
            binding.type = kind if isinstance(kind, OptionalOf) else OptionalOf(kind)
            if kind == UNKNOWN:
                binding.type = UNKNOWN
        else:
            binding.type = _bypass(statement, statement.otherwise, kind, frame)
    binding.because = _because(statement.value)
    frame.bind(binding)


def _bypass(statement: tree.Optional, other: tree.Expr, kind: Type, frame: Frame) -> Type:
    found = type_of_form(other, frame)
    both = join(kind, found)
    if both is not None:
        return both
    frame.report(
        error(
            codes.WRONG_BYPASS,
            f"what takes the place of `{statement.name.text}` must have its type: "
            f"it is `{kind}`, this is `{found}`",
            other.span,
            a(found),
            secondary=(
                Label(statement.value.span, a(kind)),
                *origin(other, frame),
            ),
        )
    )
    return UNKNOWN


# ---- budget scopes


def _within(statement: tree.Within, frame: Frame) -> None:
    check_limits(statement.limits, UNITS, frame)
    known = len(frame.session.bindings)
    with frame.deeper():
        statements(statement.body, frame)
    inside = set(frame.session.bindings[known:])  # their calls are what exhausts the scope
    if statement.alias is not None:
        name, kind = statement.alias, RecordOf((("exhausted", BOOL),))
    else:
        end = statement.limits.span
        name, kind = tree.Name(end, "exhausted"), BOOL
    frame.bind(Binding(name.text, name.span, kind, "scope", "", quiet=True, reads=inside))


def _early_return(statement: tree.Return, frame: Frame) -> None:
    helps = ("end the flow with it; choose between results with `if … { yield … } else { … }`",)
    message = "`return` is the last statement of a flow, and stands in it once"
    frame.report(error(codes.RETURN_MISPLACED, message, statement.span, helps=helps))
