"""Reading lists, fields and numbers out of what a model wrote. No text makes any of these fail.

Only a result that is longer than any may be raises `PromptError` (`graphdsl.ops.limits`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, cast

from graphdsl.ops.answers import find_numbers
from graphdsl.ops.context import Args
from graphdsl.ops.json_values import Found, json_text, json_values
from graphdsl.ops.limits import bounded
from graphdsl.values import Value, as_text

_BEFORE: Final = r"[ \t]{0,32}(?:[>#]{1,6}[ \t]{0,8})?([*_]{0,3})\(?"
_AFTER: Final = r"([*_]{0,3})(?:[ \t]+|$)"
_UNMARKED: Final = 3
_MARKS: Final = (
    re.compile(
        rf"{_BEFORE}step[ \t]{{0,4}}\d{{1,4}}([*_]{{0,3}})[ \t]?[:.)–—-]([*_]{{0,3}})[ \t]*", re.I
    ),
    re.compile(rf"{_BEFORE}\d{{1,4}}([*_]{{0,3}})[.):]{_AFTER}"),
    re.compile(r"[ \t]{0,32}(?:[>#]{1,6}[ \t]{0,8})?()()[-*+•–]()[ \t]+"),
)
"""What a line of a list begins with, the strongest first: a step, a number, a bullet."""

_NEAR: Final = 64
"""Characters before a bracket that mostly tell whether its line has begun: a line may be long."""

_NUMBERED: Final = re.compile(r"\D{0,32}\d{1,4}\D{0,8}")


def parse_list(args: Args) -> Value:
    """The operator on what `read_list` reads."""
    return bounded(tuple(read_list(as_text(args["text"]))))


def parse_field(args: Args) -> Value:
    """The value of a field in the last object that has it; `null` is absent."""
    name = as_text(args["field"])
    for found in reversed(list(json_values(as_text(args["text"])))):
        holder = _holder(found.value, name)
        if holder is not None:
            value = holder[name]
            return None if value is None else json_text(value)
    return None


def parse_number(args: Args) -> Value:
    """The last number; `50%` is 50 and `3/4` is 0.75, as everywhere.

    What is no number to a machine is passed over: a fraction of nought, or with a part beyond
    1e308.
    """
    for number in reversed(find_numbers(as_text(args["text"]))):
        above, _, below = number.partition("/")
        over, under = float(above), float(below or 1)
        if isfinite(over) and isfinite(under) and under:
            return over / under
    return None


def read_list(text: str) -> Sequence[str]:
    """The items of the last JSON list, else of the lines of a list; empty ones are left out.

    An object counts as a list where it holds nothing but one, or where all its keys have numbers,
    such as `{"step1": …, "step2": …}`. Brackets within a line that hold nothing, or only numbers,
    may be a reference: they count only where there are no lines either.

    >>> read_list('Sure: ["a", 2, {"b": 1}]'), read_list("1. a\\n2. b"), read_list("as in [3]")
    (['a', '2', '{"b": 1}'], ['a', 'b'], ['3'])
    """
    reference: Sequence[Any] | None = None
    for found in reversed(list(json_values(text))):
        items = _items(found.value)
        if items is not None and not _may_refer(found, items, text):
            return _shown(items)
        reference = items if reference is None else reference
    return _lines(text) or _shown(reference or ())


def _shown(items: Sequence[Any]) -> list[str]:
    texts = ("" if item is None else json_text(item).strip() for item in items)
    return [text for text in texts if text]


def _items(value: Any) -> Sequence[Any] | None:
    """The items of a list, or of an object that stands for one."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    fields = cast("Mapping[str, Any]", value)
    values = list(fields.values())
    if len(values) == 1 and isinstance(values[0], list):
        return cast("list[Any]", values[0])
    return values if values and all(map(_NUMBERED.fullmatch, fields)) else None


def _may_refer(found: Found, items: Sequence[Any], text: str) -> bool:
    """Whether it is rather a reference such as `[3]`, or code such as `a[]`, within a line."""
    if text[found.start] != "[" or any(not isinstance(item, int | float) for item in items):
        return False
    _, broken, before = text[max(0, found.start - _NEAR) : found.start].rpartition("\n")
    if before.strip() or broken:
        return bool(before.strip())
    line = text.rfind("\n", 0, found.start) + 1
    return bool(text[line : found.start].strip())


def _lines(text: str) -> list[str]:
    """The items of a list in lines, by the strongest mark that there is.

    Lines below an item with a weaker mark, or further in, belong to it; others are no part of it.
    """
    lines = text.splitlines()
    ranks = [_rank(line) for line in lines]
    best = min(ranks, default=_UNMARKED)
    if best == _UNMARKED:
        return []
    base = _indent(lines[ranks.index(best)])
    items: list[list[str]] = []
    inside = False
    for line, rank in zip(lines, ranks, strict=True):
        if rank == best and _indent(line) <= base:
            items.append([_unmarked(line, _MARKS[best])])
            inside = True
        elif line.strip():
            inside = inside and (rank != _UNMARKED or _indent(line) > base)
            if inside:
                items[-1].append(line.strip())
    texts = ("\n".join(item).strip() for item in items)
    return [text for text in texts if text.strip("-*_ ")]


def _rank(line: str) -> int:
    return next((rank for rank, mark in enumerate(_MARKS) if mark.match(line)), _UNMARKED)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _unmarked(line: str, mark: re.Pattern[str]) -> str:
    """A line without its mark; emphasis that the mark opened and did not close goes with it."""
    match = mark.match(line)
    if match is None:
        return line
    opened, *closed = match.groups()
    rest = line[match.end() :]
    return rest.replace(opened, "", 1) if opened and not any(closed) else rest


def _holder(value: Any, name: str) -> Mapping[str, Any] | None:
    """The object that has the field: the outermost, else the last one within it."""
    waiting = [value]  # the last one is looked at first
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            fields = cast("Mapping[str, Any]", part)
            if name in fields:
                return fields
            waiting += fields.values()
        elif isinstance(part, list):
            waiting += cast("list[Any]", part)
    return None
