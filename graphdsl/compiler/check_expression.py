"""Types of expressions: literals, names, fields, lists, records, comparisons and logic."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.check_names import (
    entity_type,
    field_type,
    find_binding,
    find_entity,
    kind_of,
    report_unknown,
    values_in_scope,
)
from graphdsl.compiler.report import a, error
from graphdsl.compiler.scope import Binding
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label
from graphdsl.ir.types import (
    ANSWER,
    BOOL,
    ENTITY_TYPES,
    NUMBER,
    SCORER,
    TEXT,
    UNKNOWN,
    ListOf,
    OptionalOf,
    RecordOf,
    Type,
    Unknown,
    join,
)
from graphdsl.ops.registry import WORDS
from graphdsl.syntax import tree

_LITERALS: Final[dict[type[tree.Expr], Type]] = {
    tree.String: TEXT,
    tree.Number: NUMBER,
    tree.Bool: BOOL,
}
_TEXTS: Final = (TEXT, ANSWER)
_COMPARABLE: Final = {(NUMBER, NUMBER), (ANSWER, NUMBER), (NUMBER, ANSWER)}


def type_of_value(expr: tree.Expr, frame: Frame) -> Type:
    """The type of an expression that stands where a run-time value is wanted.

    Reports what is wrong in it, and everything that is not a value; unknown then.
    """
    kind = expression(expr, frame)
    if kind in ENTITY_TYPES:
        report_entity(expr, kind, frame)
        return UNKNOWN
    return kind


def expression(expr: tree.Expr, frame: Frame) -> Type:
    """The type of an expression; a compile-time type where it names an entity."""
    return frame.typed(expr.span, _expression(expr, frame))


def _expression(expr: tree.Expr, frame: Frame) -> Type:
    match expr:
        case tree.String() | tree.Number() | tree.Bool():
            return _LITERALS[type(expr)]
        case tree.Ref():
            return _reference(expr, frame)
        case tree.ListExpr():
            return _list(expr, frame)
        case tree.Record():
            return _record(expr, frame)
        case tree.Call():
            from graphdsl.compiler.check_call import call

            return call(expr, frame)
        case tree.Compare():
            return _compare(expr, frame)
        case tree.Logic() | tree.Not():
            return _logic(expr, frame)
        case tree.Hole():
            report_misplaced_hole(expr, frame)
            return UNKNOWN


def _logic(expr: tree.Logic | tree.Not, frame: Frame) -> Type:
    operands = (expr.operand,) if isinstance(expr, tree.Not) else expr.operands
    op = "not" if isinstance(expr, tree.Not) else expr.op
    for operand in operands:
        condition(operand, frame, f"an operand of `{op}`")
    return BOOL


def _reference(ref: tree.Ref, frame: Frame) -> Type:
    binding = find_binding(ref, frame)
    if binding is None:
        return _declared(ref, frame)
    kind = binding.type
    for part in ref.parts[1:]:
        if isinstance(kind, OptionalOf):
            report_absent(ref, binding, kind, frame)
            return UNKNOWN
        kind = field_type(kind, part, ref, frame)
    return kind


def _declared(ref: tree.Ref, frame: Frame) -> Type:
    found = find_entity(ref, frame)
    if found is not None:
        return entity_type(found[1])
    head = ref.parts[0].text
    if len(ref.parts) > 1 and head in frame.module.declarations:
        _fields_of_entity(ref, frame)
        return UNKNOWN
    if str(ref) in WORDS and head not in frame.later:
        return SCORER
    report_unknown(ref, frame, values_in_scope(frame))
    return UNKNOWN


def _fields_of_entity(ref: tree.Ref, frame: Frame) -> None:
    declared = frame.module.declarations[ref.parts[0].text]
    frame.use(declared)
    message = f"`{ref.parts[0].text}` is a {kind_of(declared)}, which has no fields"
    frame.report(error(codes.UNKNOWN_FIELD, message, ref.span))


def _list(expr: tree.ListExpr, frame: Frame) -> Type:
    """A list has the one type that all its items can have."""
    kinds = [type_of_value(item, frame) for item in expr.items]
    if UNKNOWN in kinds:
        return UNKNOWN
    kind: Type = UNKNOWN
    for item, here in zip(expr.items, kinds, strict=True):
        both = join(kind, here)
        if both is None:
            message = f"the items of a list have one type: this is `{here}`, those before `{kind}`"
            frame.report(
                error(
                    codes.BRANCHES_DISAGREE,
                    message,
                    item.span,
                    a(here),
                    secondary=(Label(expr.items[0].span, a(kind)),),
                )
            )
            return UNKNOWN
        kind = both
    return ListOf(kind)


def _record(expr: tree.Record, frame: Frame) -> Type:
    fields: dict[str, Type] = {}
    for field in expr.fields:
        if field.name.text in fields:
            message = f"the record has the field `{field.name.text}` twice"
            frame.report(error(codes.DUPLICATE_KEY, message, field.name.span))
        fields[field.name.text] = type_of_value(field.value, frame)
    return RecordOf(tuple(fields.items()))


def _compare(expr: tree.Compare, frame: Frame) -> Type:
    left, right = (type_of_value(side, frame) for side in (expr.left, expr.right))
    if not comparable(_present(left), _present(right), expr.op):
        frame.report(
            error(
                codes.INCOMPARABLE,
                f"`{expr.op}` cannot compare {a(left)} with {a(right)}",
                expr.span,
                secondary=(
                    Label(expr.left.span, f"`{left}`"),
                    Label(expr.right.span, f"`{right}`"),
                ),
                helps=_compare_instead(left, right, expr.op),
            )
        )
    return BOOL


def comparable(left: Type, right: Type, op: str) -> bool:
    """True when the comparison has a meaning."""
    if isinstance(left, Unknown) or isinstance(right, Unknown) or (left, right) in _COMPARABLE:
        return True
    if op not in ("==", "!="):
        return False
    return (left in _TEXTS and right in _TEXTS) or (left == right == BOOL)


def _compare_instead(left: Type, right: Type, op: str) -> tuple[str, ...]:
    kinds = {str(_present(left)), str(_present(right))}
    if "Draft" in kinds:
        return ("compare a field of the draft: `.answer`, `.text` or `.score`",)
    if kinds == {"Text", "Number"}:
        return ("take the answer out of the text first: `extract(text, by: number)`",)
    if op not in ("==", "!="):
        return (f"`{op}` compares numbers",)
    return ("comparable are numbers, texts and answers, and bools",)


def condition(expr: tree.Expr, frame: Frame, what: str) -> None:
    """Report an expression that is no Bool where one is wanted."""
    kind = type_of_value(expr, frame)
    if _present(kind) not in (BOOL, UNKNOWN):
        helps = ("a verdict passes or not: `.passed`",) if str(kind) == "Verdict" else ()
        frame.report(
            error(
                codes.NOT_A_CONDITION,
                f"{what} must be a `Bool`, found `{kind}`",
                expr.span,
                a(kind),
                secondary=origin(expr, frame),
                helps=helps or ("compare it: `==`, `>`, …",),
            )
        )


def _present(kind: Type) -> Type:
    return kind.item if isinstance(kind, OptionalOf) else kind


def origin(expr: tree.Expr, frame: Frame) -> tuple[Label, ...]:
    """Where the type of a bound name comes from, as a label."""
    if not isinstance(expr, tree.Ref):
        return ()
    binding = frame.scope.find(expr.parts[0].text)
    if binding is None or isinstance(binding.type, Unknown):
        return ()
    because = f", because {binding.because}" if binding.because else ""
    return (Label(binding.span, f"`{binding.name}` is `{binding.type}`{because}"),)


def report_entity(expr: tree.Expr, kind: Type, frame: Frame) -> None:
    """Say that a model, prompt, … is not a value that travels through the graph."""
    name = str(expr) if isinstance(expr, tree.Ref) else "it"
    helps: tuple[str, ...] = ()
    if str(kind) == "Prompt":
        helps = (f"fill it in: `{name}(…)`",)
    elif str(kind) == "Flow":
        helps = (f"call it: `{name}(…)`",)
    elif str(kind) == "Scorer":
        helps = (f'for the text write `"{name}"`',)
    frame.report(
        error(
            codes.NOT_A_VALUE,
            f"`{name}` is {a(kind)}, which is known at compile time and not a value",
            expr.span,
            "a value is wanted here",
            helps=helps,
        )
    )


def report_misplaced_hole(expr: tree.Hole, frame: Frame, name: str = "") -> None:
    """Say that a hole may not stand here, and how to have one all the same.

    `name` is the name that it is bound to, if it is.
    """
    frame.report(
        error(
            codes.MISPLACED_HOLE,
            "a hole may stand only where a value must be known at compile time",
            expr.span,
            "not here",
            helps=(f"write `tune {name} = …`" if name else _instead_of_hole(expr),),
        )
    )


def _instead_of_hole(hole: tree.Hole) -> str:
    """Of texts in a list `in` is rather meant as a comparison, which it is in other languages."""
    items = hole.domain.items if isinstance(hole.domain, tree.ListExpr) else ()
    texts = [item for item in items if isinstance(item, tree.String)]
    if not texts or len(texts) < len(items):
        return "give it a name before: `tune x = … in …`, then use `x`"
    left = str(hole.value) if isinstance(hole.value, tree.Ref) else "x"
    shown = " or ".join(f'{left} == "{text.value}"' for text in texts[:2])
    return f"`in` says what a search may try; to compare, write `{shown}`"


def report_absent(ref: tree.Expr, binding: Binding, kind: Type, frame: Frame) -> None:
    """Say that a value may be absent where one is required."""
    frame.report(
        error(
            codes.MAY_BE_ABSENT,
            f"`{binding.name}` may be absent, and nothing takes its place",
            ref.span,
            "a value is required here",
            secondary=(Label(binding.span, _absent_because(binding, kind)),),
            helps=_absent_instead(binding),
        )
    )


def _absent_because(binding: Binding, kind: Type) -> str:
    if binding.bypass_missing:
        return f"a search may drop this stage, so it is `{kind}`"
    return f"`{binding.name}` is `{kind}`"


def _absent_instead(binding: Binding) -> tuple[str, ...]:
    if binding.bypass_missing:
        return ("name a value of the same type for when it is dropped: `optional … else value`",)
    return (f"say what takes its place: `otherwise({binding.name}, default)`",)
