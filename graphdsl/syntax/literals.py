"""Read the literals of a source: strings, text blocks and numbers."""

from __future__ import annotations

import math
import re
import textwrap
from dataclasses import dataclass

ESCAPE = re.compile(
    r"\\(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)"
)
SURELY_FINITE = 300  # digits
SIMPLE = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class BadEscape:
    """An escape without a meaning: its text and its offset in what was read."""

    text: str
    offset: int


def unescape(inner: str) -> tuple[str, tuple[BadEscape, ...]]:
    r"""What stands between the quotes of a string, with its escapes replaced.

    >>> unescape(r"a\tb\u0021\q")
    ('a\tb!\\q', (BadEscape(text='\\q', offset=10),))
    """
    bad: list[BadEscape] = []

    def replace(match: re.Match[str]) -> str:
        character = _escaped(match[1])
        if character is None:
            bad.append(BadEscape(match[0], match.start()))
            return match[0]
        return character

    return ESCAPE.sub(replace, inner), tuple(bad)


def _escaped(code: str) -> str | None:
    r"""The character that a backslash and `code` stand for. Half of a `\uXXXX` pair is none."""
    if len(code) == 1:
        return SIMPLE.get(code)
    units = [int(part, 16) for part in code[1:].split(r"\u")]
    if len(units) == 2:
        return chr(0x10000 + ((units[0] - 0xD800) << 10) + (units[1] - 0xDC00))
    return None if units[0] in SURROGATES else chr(units[0])


def dedent(inner: str) -> str:
    r"""What stands between triple quotes, without the indentation common to all its lines.

    A first line and a last line that are blank only place the quotes and are dropped. Text on
    one line stays as it is. Backslashes mean themselves; a line ends with `\n` in every file.

    >>> dedent("\n    one\n      two\n    ")
    'one\n  two'
    """
    lines = inner.replace("\r\n", "\n").split("\n")
    if len(lines) == 1:
        return inner
    if not lines[-1].strip():
        del lines[-1]
    if lines and not lines[0].strip():
        del lines[0]
    return textwrap.dedent("\n".join(lines))


def read_number(text: str) -> int | float | None:
    """The value of a number literal, or None when it exceeds what a float can hold.

    >>> read_number("4_000"), read_number("1.0"), read_number("1e999")
    (4000, 1.0, None)
    """
    if text.isdecimal() and len(text) < SURELY_FINITE:
        return int(text)
    value = float(text)
    if math.isinf(value):
        return None
    return value if set(text) & set(".eE") else int(text)
