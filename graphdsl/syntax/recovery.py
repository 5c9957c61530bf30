"""Parse a broken file piece by piece, so that one error does not hide the next."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from graphdsl.diagnostics import Span
from graphdsl.syntax import tree
from graphdsl.syntax.automaton import Stuck, bind_steps, run_steps
from graphdsl.syntax.build import Builder
from graphdsl.syntax.edition import begins_edition, misplaced_edition, missing_edition
from graphdsl.syntax.lexing import Tokens
from graphdsl.syntax.pieces import cut
from graphdsl.syntax.prebuilt import load_tables
from graphdsl.syntax.repair import explain
from graphdsl.syntax.situation import Situation


class Recovery:
    """One attempt at a file that does not parse; `problems` collects the reports."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._tables = load_tables()
        self._builder = Builder(tokens)
        self._steps = bind_steps(self._tables, tokens, self._builder)
        self.problems = self._builder.problems

    def parse(self, most: int) -> tree.File:
        """The items that are right; it stops after `most` reports."""
        name = self.tokens.source.name
        edition, first = self._edition()
        items: list[tree.Item] = []
        for begin, end in pairwise(cut(self.tokens, first)):
            if len(self.problems) >= most:
                self._stop(most)
                break
            if begin == end:  # nothing stands behind the edition
                continue
            if not begins_edition(self.tokens, begin):
                items += self._piece(begin, end)
            elif edition is not None:  # else reported as the edition that the file misses
                self.problems.append(misplaced_edition(self.tokens, begin))
        return tree.File(Span(name, 0, len(self.tokens.source.text)), edition, tuple(items))

    def _edition(self) -> tuple[tree.Edition | None, int]:
        """The edition, if the file begins with it, and the token behind it."""
        if self.tokens.kinds[:2] == ["EDITION", "STRING"]:
            word, value = self.tokens.span(0), self.tokens.span(1)
            return self._builder.edition(replace(word, end=value.end), 1), 2
        first, missing = missing_edition(self.tokens)
        self.problems.append(missing)
        return None, first

    def _piece(self, first: int, last: int) -> tuple[tree.Item, ...]:
        """The items of a piece, none when it is wrong; then it has one report."""
        known = len(self.problems)
        found = run_steps(self._tables, self._steps, "items", self.tokens, first, last)
        if not isinstance(found, Stuck):
            return found
        del self.problems[known:]
        situation = Situation(self._tables, self.tokens, "items", first, last, found.at)
        self.problems.append(explain(situation))
        return ()

    def _stop(self, most: int) -> None:
        last = self.problems[-1]
        note = f"the rest of the file was not read; the limit is `reports`, {most}"
        self.problems[-1] = replace(last, notes=(*last.notes, note))
