"""All that a rule may want to know about the token at which parsing stopped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from graphdsl.diagnostics import (
    Applicability,
    Diagnostic,
    Help,
    Label,
    Severity,
    Span,
    TextEdit,
)
from graphdsl.syntax.lexing import CLOSERS, OPENERS, Tokens
from graphdsl.syntax.tables import END, Tables

LONGEST_SHOWN = 30


@dataclass(frozen=True)
class Situation:
    """The tokens `first` up to `last` were read as `start`, and the one at `at` does not fit."""

    tables: Tables
    tokens: Tokens
    start: str
    first: int
    last: int
    at: int

    # ---- what stands where

    def kind(self, at: int) -> str:
        """The kind of a token; `END` outside of what was read."""
        return self.tokens.kinds[at] if self.first <= at < self.last else END

    @property
    def found(self) -> str:
        """The kind of the token that does not fit."""
        return self.kind(self.at)

    @property
    def previous(self) -> str:
        """The kind of the token before it."""
        return self.kind(self.at - 1)

    @property
    def text(self) -> str:
        """Its characters; empty at the end."""
        return self.tokens.text(self.at) if self.found != END else ""

    @property
    def place(self) -> Span:
        """Where it stands; at the end, the empty place after the last token."""
        return self.tokens.span(self.at) if self.found != END else self.after_previous

    @property
    def after_previous(self) -> Span:
        """The empty place behind the token before it."""
        end = self.tokens.ends[self.at - 1] if self.at else 0
        return Span(self.tokens.source.name, end, end)

    @property
    def shown(self) -> str:
        """How a message names the token."""
        if self.found == END:
            whole_file = self.last == len(self.tokens.kinds)
            return "the end of the file" if whole_file else "the end of this item"
        if self.found == "TEXT" or len(self.text) > LONGEST_SHOWN:
            return "this text"
        return f"`{self.text}`"

    @property
    def unexpected(self) -> str:
        """The message that says no more than which token does not fit."""
        if self.found == END:
            return f"{self.shown.removeprefix('the end of ')} ends too early"
        return f"unexpected {self.shown.removeprefix('this ')}"

    def begins_line(self, at: int) -> bool:
        """True when nothing but blanks stands before a token on its line."""
        start = self.tokens.starts[at]
        line = self.tokens.source.text.rfind("\n", 0, start) + 1
        return not self.tokens.source.text[line:start].strip()

    # ---- what could stand there

    @cached_property
    def states_before(self) -> list[int]:
        """The automaton's stack just before the token in front of the wrong one."""
        states = [self.tables.starts[self.start][0]]
        for kind in self.tokens.kinds[self.first : self.at - 1]:
            states = self.tables.feed(states, kind) or states
        return states

    @cached_property
    def states(self) -> list[int]:
        """The automaton's stack just before the token."""
        if self.at == self.first:
            return self.states_before
        return self.tables.feed(self.states_before, self.previous) or self.states_before

    @cached_property
    def accepts(self) -> frozenset[str]:
        """The kinds of token that could stand there."""
        kinds = [terminal.name for terminal in self.tables.terminals]
        return frozenset(k for k in [*kinds, END] if self.tables.feed(self.states, k) is not None)

    def fits(self, *kinds: str, before: bool = False) -> bool:
        """True when these tokens could stand there one after the other.

        With `before`, in place of the token in front of the wrong one and of what follows it.
        """
        states: list[int] | None = self.states_before if before else self.states
        for kind in kinds:
            states = self.tables.feed(states, kind) if states is not None else None
        return states is not None

    @cached_property
    def repairs(self) -> dict[str, str]:
        """Signs and words which, put before the token, make it fit: their text by their kind."""
        literals = self.tables.literals()
        return {
            kind: literals[kind]
            for kind in sorted(self.accepts & literals.keys())
            if self.fits(kind, self.found)
        }

    @cached_property
    def openers(self) -> list[int]:
        """The brackets still open there, the outermost first."""
        stack: list[int] = []
        for at in range(self.first, self.at):
            if self.tokens.kinds[at] in OPENERS:
                stack.append(at)
            elif self.tokens.kinds[at] in CLOSERS and stack:
                stack.pop()
        return stack

    @property
    def opener(self) -> str:
        """The kind of the innermost bracket still open, or `END`."""
        return self.kind(self.openers[-1]) if self.openers else END

    # ---- what to say

    def report(
        self,
        code: str,
        message: str,
        *helps: Help,
        span: Span | None = None,
        also: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Diagnostic:
        """An error at the token, or at `span`."""
        return Diagnostic(
            code, Severity.ERROR, message, Label(span or self.place), also, notes, helps
        )

    def replace(self, text: str, advice: str, at: int | None = None) -> Help:
        """Advice to write something else in place of the token."""
        return Help(advice, TextEdit(self.place if at is None else self.tokens.span(at), text))

    def insert(
        self, text: str, advice: str, applicability: Applicability = Applicability.MAYBE
    ) -> Help:
        """Advice to add a text right behind the token before."""
        return Help(advice, TextEdit(self.after_previous, text), applicability)
