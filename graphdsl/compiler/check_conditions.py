"""Parameters that mean something only under a condition: given where they do, required there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.compiler import codes
from graphdsl.compiler.report import error, listed
from graphdsl.compiler.session import Frame
from graphdsl.compiler.words import words_ever, words_now
from graphdsl.diagnostics import Diagnostic, Label
from graphdsl.ir.conditions import Applies, applies
from graphdsl.ops.signature import REQUIRED, Operator, Param, When
from graphdsl.syntax import tree

Given = Mapping[str, tree.Expr]
"""The arguments of a call by parameter."""

_SOMETHING: Final = ("something",)
"""Stands for the value of a parameter that is no word and was given."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the conditions of one call can be. `now` counts the words that a name of the flow has
    here, else all that it may ever have: a caller may give another one.
    """

    operator: Operator
    given: Given
    frame: Frame
    now: bool

    def applies(self, param: Param) -> Applies:
        """Whether a parameter means something."""
        return applies(param, {p.name: p for p in self.operator.params}, self.values)

    def held(self, when: When | None) -> Any:
        """A value of the other parameter with which the condition holds; None without any."""
        if when is None:
            return _SOMETHING
        deciding = self.operator.param(when.param)
        found = self.values(when.param)
        if deciding is None or found is None or not self.applies(deciding).may:
            return None
        return next((value for value in found if when.fits(value)), None)

    def values(self, name: str) -> Collection[Any] | None:
        """All that a parameter of the call can be; None where nobody knows."""
        param, expr = self.operator.param(name), self.given.get(name)
        if param is None:
            return None
        if expr is None:
            return None if param.default is REQUIRED else (param.default,)
        if not param.words:
            return _SOMETHING
        found = (words_now if self.now else words_ever)(expr, param.words, self.frame)
        return None if found is None or not set(found) <= set(param.words) else found


def check_conditions(call: tree.Call, operator: Operator, given: Given, frame: Frame) -> None:
    """Report arguments that mean nothing, and missing ones that this call needs.

    Of a hole, one alternative that uses an argument allows it, and one that needs it asks for it.
    """
    ever = Conditions(operator, given, frame, now=False)
    now = Conditions(operator, given, frame, now=True)
    for param in operator.params:
        if param.when is None:
            continue
        if param.name in given:
            if not ever.applies(param).may and _first(param, operator, ever):
                frame.report(_idle(param, param.when, ever))
        elif param.required and (value := now.held(param.when)) is not None:
            frame.report(_missing(call, param, value, now))


def _first(param: Param, operator: Operator, conditions: Conditions) -> bool:
    """False where the argument that decides means nothing itself, which is reported."""
    other = operator.param(param.when.param) if param.when is not None else None
    given = other is not None and other.name in conditions.given
    return not given or other is None or conditions.applies(other).may


def _idle(param: Param, when: When, conditions: Conditions) -> Diagnostic:
    owner, decides = conditions.operator.name, conditions.given.get(when.param)
    expr = conditions.given[param.name]
    if not when.words:
        message = f"`{param.name}` of `{owner}` means nothing without `{when.param}`"
        helps = (f"leave `{param.name}` away, or give `{when.param}` as well",)
        return error(codes.MEANS_NOTHING, message, expr.span, "not used", helps=helps)
    words = conditions.values(when.param) or ()
    shown = listed(f"{when.param}: {word}" for word in words)
    which = "" if decides is not None else ", the default"
    others = listed((f"{when.param}: {word}" for word in when.words), most=4)
    return error(
        codes.MEANS_NOTHING,
        f"`{param.name}` of `{owner}` means nothing with {shown}{which}",
        expr.span,
        "not used",
        secondary=() if decides is None else (Label(decides.span, "because of this"),),
        helps=(f"leave `{param.name}` away; it belongs to {others}",),
    )


def _missing(call: tree.Call, param: Param, value: Any, conditions: Conditions) -> Diagnostic:
    when, owner = param.when, conditions.operator.name
    assert when is not None
    shown = f"{when.param}: {value}" if when.words else when.param
    decides = conditions.given.get(when.param)
    kinds = " | ".join(map(str, param.types)) or " | ".join(param.words)
    return error(
        codes.MISSING_ARGUMENT,
        f"`{owner}` needs `{param.name}` with `{shown}`",
        call.callee.span,
        f"without `{param.name}`",
        secondary=() if decides is None else (Label(decides.span, "asks for it"),),
        notes=(f"`{param.name}` is {param.doc}",),
        helps=(f"add `{param.name}: {kinds}`",),
    )
