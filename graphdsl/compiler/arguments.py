"""Which argument of a call is for which parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.compiler import codes
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Diagnostic, Label, Span
from graphdsl.syntax import tree


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter as calls see it. `shown` is how a signature prints it."""

    name: str
    required: bool
    shown: str


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
        frame.report(_too_many(arg, signature))
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


def _too_many(arg: tree.Arg, signature: Signature) -> Diagnostic:
    if signature.positional < len(signature.slots):
        count = "one argument" if signature.positional == 1 else f"{signature.positional} arguments"
        message = f"`{signature.name}` takes {count} without a name"
        rest = signature.slots[signature.positional :]
        helps = (f"name it: `{rest[0].name}: …`",)
    else:
        message = f"`{signature.name}` takes {signature.positional} arguments, not more"
        helps = (f"it is `{signature}`",)
    return error(
        codes.TOO_MANY_POSITIONAL,
        message,
        arg.span,
        "one too many",
        secondary=_declared(signature),
        helps=helps,
    )


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
