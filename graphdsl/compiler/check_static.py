"""Arguments that must be known at compile time: literals, words, entities, names of these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphdsl.compiler import codes
from graphdsl.compiler.check_expression import origin, report_absent, type_of_value
from graphdsl.compiler.check_names import (
    entity_type,
    find_binding,
    find_entity,
    report_unknown,
    through_lost_import,
    values_in_scope,
)
from graphdsl.compiler.check_quantity import check_duration
from graphdsl.compiler.check_texts import check_text
from graphdsl.compiler.report import error, instead, listed
from graphdsl.compiler.scope import Binding, Entity
from graphdsl.compiler.session import Accepted, Bounds, Frame
from graphdsl.compiler.words import is_word, original
from graphdsl.diagnostics import Diagnostic, Help, Label, did_you_mean
from graphdsl.ir.types import (
    BOOL,
    ENTITY_TYPES,
    MODEL,
    MODELS,
    NUMBER,
    SCORER,
    TEXT,
    OptionalOf,
    Type,
    Unknown,
    assignable,
)
from graphdsl.ops.registry import ANY_WORD
from graphdsl.ops.signature import Param
from graphdsl.syntax import tree

_ANY_WORDS = (Help("`graphdsl ops` lists the words of each parameter"),)


def static_argument(expr: tree.Expr, param: Param, owner: str, frame: Frame) -> None:
    """Report whatever keeps `expr` from being a compile-time value of `param` of `owner`."""
    if param.units:
        check_duration(expr, param.units, f"`{param.name}` of {owner}", frame)
        return
    match expr:
        case tree.Hole():
            from graphdsl.compiler.check_hole import check_hole

            check_hole(expr, param, owner, frame)
        case tree.Ref():
            _name(expr, param, owner, frame)
        case tree.String() | tree.Number() | tree.Bool():
            _literal(expr, param, owner, frame)
        case tree.ListExpr() if param.many or MODELS in param.types:
            _items(expr, param, owner, frame)
        case tree.ListExpr() if MODEL in param.types:
            frame.report(_one_model(expr, param, owner))
        case _:
            if not isinstance(type_of_value(expr, frame), Unknown):
                frame.report(_not_static(expr, param, owner))


def _items(expr: tree.ListExpr, param: Param, owner: str, frame: Frame) -> None:
    frame.typed(expr.span, MODELS if MODELS in param.types else param_type(param))
    if not expr.items:
        message = f"`{param.name}` of {owner} needs at least one item"
        frame.report(error(codes.EMPTY_DOMAIN, message, expr.span, "empty"))
    for item in expr.items:
        if isinstance(item, tree.ListExpr | tree.Hole):
            frame.report(_not_static(item, param, owner))
        else:
            static_argument(item, replace(param, many=False), owner, frame)


def _one_model(expr: tree.ListExpr, param: Param, owner: str) -> Diagnostic:
    return error(
        codes.TYPE_MISMATCH,
        f"`{param.name}` of {owner} takes one model, found a list",
        expr.span,
        "expected one model",
        helps=(f"name one; to try several, write a hole such as `{param.name}: a in [a, b]`",),
    )


def _name(ref: tree.Ref, param: Param, owner: str, frame: Frame) -> None:
    words = ANY_WORD if SCORER in param.types else param.words
    if is_word(ref, words, frame):
        frame.typed(ref.span, SCORER)
        return
    binding = find_binding(ref, frame)
    if binding is not None:
        _bound(ref, binding, param, owner, frame)
        return
    found = find_entity(ref, frame)
    if found is not None:
        _entity(ref, found, param, owner, frame)
    elif not through_lost_import(ref, frame):
        _unknown(ref, param, owner, frame)


def _bound(ref: tree.Ref, binding: Binding, param: Param, owner: str, frame: Frame) -> None:
    """A name of the flow: static already, or a parameter that this use makes static."""
    frame.typed(ref.span, binding.type)
    if isinstance(binding.type, Unknown):
        return
    if len(ref.parts) > 1:
        if not isinstance(type_of_value(ref, frame), Unknown):
            frame.report(_not_static(ref, param, owner))
        return
    if not _accepts(binding.type, param):
        if isinstance(binding.type, OptionalOf):
            report_absent(ref, binding, binding.type, frame)
        else:
            frame.report(mismatch(ref, binding.type, param, owner, origin(ref, frame)))
    elif param.words:
        _word(ref, binding, param, owner, frame)
    else:
        _hold(ref, binding, param, frame)
        _make_static(ref, binding, param, owner, frame)
    for entity in binding.entities:
        check_provides(ref, entity, param, owner, frame)


def _hold(ref: tree.Ref, binding: Binding, param: Param, frame: Frame) -> None:
    """Callers of the flow are held to the numbers that this use of its parameter takes."""
    if binding.what != "parameter" or NUMBER not in param.types:
        return
    here = Bounds(param.low, param.high, param.integer, ref.span)
    before = frame.facts.bounds.get(binding.name)
    frame.facts.bounds[binding.name] = here if before is None else before.within(here)


def _make_static(ref: tree.Ref, binding: Binding, param: Param, owner: str, frame: Frame) -> None:
    if not binding.static and binding.what == "parameter":
        binding.static = True
        frame.facts.static.setdefault(binding.name, ref.span)
    elif not binding.static:
        frame.report(_not_static(ref, param, owner))


def _word(ref: tree.Ref, binding: Binding, param: Param, owner: str, frame: Frame) -> None:
    """A name that stands for words: all must be of the parameter. Callers are held to that too."""
    binding = original(binding, frame)
    if binding.what == "parameter":
        before = frame.facts.words.get(binding.name)
        both = [word for word in param.words if before is None or word in before.words]
        frame.facts.words[binding.name] = Accepted(tuple(both), ref.span)
    wrong = [word for word in binding.words if word not in param.words]
    if not wrong:
        return
    frame.report(
        error(
            codes.WRONG_WORD,
            f"`{param.name}` of {owner} cannot be {listed(wrong)}",
            ref.span,
            f"can stand for {listed(wrong)}",
            secondary=(Label(binding.span, "because of this"),),
            helps=(f"the words are {listed(param.words)}",),
        )
    )


def _entity(ref: tree.Ref, entity: Entity, param: Param, owner: str, frame: Frame) -> None:
    kind = frame.typed(ref.span, entity_type(entity[1]))
    if _accepts(kind, param):
        check_provides(ref, entity, param, owner, frame)
        return
    label = (Label(entity[1].name.span, "declared here"),)
    frame.report(mismatch(ref, kind, param, owner, label))


def _accepts(kind: Type, param: Param) -> bool:
    """Whether a static value of this type fits; texts and numbers are not converted here."""
    if param.words:
        return kind == SCORER
    if kind in ENTITY_TYPES:
        return any(assignable(kind, want) for want in param.types)
    wanted = (want.item if isinstance(want, OptionalOf) else want for want in param.types)
    return any(kind == want for want in wanted)


def check_provides(at: tree.Expr, entity: Entity, param: Param, owner: str, frame: Frame) -> None:
    """Report a role prompt that needs more than the operator gives it."""
    prompt = entity[1]
    if not param.provides or not isinstance(prompt, tree.Prompt):
        return
    for wanted in prompt.params:
        if wanted.name.text in param.provides or wanted.default is not None:
            continue
        frame.report(
            error(
                codes.NOT_PROVIDED,
                f"{owner} gives its prompt no `{wanted.name.text}`",
                at.span,
                f"needs `{wanted.name.text}`",
                secondary=(Label(wanted.name.span, "wanted here"),),
                helps=(f"a prompt of {owner} may use {listed(param.provides)}",),
            )
        )


def _unknown(ref: tree.Ref, param: Param, owner: str, frame: Frame) -> None:
    if SCORER in param.types:
        close = did_you_mean(str(ref), ANY_WORD)
        helps = instead(str(ref), close, ref.span, "") if close else _ANY_WORDS
        message = f"`{param.name}` of {owner} cannot be `{ref}`, which is a word of no operator"
        frame.report(error(codes.WRONG_WORD, message, ref.span, "unknown", helps=helps))
        return
    if not param.words:
        report_unknown(ref, frame, _candidates(param, frame), _wanted_kind(param))
        return
    helps = instead(str(ref), param.words, ref.span, "the words are")
    message = f"`{param.name}` of {owner} cannot be `{ref}`"
    frame.report(error(codes.WRONG_WORD, message, ref.span, "not one of its words", helps=helps))


def _candidates(param: Param, frame: Frame) -> list[str]:
    """Names in scope that would fit."""
    found: list[str] = []
    for name in values_in_scope(frame):
        binding = frame.scope.find(name)
        declared = frame.module.declarations.get(name)
        kind = binding.type if binding else entity_type(declared) if declared else None
        if kind is None or _accepts(kind, param):
            found.append(name)
    return found


def _wanted_kind(param: Param) -> str:
    if len(param.types) == 1 and param.types[0] in ENTITY_TYPES:
        return {"Models": "model or pool"}.get(str(param.types[0]), str(param.types[0]).lower())
    return "name"


def literal_type(expr: tree.String | tree.Number | tree.Bool) -> Type:
    """The type of a literal."""
    match expr:
        case tree.String():
            return TEXT
        case tree.Number():
            return NUMBER
        case tree.Bool():
            return BOOL


def _literal(
    expr: tree.String | tree.Number | tree.Bool, param: Param, owner: str, frame: Frame
) -> None:
    kind = frame.typed(expr.span, literal_type(expr))
    if param.words and isinstance(expr, tree.String):
        helps = instead(expr.value, param.words, expr.span, "the words, without quotes, are")
        message = f"`{param.name}` of {owner} is a word, not a text"
        frame.report(error(codes.WRONG_WORD, message, expr.span, helps=helps))
    elif not _accepts(kind, param):
        frame.report(mismatch(expr, kind, param, owner))
    elif isinstance(expr, tree.Number):
        check_number(expr, param, owner, frame)
    elif isinstance(expr, tree.String):
        check_text(expr, param, owner, frame)


def check_number(expr: tree.Number, param: Param, owner: str, frame: Frame) -> bool:
    """Report a number that the parameter cannot take. True when it can."""
    wrong = number_problem(expr.value, param)
    if wrong:
        code = codes.NOT_POSITIVE if param.name in ("rounds", "bound") else codes.NUMBER_RANGE
        message = f"`{param.name}` of {owner} must be {wrong}, found {_shown(expr.value)}"
        frame.report(error(code, message, expr.span, f"must be {wrong}"))
    return not wrong


def number_problem(value: Any, param: Param) -> str:
    """What the number must be and is not; empty when it is right."""
    if param.integer and not isinstance(value, int):
        return "a whole number"
    low = param.low is not None and value < param.low
    high = param.high is not None and value > param.high
    if not low and not high:
        return ""
    if param.high is None:
        return f"at least {_shown(param.low)}"
    return f"from {_shown(param.low)} to {_shown(param.high)}"


def _shown(number: float | None) -> str:
    return f"{number:_}" if isinstance(number, int) else f"{number:g}" if number else "0"


def param_type(param: Param) -> Type:
    """The type of a parameter in messages and for editors."""
    return SCORER if param.words or not param.types else param.types[0]


def _not_static(expr: tree.Expr, param: Param, owner: str) -> Diagnostic:
    return error(
        codes.NOT_STATIC,
        f"`{param.name}` of {owner} must be known at compile time",
        expr.span,
        "known only when the flow runs",
        helps=(f"write {_example(param)}, or a parameter of the flow",),
    )


def _example(param: Param) -> str:
    kind = param_type(param)
    if kind == NUMBER:
        return "a number, a hole such as `4 in [2, 4]`"
    if kind in (MODEL, MODELS):
        return "a model or a pool"
    return "a literal, a name that the file declares"


def mismatch(
    expr: tree.Node,
    found: Type,
    param: Param,
    owner: str,
    secondary: tuple[Label, ...] = (),
    helps: tuple[str | Help, ...] = (),
) -> Diagnostic:
    """The report of an argument of the wrong type."""
    wanted = " or ".join(f"`{kind}`" for kind in param.types) or listed(param.words)
    name = f"`{param.name}: {param.types[0]}`" if len(param.types) == 1 else f"`{param.name}`"
    tail = "" if len(param.types) == 1 else f" as {wanted}"
    return error(
        codes.TYPE_MISMATCH,
        f"{owner} expects {name}{tail}, found `{found}`",
        expr.span,
        f"expected {wanted}",
        secondary=secondary,
        helps=helps,
    )
