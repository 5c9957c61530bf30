"""The coercions of the language (`graphdsl.ir.types.assignable`), done to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from graphdsl.ir.type_text import parse_type
from graphdsl.ir.types import ListOf, Named, OptionalOf, RecordOf, Type, Unknown
from graphdsl.ops.context import Args
from graphdsl.ops.limits import text_of
from graphdsl.ops.neutral import neutralise
from graphdsl.values import Answer, Draft, Messages, Value


def to_answer(value: Value) -> Value:
    """A draft's answer with its confidence, or the text of anything else as an answer."""
    match value:
        case None | Answer():
            return value
        case Draft():
            return Answer(value.answer or "", value.confidence, value.tie, value.error)
        case _:
            return Answer(text_of(value))


def to_messages(value: Value) -> Messages:
    """A text as one user turn, its chat control strings broken."""
    return value if isinstance(value, Messages) else Messages.user(neutralise(text_of(value)))


def convert(args: Args) -> Value:
    """The compiler's `convert`: attribute `to` is the type that is made, such as `List[Answer]`.

    Lists and records are converted part by part; what is absent stays absent.
    """
    return _conversion(args["to"])(args["of"])


Conversion = Callable[[Value], Value]


@lru_cache(maxsize=256)
def _conversion(to: str) -> Conversion:
    return _to(parse_type(to))


def _to(kind: Type) -> Conversion:
    """What makes a value of that type; a type that nothing is converted to leaves it alone."""
    match kind:
        case Named(name):
            return _present(_LEAVES[name]) if name in _LEAVES else _same
        case OptionalOf(item):
            return _to(item)
        case ListOf(item):
            one = _to(item)
            return _present(lambda value: tuple(one(part) for part in value))
        case RecordOf(fields):
            parts = {name: _to(part) for name, part in fields}
            return _present(lambda value: {name: do(value[name]) for name, do in parts.items()})
        case Unknown():
            return _same


def _same(value: Value) -> Value:
    return value


def _present(conversion: Callable[[Any], Value]) -> Conversion:
    return lambda value: None if value is None else conversion(value)


_LEAVES: Final[Mapping[str, Conversion]] = {
    "Text": text_of,
    "Answer": to_answer,
    "Messages": to_messages,
}
"""By the name of the target type."""
