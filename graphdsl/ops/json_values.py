"""JSON in what a model wrote: behind prose, in a code fence, or alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.ops.limits import joined

_BEGIN: Final = re.compile(r"\[(?=\s{0,99}[\]\[{\"0-9tfnNI-])|\{(?=\s{0,99}[}\"])")
"""A bracket, and what may follow it."""

_DIGITS: Final = 4000
"""Longest number that Python reads as one; a longer one stays a text."""

_WINDOW: Final = 256
_TRIES: Final = 1000
_WORK: Final = 8
"""Brackets that begin nothing are looked at `_TRIES` times, and until the text was read as often as
that altogether."""

_TAIL: Final = 16
"""Longest word, escape or number sign of JSON, which may be cut by the end of a window."""


@dataclass(frozen=True, slots=True)
class Found:
    """A list or object of a text, and where it stands."""

    value: Any
    start: int
    end: int


def json_values(text: str) -> Iterator[Found]:
    """The outermost JSON lists and objects of a text, in order.

    Line breaks within strings are allowed. A bracket that begins none is passed over; each costs a
    look at what follows it, so there is an end to that: the time is linear in the text, and what
    stands behind very many of them is not found.
    """
    at, left = 0, _WORK * len(text) + _TRIES * _WINDOW
    while left > 0 and (match := _BEGIN.search(text, at)) is not None:
        start = match.start()
        value, size = _decoded(text, start)
        at = start + (1 if value is None else size)
        if value is None:
            left -= max(size, _WINDOW)
        else:
            yield Found(value, start, at)


def _decoded(text: str, start: int) -> tuple[Any, int]:
    """The value that begins there, or None, and how much of the text was looked at (at least 1).

    Windows that grow, since an error counts the lines of all that the decoder was given.
    """
    window = _WINDOW
    while True:
        piece = text[start : start + window]
        cut = start + window < len(text)
        try:
            return _DECODER.raw_decode(piece)
        except json.JSONDecodeError as error:
            endless = error.msg.startswith("Unterminated string")
            if not cut or not (endless or error.pos >= len(piece) - _TAIL):
                return None, len(piece) if endless else max(error.pos, 1)
        except RecursionError:
            return None, len(piece)
        window *= 4


def json_text(value: Any) -> str:
    """A value from JSON as a text: strings as they are, numbers as in prompts, all else as JSON.

    Raises `PromptError` when it is longer than a text may be.

    >>> json_text("a"), json_text(2.0), json_text(True), json_text({"a": [1]})
    ('a', '2', 'true', '{"a": [1]}')
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            try:
                return joined((json.dumps(value, ensure_ascii=False),), "")
            except RecursionError:  # it was nested just deep enough to be read
                return ""


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < _DIGITS else digits


def _real(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_DECODER: Final = json.JSONDecoder(
    strict=False, parse_int=_whole, parse_float=_real, parse_constant=str
)
