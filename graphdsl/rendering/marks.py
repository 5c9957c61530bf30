"""Labels under a source line: which go on one row, and where their texts go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphdsl.diagnostics import Label, Source

PRIMARY = "^"
SECONDARY = "-"


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters `start` up to `end` of a line (counted from 0), underlined with `sign`."""

    line: int
    start: int
    end: int
    sign: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` at a column, drawn in the colour of `sign`."""

    column: int
    text: str
    sign: str


def marks_of(label: Label, source: Source, sign: str) -> list[Mark]:
    """One mark, or for a label over several lines one at its first and one at its last line."""
    size = len(source.text)
    start, end = min(label.span.start, size), min(label.span.end, size)
    line, column = source.position(start)
    last_line, last_column = source.position(max(start, end - 1))
    if line == last_line:
        width = max(1, end - start)
        return [Mark(line, column - 1, column - 1 + width, sign, label.text)]
    first, last = source.line(line), source.line(last_line)
    indent = min(len(last) - len(last.lstrip()), last_column - 1)
    return [
        Mark(line, column - 1, max(column, len(first)), sign),
        Mark(last_line, indent, last_column, sign, label.text),
    ]


def rows_of(marks: Iterable[Mark]) -> list[list[Mark]]:
    """Marks that do not overlap share a row; the primary one comes first."""
    rows: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.sign != PRIMARY, m.start)):
        for row in rows:
            if all(mark.end <= other.start or other.end <= mark.start for other in row):
                row.append(mark)
                break
        else:
            rows.append([mark])
    return [sorted(row, key=lambda m: m.start) for row in rows]


def drawing(row: Sequence[Mark]) -> list[list[Piece]]:
    """The lines of a row: the marks, the last text beside them, the others hung below.

    Expects columns of the terminal in `start` and `end`.
    """
    last = row[-1]
    first = [Piece(mark.start, mark.sign * (mark.end - mark.start), mark.sign) for mark in row]
    if last.text:
        first.append(Piece(last.end + 1, last.text, last.sign))
    lines = [first]
    hanging = [mark for mark in row[:-1] if mark.text]
    if hanging:
        lines.append(_stems(hanging))
    for count in range(len(hanging) - 1, -1, -1):
        mark = hanging[count]
        lines.append([*_stems(hanging[:count]), Piece(mark.start, mark.text, mark.sign)])
    return lines


def _stems(marks: Iterable[Mark]) -> list[Piece]:
    return [Piece(mark.start, "|", mark.sign) for mark in marks]
