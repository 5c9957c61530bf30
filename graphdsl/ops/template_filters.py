"""The filters of prompt templates: `{{ name | filter }}`. Small, pure, and bounded in size."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from graphdsl.errors import PromptError
from graphdsl.ops.template_values import Absent, text_of
from graphdsl.values import Value

SIZE_LIMIT: Final = 4 * 1024 * 1024
"""Most characters of one rendered turn, and of any text on the way to it."""


def length(value: Value) -> int:
    """Characters of a text, items of a list."""
    return len(value) if isinstance(value, tuple) else len(text_of(value))  # pyright: ignore[reportUnknownArgumentType]


def upper(value: Value) -> str:
    """In capital letters."""
    return text_of(value).upper()


def lower(value: Value) -> str:
    """In small letters."""
    return text_of(value).lower()


def title(value: Value) -> str:
    """Each word with a capital letter."""
    return text_of(value).title()


def trim(value: Value) -> str:
    """Without white space at both ends."""
    return text_of(value).strip()


def join(value: Value, separator: str = "") -> str:
    """The items of a list as one text."""
    texts = [text_of(item) for item in _items(value)]
    _bounded(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def default(value: Value, other: Value = "", empty: bool = False) -> Value:
    """`other` where the value is absent (with a second argument `true`: or empty)."""
    return other if isinstance(value, Absent) or (empty and not value) else value


def first(value: Value) -> Value:
    """The first item of a list, or an empty text."""
    return next(iter(_items(value)), "")


def last(value: Value) -> Value:
    """The last item of a list, or an empty text."""
    return next(iter(_items(value)[-1:]), "")


def round_(value: Value, digits: int = 0) -> Value:
    """A number rounded to so many decimals; an absent number stays absent."""
    if isinstance(value, Absent):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PromptError("`round` needs a number")
    return round(float(value), digits)


def indent(value: Value, width: int = 4, first: bool = False) -> str:
    """Every line but the first (with a second argument `true`: every line) moved to the right."""
    text = text_of(value)
    _bounded(len(text) + (text.count("\n") + 1) * width)
    lines = text.replace("\n", "\n" + " " * width)
    return " " * width + lines if first else lines


def truncate(value: Value, size: int = 255, whole: bool = False, end: str = "...") -> str:
    """At most `size` characters, cut between words unless `whole` is true."""
    text = text_of(value)
    if len(text) <= size:
        return text
    kept = text[: max(0, size - len(end))]
    return (kept if whole else re.sub(r"\s+\S*$", "", kept)) + end


def replace(value: Value, old: str, new: str) -> str:
    """Every `old` replaced by `new`."""
    text = text_of(value)
    _bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "length": length,
    "upper": upper,
    "lower": lower,
    "title": title,
    "trim": trim,
    "join": join,
    "default": default,
    "first": first,
    "last": last,
    "round": round_,
    "indent": indent,
    "truncate": truncate,
    "replace": replace,
}
"""Every filter by its name in a template."""


def _items(value: Value) -> tuple[Value, ...]:
    if isinstance(value, Absent):
        return ()
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


def _bounded(size: int) -> None:
    if size > SIZE_LIMIT:
        raise PromptError(f"a prompt may have at most {SIZE_LIMIT} characters, this one has more")
