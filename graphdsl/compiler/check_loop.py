"""Loops: `repeat` and `fold`, what they carry, and `next`."""

from __future__ import annotations

from collections.abc import Callable

from graphdsl.compiler import codes
from graphdsl.compiler.check_call import edge
from graphdsl.compiler.check_expression import condition, origin, type_of_value
from graphdsl.compiler.check_static import static_argument
from graphdsl.compiler.check_types import check_type
from graphdsl.compiler.list_operators import item_of
from graphdsl.compiler.report import a, error, instead
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ir.types import DOCS, NUMBER, UNKNOWN, ListOf, OptionalOf, Type, Unknown
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

Statements = Callable[[tuple[tree.Stmt, ...], Frame], None]


def bound(expr: tree.Expr, owner: str, name: str, frame: Frame) -> None:
    """Report a number of rounds or items that is not a whole number from 1 on."""
    param = Param(name, "", (NUMBER,), static=True, low=1, integer=True)
    static_argument(expr, param, owner, frame)


def items_of(expr: tree.Expr, form: str, frame: Frame) -> Type:
    """The type of the items of a list that a form goes through."""
    kind = type_of_value(expr, frame)
    if isinstance(kind, ListOf) or kind == DOCS:
        return item_of(kind)
    if not isinstance(kind, Unknown):
        frame.report(
            error(
                codes.NOT_A_LIST,
                f"`{form}` goes through a list, found `{kind}`",
                expr.span,
                "not a list",
                secondary=origin(expr, frame),
                helps=() if isinstance(kind, OptionalOf) else (f"make it one: `[{_text(expr)}]`",),
            )
        )
    return UNKNOWN


def _text(expr: tree.Expr) -> str:
    return str(expr) if isinstance(expr, tree.Ref) else "…"


def repeat(statement: tree.Repeat, frame: Frame, statements: Statements) -> None:
    """Check a loop; its names stay visible after it."""
    control = _control(statement)
    with frame.feeding(control):
        bound(statement.bound, "`repeat`", "rounds", frame)
    carried = _carry(statement.carried, control, frame)
    known = len(frame.session.bindings)
    with frame.looping(carried):
        statements(statement.body, frame)
    with frame.feeding(control):
        if statement.until is not None:
            condition(statement.until, frame, "the condition after `until`")
        if statement.keeping is not None:
            _keeping(statement.keeping, frame)
    for binding in frame.session.bindings[known:]:
        binding.reads.add(control)


def fold(statement: tree.Fold, frame: Frame, statements: Statements) -> None:
    """Check a fold; only what it carries is visible after it."""
    control = _control(statement)
    with frame.feeding(control):
        item = items_of(statement.items, "fold", frame)
        bound(statement.bound, "`fold`", "bound", frame)
    carried = _carry(statement.carried, control, frame)
    with frame.block():
        variable = statement.variable
        frame.bind(Binding(variable.text, variable.span, item, "variable")).reads.add(control)
        with frame.looping(carried):
            statements(statement.body, frame)


def _control(statement: tree.Repeat | tree.Fold) -> Binding:
    """What decides how often the body runs; everything bound in the loop depends on it."""
    return Binding("", statement.span, UNKNOWN, "loop", quiet=True)


def _carry(carried: tuple[tree.Carried, ...], control: Binding, frame: Frame) -> dict[str, Binding]:
    bindings = [_carried(item, control, frame) for item in carried]
    for binding in bindings:
        frame.bind(binding)
    return {binding.name: binding for binding in bindings}


def _carried(item: tree.Carried, control: Binding, frame: Frame) -> Binding:
    kind = check_type(item.type, frame, values_only=True)
    binding = Binding(
        item.name.text, item.name.span, kind, "carried name", "the loop carries it so"
    )
    binding.reads.add(control)
    with frame.feeding(binding):
        _carried_value(item.start, kind, f"the start of `{item.name.text}`", frame)
    return binding


def _carried_value(expr: tree.Expr, kind: Type, what: str, frame: Frame) -> None:
    """Check that a value fits a carried name."""
    diagnostics = frame.session.diagnostics
    before = len(diagnostics)
    edge(expr, Param("value", "", (kind,)), what, frame)
    if len(diagnostics) != before + 1 or diagnostics[-1].code != codes.TYPE_MISMATCH:
        return
    wrong = diagnostics[-1]
    if wrong.primary.span == expr.span:
        found = wrong.message.rpartition("found ")[2]
        diagnostics[-1] = error(
            codes.WRONG_CARRIED,
            f"{what} must be `{kind}`, found {found}",
            expr.span,
            f"expected `{kind}`",
            secondary=wrong.secondary,
        )


def next_(statement: tree.Next, frame: Frame) -> None:
    """Check `next`: it sets a carried name of the loop around it, once."""
    name = statement.name
    carried = frame.carried
    if carried is None or name.text not in carried:
        frame.report(_not_carried(name, carried, frame.in_loop))
        type_of_value(statement.value, frame)
        return
    binding = carried[name.text]
    if name.text in frame.nexts:
        frame.report(
            error(
                codes.NEXT_TWICE,
                f"`next {name.text}` is given twice",
                name.span,
                "again here",
                secondary=(Label(frame.nexts[name.text], "first here"),),
                helps=("choose the value first: `x = if … { yield … } else { yield … }`",),
            )
        )
    frame.nexts.setdefault(name.text, name.span)
    with frame.feeding(binding):
        _carried_value(statement.value, binding.type, f"`next {name.text}`", frame)


def _not_carried(name: tree.Name, carried: dict[str, Binding] | None, in_loop: bool) -> Diagnostic:
    if not in_loop:
        return error(
            codes.NEXT_MISPLACED,
            "`next` without a loop around it",
            name.span,
            "no loop carries it here",
            helps=(f"bind it: `{name.text} = …`; `next` is for the next round of a loop",),
        )
    if carried is None:
        return error(
            codes.NEXT_MISPLACED,
            "`next` stands in the body of a loop, outside of its inner blocks",
            name.span,
            "no loop carries it here",
            helps=("bind the value in the block's place, then write `next` after it",),
        )
    helps = instead(name.text, carried, name.span, "it carries") or (
        f"carry it: `repeat … carrying {name.text}: … = … {{`",
    )
    message = f"the loop carries no `{name.text}`"
    return error(codes.UNKNOWN_CARRIED, message, name.span, "not carried", helps=helps)


def _keeping(call: tree.Call, frame: Frame) -> None:
    """`keeping best(score)`: the score is a Number that the body computes."""
    if str(call.callee) != "best" or len(call.args) != 1 or call.args[0].name is not None:
        helps = ("write `keeping best(checked.score)`",)
        message = "`keeping` is followed by `best(score)`"
        frame.report(error(codes.NOT_KEEPING_BEST, message, call.span, helps=helps))
        return
    score = call.args[0].value
    kind = type_of_value(score, frame)
    present = kind.item if isinstance(kind, OptionalOf) else kind
    if present not in (NUMBER, UNKNOWN):
        frame.report(
            error(
                codes.NOT_KEEPING_BEST,
                f"the score after `keeping` must be a `Number`, found `{kind}`",
                score.span,
                a(kind),
                secondary=origin(score, frame),
                helps=("a verdict has one: `.score`",) if str(kind) == "Verdict" else (),
            )
        )
