"""Comments: finding them, and giving each one a node that carries it.

A comment trails the child before it on its line, else leads the child around or after it,
else dangles on the bracket pair. The file itself is the last bracket pair, so that no comment
is without a carrier (the design of Nextflow's formatter, with the search done by bisection).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from graphdsl.syntax.concrete import Node

# In a text that parses, a quote outside these literals cannot occur, so this finds exactly
# what the lexer ignores, without a callback that shares state between threads.
LEXEMES = re.compile(r'"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|(?P<comment>#[^\n]*)|(?P<comma>,)')

COMMA_BOXES = frozenset({"list", "record", "record_type", "params", "call", "choice"})
BOXES = COMMA_BOXES | {"start", "block", "body", "yielding", "prompt"}


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` starts with `#` and has no white space at its end."""

    start: int
    text: str


def scan(text: str) -> tuple[list[Comment], list[int]]:
    """All comments of a text that parses, and the offsets of its commas.

    >>> scan('f(a, "# not one") # one ')
    ([Comment(start=18, text='# one')], [3])
    """
    comments: list[Comment] = []
    commas: list[int] = []
    for found in LEXEMES.finditer(text):
        if found.lastgroup == "comment":
            comments.append(Comment(found.start(), found.group().rstrip()))
        elif found.lastgroup == "comma":
            commas.append(found.start())
    return comments, commas


def children_of_box(box: Node) -> tuple[Node, ...]:
    """The children of a bracket pair that stand on a line of their own when it is broken."""
    match box.kind:
        case "call" | "choice":
            return tuple(child for child in box.children[1:] if child.present)
        case "record_type":
            return tuple(child for child in box.children if child.kind == "field_type")
        case "prompt":
            return box.children[2:]
        case _:
            return tuple(child for child in box.children if child.present)


@dataclass(slots=True)
class Attached:
    """Comments by `id` of the node that carries them."""

    leading: dict[int, list[Comment]] = field(default_factory=dict[int, list[Comment]])
    trailing: dict[int, Comment] = field(default_factory=dict[int, Comment])
    dangling: dict[int, list[Comment]] = field(default_factory=dict[int, list[Comment]])


def attach(root: Node, text: str, comments: Iterable[Comment]) -> Attached:
    """Give every comment to exactly one node below `root` (a whole file), or to `root`."""
    attached = Attached()
    index = _Index()
    for comment in comments:
        box = index.box(root, comment.start)
        before, around, after = index.neighbours(box, comment.start)
        if around:
            attached.leading.setdefault(id(around), []).append(comment)
        elif before and text.find("\n", before.end, comment.start) < 0:
            attached.trailing[id(before)] = comment
        elif after:
            attached.leading.setdefault(id(after), []).append(comment)
        else:
            attached.dangling.setdefault(id(box), []).append(comment)
    return attached


class _Index:
    """Children by position, sorted once per node."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool], tuple[list[int], tuple[Node, ...]]] = {}

    def box(self, root: Node, at: int) -> Node:
        """The innermost box around an offset."""
        box, current = root, self._inner(root, at)
        while current:
            box = current if current.kind in BOXES else box
            current = self._inner(current, at)
        return box

    def neighbours(self, box: Node, at: int) -> tuple[Node | None, Node | None, Node | None]:
        """The children of `box` that end before, hold, and start after an offset."""
        starts, nodes = self._children(box, boxed=True)
        place = bisect_right(starts, at)
        last = nodes[place - 1] if place else None
        after = nodes[place] if place < len(nodes) else None
        holds = last is not None and at < last.end
        return (None if holds else last), (last if holds else None), after

    def _inner(self, node: Node, at: int) -> Node | None:
        """The part of `node` that holds an offset.

        What stands between the blocks of one form belongs to a block: before `else` to the
        following one, before `until` to the loop's body. There it stays near what it is about.
        """
        if node.kind == "if_":
            _, then, otherwise = node.children
            if at < node.start:
                return then
            if at >= then.end:
                return otherwise
        if node.kind == "repeat_until" and node.children[2].end <= at < node.children[3].start:
            return node.children[2]
        starts, nodes = self._children(node, boxed=False)
        place = bisect_right(starts, at)
        inner = nodes[place - 1] if place else None
        return inner if inner and at < inner.end else None

    def _children(self, node: Node, boxed: bool) -> tuple[list[int], tuple[Node, ...]]:
        key = id(node), boxed
        if key not in self._known:
            nodes = children_of_box(node) if boxed else _present(node)
            self._known[key] = [child.start for child in nodes], nodes
        return self._known[key]


def _present(node: Node) -> tuple[Node, ...]:
    return tuple(child for child in node.children if child.present)
