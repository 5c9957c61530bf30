"""The coercions of the language (`graphdsl.ir.types.assignable`), done to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from graphdsl.ops.context import Args
from graphdsl.ops.neutral import neutralise
from graphdsl.values import Answer, Doc, Draft, Messages, Value, as_text


def to_answer(value: Value) -> Value:
    """A draft's answer with its confidence, or the text of anything else as an answer."""
    match value:
        case None | Answer():
            return value
        case Draft():
            return Answer(value.answer or "", value.confidence, value.tie)
        case _:
            return Answer(as_text(value))


def to_messages(value: Value) -> Messages:
    """A text as one user turn, its chat control strings broken."""
    return value if isinstance(value, Messages) else Messages.user(neutralise(as_text(value)))


def to_text(value: Value) -> Value:
    """The text form; an absent value stays absent."""
    return None if value is None else as_text(value)


CONVERSIONS: Final[Mapping[str, Callable[[Value], Value]]] = {
    "Text": to_text,
    "Answer": to_answer,
    "Messages": to_messages,
}
"""By the name of the target type."""


def convert(args: Args) -> Value:
    """The compiler's `convert`: attribute `to` names the target type of the value or its items.

    A list is converted item by item; only documents become one text, unless `to` says `List[…]`.
    """
    to: str = args["to"]
    target = to.removeprefix("List[").rstrip("]?")
    return _converted(args["of"], CONVERSIONS[target], items=to != target)


def _converted(value: Value, conversion: Callable[[Value], Value], *, items: bool) -> Value:
    if not isinstance(value, tuple):
        return conversion(value)
    parts = cast(tuple[Value, ...], value)
    if parts and not items and all(isinstance(part, Doc) for part in parts):
        return conversion(parts)
    return tuple(_converted(part, conversion, items=False) for part in parts)
