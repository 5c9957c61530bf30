"""Quantities with a unit: `calls(8)`, `seconds(30)`, in lists of limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphdsl.compiler import codes
from graphdsl.compiler.arguments import joined_number
from graphdsl.compiler.entities import MODELLED
from graphdsl.compiler.report import error, instead
from graphdsl.compiler.session import Frame
from graphdsl.diagnostics import Label, Span
from graphdsl.syntax import tree

_WHOLE: Final = ("calls", "tokens", "prompt_tokens", "completion_tokens", "trials")


def check_limits(limits: tree.Expr, units: Sequence[str], frame: Frame) -> dict[str, float]:
    """The limits that a list of quantities states, after reporting what is wrong with it."""
    found: dict[str, float] = {}
    places: dict[str, Span] = {}
    if not isinstance(limits, tree.ListExpr) or not limits.items:
        helps = ("write `[calls(64), seconds(30)]`",)
        message = "limits are a list of quantities, at least one"
        frame.report(error(codes.NOT_A_QUANTITY, message, limits.span, helps=helps))
        return {}
    for item in limits.items:
        unit, amount = _quantity(item, units, frame)
        if unit in places:
            _twice(unit, item, places[unit], frame)
        elif unit:
            places[unit] = item.span
            if amount is not None:
                found[unit] = amount
    return found


def check_duration(item: tree.Expr, units: Sequence[str], owner: str, frame: Frame) -> None:
    """Report whatever keeps an argument from being one quantity in one of these units."""
    if isinstance(item, tree.Call):
        _quantity(item, units, frame)
        return
    message = f"{owner} is a quantity with its unit"
    helps = (f"write `{units[0]}(10)`",)
    frame.report(error(codes.NOT_A_QUANTITY, message, item.span, "no unit", helps=helps))


def _quantity(item: tree.Expr, units: Sequence[str], frame: Frame) -> tuple[str, float | None]:
    if not isinstance(item, tree.Call):
        helps = ("name the unit: `calls(8)`",)
        message = "a limit is a quantity with its unit"
        frame.report(error(codes.NOT_A_QUANTITY, message, item.span, "no unit", helps=helps))
        return "", None
    unit = str(item.callee)
    if unit not in units:
        helps = instead(unit, units, item.callee.span, "the units here are")
        message = f"there is no unit `{unit}` here"
        frame.report(error(codes.UNKNOWN_UNIT, message, item.callee.span, helps=helps))
        return "", None
    if unit in MODELLED:
        frame.session.modelled.add(unit)
    return unit, _amount(unit, item, frame)


def _amount(unit: str, item: tree.Call, frame: Frame) -> float | None:
    number = item.args[0].value if len(item.args) == 1 and item.args[0].name is None else None
    if not isinstance(number, tree.Number):
        message = f"`{unit}` takes one number"
        thousands = joined_number(*item.args, frame) if len(item.args) == 2 else None
        helps = (thousands or f"write `{unit}(8)`",)
        frame.report(error(codes.NOT_A_QUANTITY, message, item.span, helps=helps))
        return None
    whole = unit in _WHOLE
    if number.value <= 0 or (whole and not isinstance(number.value, int)):
        wanted = "a whole number from 1 on" if whole else "more than 0"
        message = f"`{unit}` must be {wanted}, found {number.value}"
        frame.report(error(codes.NOT_A_QUANTITY, message, number.span))
        return None
    return number.value


def _twice(unit: str, item: tree.Expr, first: Span, frame: Frame) -> None:
    frame.report(
        error(
            codes.UNIT_TWICE,
            f"`{unit}` is limited twice",
            item.span,
            "again here",
            secondary=(Label(first, "first here"),),
        )
    )
