r"""Finds the answer that a reply ends with.

Marks are `Answer:` (any case), `####` and `\boxed{…}` with nested braces; the last one that has
something after it wins. Without a mark the kind decides: the last number, the last letter of a
choice, the last expression (`maths`, see `graphdsl.ops.maths.reading`), or the whole text.

A stop rule reads drafts on the event loop, so the time is linear in the length of the text,
whatever a model wrote: only the last `LOOKED_AT` marks count, and no pattern goes twice over the
same white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from graphdsl.ops.answers import last_number, normal_text, number_key
from graphdsl.ops.context import Args
from graphdsl.ops.maths.reading import read_maths
from graphdsl.values import Answer, Draft, Value, as_text

LOOKED_AT: Final = 16
"""Marks, from the end of a text, after which an answer is looked for."""

_MARK: Final = re.compile(r"answer\s*+(?:[*_]++\s*+)?:|####|\\boxed\s*\{", re.IGNORECASE)
_ONLY_MARK: Final = re.compile(r"[\s*_`]*(?:answer[\s*_]*:|####)[\s*_`]*", re.IGNORECASE)
_DECORATION: Final = " \t*_`"
_BREAKS: Final = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_LINE: Final = re.compile(rf"[{_DECORATION}{_BREAKS}]*+([^{_BREAKS}]*)")
_BRACKETED: Final = re.compile(r"[(\[{]\s*([A-J])\s*[)\]}]", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"\b(?:answer|option|choice)\s+(?:is\s+|should be\s+)?[*(]*([A-J])\b(?!['’])", re.IGNORECASE
)
_LEADING: Final = re.compile(r"^(?:[^\S\n]|\*)*+([A-J])\s*[.):,*]", re.MULTILINE)
_ALONE: Final = re.compile(r"(?<![\w'’])([B-HJ])(?![\w'’])")


class Found(NamedTuple):
    """An answer as it is shown, and the `key` that equal answers share.

    With `maths` different keys may be equal as well: see `graphdsl.ops.grouping.equals`.
    """

    shown: str
    key: str


def find_answer(text: str, by: str = "text") -> Found | None:
    r"""The answer of a reply as `by` (`text`, `number`, `choice`, `maths`) reads it, if any.

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
    """What stands after each of the last marks, from behind; empty parts are left out."""
    for mark in islice(_marks(text), LOOKED_AT):
        boxed = mark.group().endswith("{")
        part = braced(text, mark.end()) if boxed else _line(text, mark.end())
        if part := part.strip(_DECORATION):
            yield part


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The marks of a text, the last first.

    From behind, since nearly always the last one decides: looking for its letters takes a tenth of
    the time of a pattern. That needs small letters that stand where the large ones stood, no `ſ`,
    which patterns take for an `s`, and no `#####`, whose first four are a mark.
    """
    small = text.lower()
    answer, hashes, boxed = small.rfind("answer"), small.rfind("####"), small.rfind("\\boxed")
    odd = not text.isascii() and (len(small) != len(text) or "ſ" in text)
    if odd or (hashes >= 0 and "#####" in text):
        yield from reversed(list(_MARK.finditer(text)))
        return
    while (last := max(answer, hashes, boxed)) >= 0:
        if (mark := _MARK.match(text, last)) is not None:
            yield mark
        if last == answer:
            answer = small.rfind("answer", 0, last)
        elif last == hashes:
            hashes = small.rfind("####", 0, last)
        else:
            boxed = small.rfind("\\boxed", 0, last)


def braced(text: str, start: int) -> str:
    """Up to the brace that closes the one before `start`; empty when none does."""
    depth, at = 1, start
    while depth:
        end = text.find("}", at)
        if end < 0:
            return ""
        depth += text.count("{", at, end) - 1
        at = end + 1
    return text[start : at - 1]


def _line(text: str, start: int) -> str:
    """The rest of the line, or the next line that has something but decoration, from there on."""
    line = _LINE.match(text, start)
    return line.group(1) if line else ""


def _read(text: str, by: str, *, marked: bool) -> Found | None:
    match by:
        case "number":
            number = last_number(text)
            return Found(number, number_key(number)) if number is not None else None
        case "choice":
            letter = _letter(text, marked=marked)
            return Found(letter, letter) if letter else None
        case "maths":
            answer = read_maths(text, marked=marked)
            return Found(*answer) if answer else None
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
