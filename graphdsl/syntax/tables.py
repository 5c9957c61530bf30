"""The parse tables: what lark computes from `grammar.lark`, as plain data.

Parsing needs nothing else: with the tables that ship, lark is never imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypedDict

END = "$END"  # the terminal after the last token, as lark calls it


class Rule(NamedTuple):
    """One compiled production and what to do with the values of its symbols.

    `build` names the method of the tree builder that is called; it is "" when the one value
    passes through, and "+" for lark's own helper rules, whose values become a list. `picks` are
    the positions handed over: None stands for an absent optional part, and the helper list at
    position `splice` is spread out.
    """

    origin: str
    size: int
    build: str
    picks: tuple[int | None, ...]
    splice: int | None


class Terminal(NamedTuple):
    """A kind of token: `text` is a regular expression, or the token itself when `literal`."""

    name: str
    text: str
    literal: bool


class Packed(TypedDict):
    """`Tables` as JSON values."""

    terminals: list[Terminal]
    rules: list[Rule]
    actions: list[dict[str, int]]
    starts: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Tables:
    """An LALR(1) automaton.

    `actions[state][symbol]` is the next state (0 and up), or the complement `~rule` of the rule
    to reduce by. `starts[name]` is the first and the accepting state of a start rule. Terminals
    come in the order in which they are tried.
    """

    terminals: tuple[Terminal, ...]
    rules: tuple[Rule, ...]
    actions: tuple[dict[str, int], ...]
    starts: dict[str, tuple[int, int]]

    def feed(self, states: list[int], kind: str) -> list[int] | None:
        """The state stack after a token of this kind, or None where it is not allowed."""
        stack = list(states)
        while (code := self.actions[stack[-1]].get(kind)) is not None:
            if code >= 0:
                return [*stack, code]
            rule = self.rules[~code]
            del stack[-rule.size :]
            stack.append(self.actions[stack[-1]][rule.origin])
        finished = kind == END and any(stack[-1] == end for _, end in self.starts.values())
        return stack if finished else None

    def literals(self) -> dict[str, str]:
        """The text of each terminal that has just one, by its name."""
        return {t.name: t.text for t in self.terminals if t.literal}


def pack(tables: Tables) -> Packed:
    """The tables as values that JSON can hold."""
    return {
        "terminals": list(tables.terminals),
        "rules": list(tables.rules),
        "actions": list(tables.actions),
        "starts": tables.starts,
    }


def unpack(packed: Packed) -> Tables:
    """The inverse of `pack`, also after JSON has made lists of the tuples."""
    return Tables(
        terminals=tuple(Terminal(*terminal) for terminal in packed["terminals"]),
        rules=tuple(
            Rule(origin, size, build, tuple(picks), splice)
            for origin, size, build, picks, splice in packed["rules"]
        ),
        actions=tuple(packed["actions"]),
        starts={name: (first, last) for name, (first, last) in packed["starts"].items()},
    )
