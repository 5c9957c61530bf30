"""Which argument of a call is for which parameter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.report import error, instead, listed
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Applicability, Diagnostic, Help, Label, Span, TextEdit
from graphdsl.ir.types import MODEL, MODELS, NUMBER, TEXT, Type, assignable
from graphdsl.syntax import tree

_THOUSANDS: Final = re.compile(r"\d{1,3}(,\d{3})+")


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter as calls see it. `shown` is how a signature prints it, `types` what it takes."""

    name: str
    required: bool
    shown: str
    types: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable as calls see it: only the first `positional` arguments may lack a name."""

    name: str
    slots: tuple[Slot, ...]
    positional: int
    rest: bool = False
    declared: Span | None = None

    def __str__(self) -> str:
        return f"{self.name}({', '.join(slot.shown for slot in self.slots)})"


def match(call: tree.Call, signature: Signature, frame: Frame) -> dict[str, tree.Expr]:
    """Arguments by parameter name, after reporting those that fit none and those missing.

    Further arguments of a callable that takes the rest are called `0`, `1`, ….
    """
    given: dict[str, tree.Expr] = {}
    for index, arg in enumerate(call.args):
        name = _parameter(index, arg, call, signature, frame)
        if name is None:
            continue
        if name in given:
            frame.report(_twice(arg, name, given[name], signature))
        else:
            given[name] = arg.value
    missing = [slot for slot in signature.slots if slot.required and slot.name not in given]
    if missing and not (signature.rest and given) and not _refused(call, signature):
        frame.report(_missing(call, missing, signature))
    return given


def _parameter(
    index: int, arg: tree.Arg, call: tree.Call, signature: Signature, frame: Frame
) -> str | None:
    if arg.name is not None:
        names = [slot.name for slot in signature.slots]
        if arg.name.text in names and not signature.rest:
            return arg.name.text
        frame.report(_unknown(arg.name, signature, names))
        return None
    if signature.rest:
        return str(index)
    if index < signature.positional:
        return signature.slots[index].name
    if index == signature.positional or call.args[index - 1].name is not None:
        frame.report(_too_many(index, call, signature, frame))
    return None


def _refused(call: tree.Call, signature: Signature) -> bool:
    """True when an argument fits no parameter: it was probably meant for the missing one."""
    names = {slot.name for slot in signature.slots}
    unknown = any(arg.name is not None and arg.name.text not in names for arg in call.args)
    return unknown or _positional(call) > signature.positional


def _positional(call: tree.Call) -> int:
    return sum(arg.name is None for arg in call.args)


def _unknown(name: tree.Name, signature: Signature, names: Sequence[str]) -> Diagnostic:
    return error(
        codes.UNKNOWN_ARGUMENT,
        f"`{signature.name}` has no parameter `{name.text}`",
        name.span,
        "no such parameter",
        secondary=_declared(signature),
        helps=instead(name.text, names, name.span, "its parameters are"),
    )


def _too_many(index: int, call: tree.Call, signature: Signature, frame: Frame) -> Diagnostic:
    arg = call.args[index]
    thousands = joined_number(call.args[index - 1], arg, frame) if index else None
    if signature.positional < len(signature.slots):
        count = "one argument" if signature.positional == 1 else f"{signature.positional} arguments"
        message = f"`{signature.name}` takes {count} without a name"
        helps = (_name_it(arg, call, signature, frame),)
    else:
        message = f"`{signature.name}` takes {signature.positional} arguments, not more"
        helps = (f"it is `{signature}`",)
    return error(
        codes.TOO_MANY_POSITIONAL,
        message,
        arg.span,
        "one too many",
        secondary=_declared(signature),
        helps=helps if thousands is None else (thousands,),
    )


def joined_number(first: tree.Arg, second: tree.Arg, frame: Frame) -> Help | None:
    """The advice for `1,000`, which was read as two arguments; None when it was not that."""
    text = frame.module.source.text
    start, end = first.value.span.start, second.span.end
    written = text[start:end]
    if second.name is not None or not _THOUSANDS.fullmatch(written):
        return None
    mended = written.replace(",", "_")
    edit = TextEdit(Span(second.span.source, start, end), mended)
    return Help(f"for the number {written} write `{mended}`", edit)


def _name_it(arg: tree.Arg, call: tree.Call, signature: Signature, frame: Frame) -> Help:
    """The advice to name an argument: after the first parameter left that takes its type."""
    given = {other.name.text for other in call.args if other.name is not None}
    rest = [slot for slot in signature.slots[signature.positional :] if slot.name not in given]
    kind = _type_of(arg.value, frame)
    fitting = [slot for slot in rest if kind is not None and _takes(slot, kind)]
    if not fitting:
        names = (slot.name for slot in rest or signature.slots)
        return Help(f"name it; its parameters are {listed(names)}")
    written = frame.module.source.text[arg.span.start : arg.span.end]
    edit = TextEdit(Span(arg.span.source, arg.span.start, arg.span.start), f"{fitting[0].name}: ")
    return Help(f"name it: `{fitting[0].name}: {written}`", edit, Applicability.MAYBE)


def _takes(slot: Slot, kind: Type) -> bool:
    """Whether a parameter takes the type; a number where a text is wanted is not meant."""
    if kind == NUMBER:
        return NUMBER in slot.types
    return any(assignable(kind, want) for want in slot.types)


def _type_of(expr: tree.Expr, frame: Frame) -> Type | None:
    """The type of a simple argument; nothing is reported."""
    match expr:
        case tree.Number():
            return NUMBER
        case tree.String():
            return TEXT
        case tree.ListExpr() if expr.items:
            return MODELS if _type_of(expr.items[0], frame) in (MODEL, MODELS) else None
        case tree.Hole():
            return _type_of(expr.value, frame)
        case tree.Ref():
            return _type_of_name(expr, frame)
        case _:
            return None


def _type_of_name(ref: tree.Ref, frame: Frame) -> Type | None:
    from graphdsl.compiler.check_names import entity_type

    binding = frame.scope.find(ref.parts[0].text)
    if binding is not None:
        return binding.type if len(ref.parts) == 1 else None
    found = frame.module.find(ref)
    return entity_type(found[1]) if found is not None else None


def _twice(arg: tree.Arg, name: str, first: tree.Expr, signature: Signature) -> Diagnostic:
    return error(
        codes.ARGUMENT_TWICE,
        f"`{name}` of `{signature.name}` is given twice",
        arg.span,
        "given again here",
        secondary=(Label(first.span, "first given here"),),
    )


def _missing(call: tree.Call, missing: Sequence[Slot], signature: Signature) -> Diagnostic:
    names = " and ".join(f"`{slot.name}`" for slot in missing)
    return error(
        codes.MISSING_ARGUMENT,
        f"`{signature.name}` needs {names}",
        call.callee.span,
        f"without {names}",
        secondary=_declared(signature),
        notes=(f"the signature is `{signature}`",),
        helps=(f"add `{', '.join(slot.shown for slot in missing)}`",),
    )


def _declared(signature: Signature) -> tuple[Label, ...]:
    return () if signature.declared is None else (Label(signature.declared, "declared here"),)
