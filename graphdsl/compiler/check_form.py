"""Forms that hold statements and give a value: `choice`, `each`, `if`, and their blocks."""

from __future__ import annotations

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import condition, type_of_value
from graphdsl.compiler.check_loop import bound, items_of
from graphdsl.compiler.report import a, error, instead, warning
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label, Span
from graphdsl.ir.types import UNKNOWN, ListOf, Type, join
from graphdsl.syntax import tree


def type_of_form(value: tree.Rhs | tree.Block, frame: Frame) -> Type:
    """The type of what may stand right of `=`."""
    match value:
        case tree.Choice():
            kind = _choice(value, frame)
        case tree.Each():
            kind = _each(value, frame)
        case tree.If():
            kind = _if(value, frame)
        case tree.Block():
            kind = _block(value, frame)
        case _:
            return type_of_value(value, frame)
    return frame.typed(value.span, kind)


def _block(block: tree.Block, frame: Frame) -> Type:
    from graphdsl.compiler.check_statement import statements

    with frame.block():
        statements(block.statements, frame)
        return type_of_form(block.result, frame)


def _choice(choice: tree.Choice, frame: Frame) -> Type:
    labels: dict[str, tree.Option] = {}
    kind: Type = UNKNOWN
    first: tree.Option | None = None
    for option in choice.options:
        if option.label.text in labels:
            _label_twice(option, labels[option.label.text], frame)
        labels.setdefault(option.label.text, option)
        here = type_of_form(option.value, frame)
        both = join(kind, here)
        if both is None and first is not None:
            _disagree(f"alternative `{option.label.text}`", option, here, first, kind, frame)
        elif both is not None and kind != both:
            kind, first = both, option
    _default(choice, labels, frame)
    if len(choice.options) == 1:
        _only_one(choice.options[0], frame)
    return kind


def _only_one(option: tree.Option, frame: Frame) -> None:
    frame.report(
        warning(
            codes.ONE_ALTERNATIVE,
            "the choice has one alternative only, so there is nothing to search",
            option.label.span,
            "one alternative",
            helps=("write the value without `choice`, or add an alternative",),
        )
    )


def _default(choice: tree.Choice, labels: dict[str, tree.Option], frame: Frame) -> None:
    default = choice.default
    if default is None or default.text in labels:
        return
    message = f"the choice has no alternative `{default.text}`"
    helps = instead(default.text, labels, default.span, "its alternatives are")
    frame.report(error(codes.UNKNOWN_LABEL, message, default.span, helps=helps))


def _label_twice(option: tree.Option, first: tree.Option, frame: Frame) -> None:
    frame.report(
        error(
            codes.DUPLICATE_ALTERNATIVE,
            f"the choice has the label `{option.label.text}` twice",
            option.label.span,
            "again here",
            secondary=(Label(first.label.span, "first here"),),
            helps=("labels tell the alternatives apart in searches and pins: rename one",),
        )
    )


def _disagree(
    what: str, here: tree.Node, kind: Type, first: tree.Node, other: Type, frame: Frame
) -> None:
    frame.report(
        error(
            codes.BRANCHES_DISAGREE,
            f"{what} gives `{kind}`, another gives `{other}`",
            _result_span(here),
            a(kind),
            secondary=(Label(_result_span(first), a(other)),),
            helps=("all branches give one type",),
        )
    )


def _result_span(node: tree.Node) -> Span:
    """The smallest place that shows what a branch gives."""
    match node:
        case tree.Option():
            return _result_span(node.value)
        case tree.Block():
            return node.result.span
        case _:
            return node.span


def _if(form: tree.If, frame: Frame) -> Type:
    condition(form.condition, frame, "the condition of `if`")
    then = type_of_form(form.then, frame)
    other = type_of_form(form.otherwise, frame)
    both = join(then, other)
    if both is None:
        _disagree("the `else` branch", form.otherwise, other, form.then, then, frame)
        return UNKNOWN
    return both


def _each(form: tree.Each, frame: Frame) -> Type:
    item = items_of(form.items, "each", frame)
    bound(form.bound, "`each`", "bound", frame)
    with frame.block():
        frame.bind(Binding(form.variable.text, form.variable.span, item, "variable"))
        return ListOf(type_of_form(form.body, frame))
