"""The guard of the formatter: printed items are read again and compared with the source's.

gdtoolkit, a formatter on lark, checks whole files so; here one doubtful item does not keep the
rest of its file from being formatted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.syntax.comments import Comment, scan
from graphdsl.syntax.concrete import Node, read, shape


@dataclass(frozen=True, slots=True)
class Meaning:
    """What printing must keep of an item: its tree, and its comments in any order."""

    tree: list[str]
    comments: list[str]


def meaning(item: Node, comments: Sequence[Comment]) -> Meaning:
    """The meaning of an item whose own comments are `comments`."""
    return Meaning(shape(item), sorted(comment.text for comment in comments))


def comments_in(node: Node, comments: Sequence[Comment]) -> Sequence[Comment]:
    """Those of all comments of a text, in order, that stand within a node."""
    begin, end = (bisect_left(comments, at, key=_start) for at in (node.start, node.end))
    return comments[begin:end]


def are_kept(wanted: Sequence[Meaning], printed: Sequence[str]) -> list[bool]:
    """For each printed item whether it means what it should.

    All are read at once. Only when that fails are the halves looked at, down to the culprit.
    """
    if not printed:
        return []
    found = _meanings("\n".join(printed), wanted[0].tree[0] == "edition")
    if len(found) == len(wanted):
        return [one == other for one, other in zip(found, wanted, strict=True)]
    if len(printed) == 1:
        return [False]
    half = len(printed) // 2
    return are_kept(wanted[:half], printed[:half]) + are_kept(wanted[half:], printed[half:])


def _meanings(text: str, with_edition: bool) -> list[Meaning]:
    root = read(text, "start" if with_edition else "items")
    if root is None:
        return []
    comments = scan(text)[0]
    return [meaning(item, comments_in(item, comments)) for item in root.children]


def _start(comment: Comment) -> int:
    return comment.start
