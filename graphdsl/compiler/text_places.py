"""Where the characters of a text literal stand in the file."""

from __future__ import annotations

from graphdsl.diagnostics import Source, Span
from graphdsl.syntax import tree

_QUOTES = '"""'


def place(text: tree.String, offset: int, length: int, source: Source) -> Span:
    """The span of `length` characters of a text from `offset` on.

    The whole literal where escapes shift its characters in a way that cannot be undone.
    """
    written = source.text[text.span.start : text.span.end]
    quotes = len(_QUOTES) if written.startswith(_QUOTES) else 1
    if text.offsets_exact:
        start = text.span.start + quotes + offset
    elif quotes > 1:
        start = _in_block(text, offset, written)
    else:
        start = -1
    if start < 0 or start + length > text.span.end:
        return text.span
    return Span(text.span.source, start, start + length)


def _in_block(text: tree.String, offset: int, written: str) -> int:
    """The place in a dedented block: each line kept its end, and an empty first line is gone."""
    raw = written[len(_QUOTES) : -len(_QUOTES)].split("\n")
    lines = text.value.split("\n")
    skipped = 0 if raw[0].strip() else 1
    line = text.value.count("\n", 0, offset)
    column = offset - (text.value.rfind("\n", 0, offset) + 1)
    if line + skipped >= len(raw) or not raw[line + skipped].endswith(lines[line]):
        return -1
    before = sum(len(other) + 1 for other in raw[: line + skipped])
    indent = len(raw[line + skipped]) - len(lines[line])
    return text.span.start + len(_QUOTES) + before + indent + column
