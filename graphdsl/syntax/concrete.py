"""The text as the formatter sees it: a tree that keeps how things were written.

The compiler's tree (`graphdsl.syntax.tree`) forgets groups and the spelling of literals. The
formatter must not, so it reads the same tables into nodes with every word and every offset.
Everything here is iterative: nesting depth is the user's choice, Python's stack is not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from graphdsl.diagnostics import Source, Span
from graphdsl.syntax.automaton import run
from graphdsl.syntax.lexing import Tokens, lex
from graphdsl.syntax.prebuilt import load_tables


@dataclass(slots=True, eq=False)
class Node:
    """A rule or a token of the grammar: `text[start:end]`.

    `kind` is the rule's name, `"token"`, or `"absent"` for an optional part that is not there.
    `text` is set for tokens only. Nodes are compared by identity; see `shape`.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def present(self) -> bool:
        """False for an optional part that is not there."""
        return self.kind != "absent"


ABSENT = Node("absent", -1, -1)


def read(text: str, start: Literal["start", "items"] = "start") -> Node | None:
    """The tree of a file (or of its items only); None when `text` does not parse."""
    tokens = lex(Source("", text))
    found = run(load_tables(), start, tokens, 0, len(tokens.kinds), _Builder(tokens))
    return found if isinstance(found, Node) else None


def shape(node: Node) -> list[str]:
    """What the text says, without its layout: equal lists mean equal trees.

    >>> one, two = read('edition "1"'), read('edition   "1" # same')
    >>> one is not None and two is not None and shape(one) == shape(two)
    True
    """
    out: list[str] = []
    stack = [node]
    while stack:
        current = stack.pop()
        out += (current.kind, current.text, str(len(current.children)))
        stack += reversed(current.children)
    return out


class _Builder:
    """Answers for every rule of the grammar: one node with the rule's name."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __getattr__(self, rule: str) -> Callable[..., Node]:
        def build(span: Span, *parts: int | Node | None) -> Node:
            children = tuple(map(self._part, parts))
            if rule == "yielding":
                children = self._with_yield(children)
            return Node(rule, span.start, span.end, "", children)

        return build

    def _part(self, part: int | Node | None) -> Node:
        if part is None:
            return ABSENT
        if isinstance(part, Node):
            return part
        tokens = self._tokens
        return Node("token", tokens.starts[part], tokens.ends[part], tokens.text(part))

    def _with_yield(self, children: tuple[Node, ...]) -> tuple[Node, ...]:
        """The value and the word before it become one node, so that it is like a statement."""
        *statements, value = children
        starts = self._tokens.starts
        word = starts[bisect_left(starts, value.start) - 1]
        return (*statements, Node("yield", word, value.end, "", (value,)))
