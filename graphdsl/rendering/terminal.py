"""Diagnostics as text: source lines with carets under what is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from graphdsl.diagnostics import Diagnostic, Label, Severity, Source
from graphdsl.hidden import hidden, hidden_lines
from graphdsl.rendering.cells import Cells, cells_of, visible
from graphdsl.rendering.marks import PRIMARY, SECONDARY, Mark, Piece, drawing, marks_of, rows_of

WIDTH = 100
LEAST_ROOM = 20
BOLD, RED, YELLOW, BLUE, CYAN = "1", "1;31", "1;33", "1;34", "1;36"
COLOURS = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: CYAN}


def render(
    diagnostic: Diagnostic,
    sources: Mapping[str, Source],
    color: bool = False,
    width: int = WIDTH,
) -> str:
    """One diagnostic as lines of text, without a line break at the end.

    `width` is that of the terminal in columns: longer source lines are cut around their label.
    `color` adds ANSI sequences; without it the text has no control character but line breaks.
    Asterisks stand for what may be a key or a password.
    """
    return "\n".join(_Terminal(diagnostic, sources, color, width).lines())


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """How many of each severity, worst first; empty when there is none.

    >>> summary([])
    ''
    """
    found = [diagnostic.severity for diagnostic in diagnostics]
    counts = [(found.count(s), "note" if s is Severity.INFO else s.value) for s in Severity]
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)


class _Terminal:
    """One diagnostic being drawn."""

    def __init__(
        self, diagnostic: Diagnostic, sources: Mapping[str, Source], color: bool, width: int
    ) -> None:
        self._diagnostic = diagnostic
        self._color = color
        self._sources = sources
        self._marks = self._all_marks()
        numbers = [mark.line for marks in self._marks.values() for mark in marks]
        self._pad = " " * len(str(max(numbers, default=1)))
        self._room = max(LEAST_ROOM, width - len(self._pad) - 3)

    def lines(self) -> Iterator[str]:
        """Headline, one snippet per source, notes and helps."""
        yield self._headline()
        primary = self._diagnostic.primary.span.source
        if primary not in self._marks:
            yield self._pad + self._paint("-->", BLUE) + f" {visible(primary)}"
        for name, marks in self._marks.items():
            yield from self._snippet(name, marks, "-->" if name == primary else ":::")
        for note in self._diagnostic.notes:
            yield from self._remark("note", note)
        for item in self._diagnostic.helps:
            yield from self._remark("help", item.text)

    def _all_marks(self) -> dict[str, list[Mark]]:
        """Marks by source; the primary label's source comes first."""
        found: dict[str, list[Mark]] = {}
        labels = [(self._diagnostic.primary, PRIMARY)]
        labels += [(label, SECONDARY) for label in self._diagnostic.secondary]
        for label, sign in labels:
            source = self._sources.get(label.span.source)
            if source:
                shown = Label(label.span, visible(hidden(label.text)))
                found.setdefault(label.span.source, []).extend(marks_of(shown, source, sign))
        return found

    def _headline(self) -> str:
        severity, code = self._diagnostic.severity, self._diagnostic.code
        title = f"{severity.value}[{code}]" if code else severity.value
        message = "\n".join(map(visible, hidden(self._diagnostic.message).split("\n")))
        return self._paint(title, COLOURS[severity]) + self._paint(f": {message}", BOLD)

    def _snippet(self, name: str, marks: list[Mark], arrow: str) -> Iterator[str]:
        source = self._sources[name]
        place = f"{visible(name)}:{marks[0].line}:{marks[0].start + 1}"
        yield f"{self._pad}{self._paint(arrow, BLUE)} {place}"
        yield self._gutter()
        previous = 0
        for number, group in groupby(sorted(marks, key=lambda m: m.line), lambda m: m.line):
            if previous and number > previous + 1:
                yield self._paint("...", BLUE)
            yield from self._annotated(number, _line(source, number), list(group))
            previous = number

    def _annotated(self, number: int, line: str, marks: Sequence[Mark]) -> Iterator[str]:
        cells = cells_of(line)
        placed = [_placed(mark, cells) for mark in marks]
        start = self._window_start(cells, placed)
        yield self._gutter(str(number), cells.window(start, self._room))
        inside = [_shifted(mark, start, self._room) for mark in placed]
        for row in rows_of(inside):
            for pieces in drawing(row):
                yield self._gutter("", self._drawn(pieces))

    def _window_start(self, cells: Cells, marks: Sequence[Mark]) -> int:
        """The first column to show, so that the primary (or first) label can be seen."""
        excess = len(cells.cells) - self._room
        target = min(marks, key=lambda m: (m.sign != PRIMARY, m.start))
        if excess <= 0 or target.end < self._room:
            return 0
        return max(0, min(target.start - self._room // 3, excess))

    def _gutter(self, number: str = "", text: str = "") -> str:
        bar = self._paint(f"{number:>{len(self._pad)}} |", BLUE)
        return f"{bar} {text}".rstrip()

    def _drawn(self, pieces: Iterable[Piece]) -> str:
        line, at = "", 0
        for piece in pieces:
            colour = COLOURS[self._diagnostic.severity] if piece.sign == PRIMARY else BLUE
            line += " " * (piece.column - at) + self._paint(piece.text, colour)
            at = piece.column + len(piece.text)
        return line

    def _remark(self, word: str, text: str) -> Iterator[str]:
        first, *others = map(visible, hidden(text).split("\n"))
        yield f"{self._pad} {self._paint('=', BLUE)} {self._paint(word, BOLD)}: {first}"
        for other in others:
            yield f"{self._pad}   {' ' * len(word)}  {other}".rstrip()

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._color else text


def _line(source: Source, number: int) -> str:
    """A line of a source as it may be shown."""
    start = source.line_starts[number - 1]
    return hidden_lines(source.text)[start : start + len(source.line(number))]


def _placed(mark: Mark, cells: Cells) -> Mark:
    """The mark in columns of the terminal; past the line's end stands one column for its end."""
    last = len(cells.columns) - 1
    start = cells.columns[min(mark.start, last)]
    end = cells.columns[min(mark.end, last)]
    return replace(mark, start=start, end=max(start + 1, end))


def _shifted(mark: Mark, by: int, room: int) -> Mark:
    """The mark relative to the window; one outside of it is drawn at the window's edge."""
    start = min(max(0, mark.start - by), room - 1)
    return replace(mark, start=start, end=max(start + 1, min(mark.end - by, room)))
