r"""Finds the answer that a reply ends with.

Marks are `Answer:` (any case), `####` and `\boxed{…}` with nested braces; the last one that has
something after it wins. Without a mark the kind decides: the last number, the last letter of a
choice, or the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from graphdsl.ops.answers import find_numbers, normal_text, number_key
from graphdsl.ops.context import Args
from graphdsl.values import Answer, Draft, Value, as_text

_MARK: Final = re.compile(r"answer\s*[*_]*\s*:|####|\\boxed\s*\{", re.IGNORECASE)
_ONLY_MARK: Final = re.compile(r"[\s*_`]*(?:answer[\s*_]*:|####)[\s*_`]*", re.IGNORECASE)
_DECORATION: Final = " \t*_`"
_BRACKETED: Final = re.compile(r"[(\[{]\s*([A-J])\s*[)\]}]", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"\b(?:answer|option|choice)\s+(?:is\s+|should be\s+)?[*(]*([A-J])\b(?!['’])", re.IGNORECASE
)
_LEADING: Final = re.compile(r"^[\s*]*([A-J])\s*[.):,*]", re.MULTILINE)
_ALONE: Final = re.compile(r"(?<![\w'’])([B-HJ])(?![\w'’])")


@dataclass(frozen=True, slots=True)
class Found:
    """An answer as it is shown, and the `key` that equal answers share."""

    shown: str
    key: str


def find_answer(text: str, by: str = "text") -> Found | None:
    r"""The answer of a reply as `by` (`text`, `number`, `choice`) reads it; None if there is none.

    >>> find_answer("3 + 4 = 7. Answer: $1,000.", "number")
    Found(shown='1000', key='1000')
    >>> find_answer(r"So \boxed{\frac{1}{2}}", "text").shown
    '\\frac{1}{2}'
    """
    for part in _marked(text):
        if (found := _read(part, by, marked=True)) is not None:
            return found
    return _read(text, by, marked=False)


def extract(args: Args) -> Value:
    """The operator: an `Answer`, with an empty text when there is none."""
    source = args["of"]
    found = find_answer(as_text(source), args["by"] or "text")
    shown = found.shown if found else ""
    if isinstance(source, Draft):
        return Answer(shown, source.confidence, source.tie)
    return Answer(shown)


def _marked(text: str) -> Iterator[str]:
    """What stands after each mark, the last mark first; empty parts are left out."""
    for mark in reversed(list(_MARK.finditer(text))):
        boxed = mark.group().endswith("{")
        part = _braced(text, mark.end()) if boxed else _line(text, mark.end())
        if part.strip(_DECORATION):
            yield part.strip(_DECORATION)


def _braced(text: str, start: int) -> str:
    """Up to the brace that closes the one before `start`; empty when none does."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at]
    return ""


def _line(text: str, start: int) -> str:
    """The rest of the line, or the next line that has something but decoration."""
    for line in text[start:].splitlines():
        if line.strip(_DECORATION):
            return line
    return ""


def _read(text: str, by: str, *, marked: bool) -> Found | None:
    match by:
        case "number":
            numbers = find_numbers(text)
            return Found(numbers[-1], number_key(numbers[-1])) if numbers else None
        case "choice":
            letter = _letter(text, marked=marked)
            return Found(letter, letter) if letter else None
        case _:
            key = normal_text(text)
            return Found(text.strip(), key) if key and not _ONLY_MARK.fullmatch(text) else None


def _letter(text: str, *, marked: bool) -> str | None:
    """The letter A to J that a text chooses: brackets first, `A` and `I` alone are words."""
    bare = text.strip(" \t\r\n.,;:!*()[]{}$\"'")
    if len(bare) == 1 and bare.upper() in "ABCDEFGHIJ":
        return bare.upper()
    if boxed := re.fullmatch(r"\\text\{\(?([A-J])\)?", bare):
        return boxed.group(1)
    for pattern in (_LEADING, _BRACKETED) if marked else (_BRACKETED, _NAMED, _LEADING):
        if letters := pattern.findall(text):
            return letters[0 if marked else -1].upper()
    alone = _ALONE.findall(text)
    return alone[0 if marked else -1] if alone else None
