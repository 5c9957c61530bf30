"""A source line as columns of a terminal: tabs, wide and invisible characters."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

TAB = 4
ELLIPSIS = "…"
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Cells:
    """One string per column of the terminal (empty: the second half of a wide character).

    `columns[i]` is the column of the line's character i; the last entry is the line's width.
    """

    cells: list[str]
    columns: list[int]

    def window(self, start: int, room: int) -> str:
        """At most `room` columns from column `start`, with an ellipsis at each cut."""
        shown = self.cells[start : start + room]
        if start and shown:
            shown[0] = ELLIPSIS
            if len(shown) > 1 and not shown[1]:
                shown[1] = " "
        if start + room < len(self.cells):
            half = len(shown) > 1 and not shown[-1]
            shown[-2 if half else -1] = ELLIPSIS
        return "".join(shown)


def cells_of(line: str) -> Cells:
    """Lay out one line, without its end.

    >>> cells_of("a\\tb").columns
    [0, 1, 4, 5]
    """
    cells: list[str] = []
    columns: list[int] = []
    for character in line:
        columns.append(len(cells))
        if character == "\t":
            cells += " " * (TAB - len(cells) % TAB)
        elif character == BYTE_ORDER_MARK and not cells:
            continue  # an editor does not show it either
        elif unicodedata.category(character) in {"Mn", "Me"} and cells:
            cells[-1] += character  # drawn over the character before it
        elif unicodedata.east_asian_width(character) in "WF":
            cells += (character, "")
        else:
            cells += visible(character)
    return Cells(cells, [*columns, len(cells)])


def visible(text: str) -> str:
    r"""`text` with control and formatting characters shown by name, line breaks included.

    Escape sequences in a source must not steer the terminal, nor may characters that change
    the writing direction hide what a line says.

    >>> visible("a\x1b[31m\u202e")
    'a␛[31m<U+202E>'
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if character < " ":
        return chr(0x2400 + ord(character))
    return f"<U+{ord(character):04X}>"
