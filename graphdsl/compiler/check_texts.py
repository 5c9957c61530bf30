"""Static texts that an operator cannot use: empty ones, and two that must differ."""

from __future__ import annotations

from collections.abc import Mapping

from graphdsl.compiler import codes
from graphdsl.compiler.report import error
from graphdsl.compiler.session import Frame
from graphdsl.ops.signature import Operator, Param
from graphdsl.syntax import tree


def check_text(expr: tree.String, param: Param, owner: str, frame: Frame) -> None:
    """Report a text that the parameter cannot take."""
    wanted = _wanted(expr.value, param)
    if wanted:
        message = f"`{param.name}` of {owner} must {wanted}"
        frame.report(error(codes.UNFIT_TEXT, message, expr.span, f"must {wanted}"))


def _wanted(value: str, param: Param) -> str:
    """What the text must be and is not; empty when it is right."""
    if param.visible and not value.strip():
        return "hold more than white space"
    return "not be empty" if param.nonempty and not value else ""


def check_unlike(operator: Operator, given: Mapping[str, tree.Expr], frame: Frame) -> None:
    """Report texts that are the same and must differ."""
    for param in operator.params:
        if param.unlike is None:
            continue
        other = operator.param(param.unlike)
        at = given.get(param.name) or given.get(param.unlike)
        if at is None or other is None:
            continue
        one, two = _text(given, param), _text(given, other)
        if one is not None and one == two:
            message = f"`{other.name}` and `{param.name}` of `{operator.name}` must differ"
            frame.report(error(codes.UNFIT_TEXT, message, at.span, f"both are `{one}`"))


def _text(given: Mapping[str, tree.Expr], param: Param) -> str | None:
    """The text, where it is written here."""
    expr = given.get(param.name)
    if expr is None:
        return param.preset
    return expr.value if isinstance(expr, tree.String) else None
