"""Bracket pairs and their comments as documents.

A box is broken when it does not fit, when a comment hangs in it, or when it was written
broken: with a comma after its last element, or, for blocks, with a line break inside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from graphdsl.syntax.comments import Attached, Comment, children_of_box
from graphdsl.syntax.concrete import Node
from graphdsl.syntax.document import Doc, Group, IfBroken, Indent, Line, LineEnd, group

NOTHING: tuple[Comment, ...] = ()


@dataclass(slots=True)
class Row:
    """A child of a box (or None, for what dangles at its end) with its comments.

    `above` holds the comments on lines before it. `blank` says that an empty line goes
    before the child itself; each comment above has the same of its own.
    """

    child: Node | None
    above: list[tuple[bool, Comment]] = field(default_factory=list[tuple[bool, Comment]])
    blank: bool = False
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What printing needs beside the tree: the text, its commas, its attached comments."""

    text: str
    commas: list[int]
    attached: Attached
    document: Callable[[Page, Node], Doc]

    def rows(self, box: Node) -> list[Row]:
        """The children of a box in order, with all comments that hang in it."""
        rows = [self._row(child) for child in children_of_box(box)]
        dangling = self.attached.dangling.get(id(box), NOTHING)
        if dangling:
            rows.append(Row(None, [(self.blank_before(c.start), c) for c in dangling]))
        return rows

    def _row(self, child: Node) -> Row:
        comments = self.attached.leading.get(id(child), NOTHING)
        outside = [c for c in comments if c.start < child.start]
        above = [(self.blank_before(c.start), c) for c in outside]
        blank = self.blank_before(child.start)
        for moved in comments[len(outside) :]:  # was inside the child: now right above it
            above.append((blank, moved))
            blank = False
        beside = self.attached.trailing.get(id(child))
        return Row(child, above, blank, f"  {beside.text}" if beside else "")

    def blank_before(self, at: int) -> bool:
        """True if an empty line precedes what starts at this offset."""
        newlines = 0
        while at and self.text[at - 1] in " \t\r\n":
            at -= 1
            newlines += self.text[at] == "\n"
        return newlines > 1

    def commas_box(self, box: Node, opening: str, closing: str, padding: str = "") -> Group:
        """Children with commas between them; one after the last when broken."""
        rows = self.rows(box)
        if not rows:
            return group(opening, closing)
        inner: list[Doc] = []
        last = max((i for i, row in enumerate(rows) if row.child), default=-1)
        for i, row in enumerate(rows):
            inner += self._row_parts(row, first=not i, flat=" " if i else padding)
            if row.child:
                inner.append("," if i < last else IfBroken(","))
            inner += _beside(row)
        forced = self._ends_with_comma(box)
        return group(opening, Indent(tuple(inner)), Line(padding), closing, forced=forced)

    def block(self, box: Node) -> tuple[Doc, ...]:
        """`{ a  b }`, in the group of whoever asks, so that several may break together."""
        rows = self.rows(box)
        if not rows:
            return ("{}",)
        inner: list[Doc] = []
        for i, row in enumerate(rows):
            inner += self._row_parts(row, first=not i, flat="  " if i else " ")
            inner += _beside(row)
        return "{", Indent(tuple(inner)), Line(), "}"

    def written_on_one_line(self, node: Node) -> bool:
        """False keeps a block broken, as its author wrote it."""
        return "\n" not in self.text[node.start : node.end]

    def _ends_with_comma(self, box: Node) -> bool:
        children = children_of_box(box)
        place = bisect_left(self.commas, box.end) - 1
        return bool(children) and place >= 0 and self.commas[place] >= children[-1].end

    def _row_parts(self, row: Row, first: bool, flat: str) -> Iterator[Doc]:
        for blank, comment in row.above:
            yield Line(flat, hard=True, blank=blank and not first)
            yield comment.text
            first = False
        if row.child:
            yield Line(flat, hard=bool(row.above), blank=row.blank and not first)
            yield self.document(self, row.child)


def _beside(row: Row) -> Iterator[Doc]:
    if row.beside:
        yield LineEnd(row.beside)
