"""`== != < <= > >=`: texts and answers without surrounding space, numbers as numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphdsl.ops.answers import as_number
from graphdsl.ops.context import Args
from graphdsl.values import Answer, Draft, Value, as_text

_OPERATIONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(args: Args) -> Value:
    """The compiler's `compare`: inputs `left` and `right`, attribute `op`.

    With an absent side it is false, except `!=`. Where one side is a number the other is read
    as one; an answer that is no number is absent then.
    """
    left, right, op = _plain(args["left"]), _plain(args["right"]), args["op"]
    if _is_number(left) != _is_number(right):
        left, right = _number(left), _number(right)
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return op == "!="
    return _OPERATIONS[op](left, right)


def both(args: Args) -> Value:
    """`and` of the inputs `0`, `1`, …; an absent one is false."""
    return all(value is True for name, value in args.items() if name.isdecimal())


def either(args: Args) -> Value:
    """`or` of the inputs `0`, `1`, …; an absent one is false."""
    return any(value is True for name, value in args.items() if name.isdecimal())


def negate(args: Args) -> Value:
    """`not` of the input `of`; the negation of an absent value is true."""
    return args["of"] is not True


def _plain(value: Value) -> Value:
    """A number or bool as it is, None, or text without surrounding space."""
    match value:
        case None | bool() | int() | float():
            return value
        case Draft():
            return value.answer.strip() if value.answer is not None else None
        case Answer():
            return value.text.strip()
        case _:
            return as_text(value).strip()


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Value) -> float | None:
    return as_number(value) if isinstance(value, str) else value
