"""Types from their text: the inverse of `str` on a type."""

from __future__ import annotations

import re
from functools import lru_cache

from graphdsl.ir.types import ListOf, Named, OptionalOf, RecordOf, Type

_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\S")


@lru_cache(maxsize=256)
def parse_type(text: str) -> Type:
    """The type that a text such as `List[Answer?]` names. Raises ValueError for any other text.

    >>> str(parse_type("List[{ a: Text?, b: List[Draft] }]"))
    'List[{ a: Text?, b: List[Draft] }]'
    """
    words = _WORDS.findall(text)[::-1]
    kind = _type(words)
    if words:
        raise ValueError(f"`{words[-1]}` behind the type in `{text}`")
    return kind


def _type(words: list[str]) -> Type:
    """Read one type from the end of the reversed words."""
    name = _next(words)
    if name == "{":
        kind: Type = _record(words)
    elif name == "List":
        _next(words, "[")
        kind = ListOf(_type(words))
        _next(words, "]")
    elif name.isidentifier():
        kind = Named(name)
    else:
        raise ValueError(f"`{name}` is no type")
    while words[-1:] == ["?"]:
        words.pop()
        kind = OptionalOf(kind)
    return kind


def _record(words: list[str]) -> RecordOf:
    fields: list[tuple[str, Type]] = []
    while words[-1:] != ["}"]:
        if fields:
            _next(words, ",")
        name = _next(words)
        _next(words, ":")
        fields.append((name, _type(words)))
    words.pop()
    return RecordOf(tuple(fields))


def _next(words: list[str], wanted: str | None = None) -> str:
    found = words.pop() if words else "the end"
    if wanted is not None and found != wanted:
        raise ValueError(f"`{found}` where `{wanted}` is wanted")
    return found
