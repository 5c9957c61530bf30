"""Parse a broken file piece by piece, so that one error does not hide the next."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.syntax import codes, tree
from graphdsl.syntax.automaton import Stuck, bind_steps, run_steps
from graphdsl.syntax.build import Builder
from graphdsl.syntax.edition import begins_edition, misplaced_edition, missing_edition
from graphdsl.syntax.lexing import CLOSERS, Tokens
from graphdsl.syntax.pieces import cut
from graphdsl.syntax.prebuilt import load_tables
from graphdsl.syntax.repair import explain
from graphdsl.syntax.situation import Situation
from graphdsl.syntax.statement_cuts import statement_cuts
from graphdsl.syntax.tables import END


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
                items += self._piece(begin, end, most)
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

    def _piece(self, first: int, last: int, most: int) -> tuple[tree.Item, ...]:
        """The items of a piece, none when it is wrong; then it has one report, a flow more."""
        known = len(self.problems)
        found = run_steps(self._tables, self._steps, "items", self.tokens, first, last)
        if not isinstance(found, Stuck):
            return found
        del self.problems[known:]
        situation = Situation(self._tables, self.tokens, "items", first, last, found.at)
        self.problems.append(explain(situation))
        if self.tokens.kinds[first] == "FLOW":
            self._statements(first, last, found.at, most)
        return ()

    def _statements(self, first: int, last: int, at: int, most: int) -> None:
        """Report what else is wrong in a flow behind the token `at`, one report a statement.

        Reading goes on at the next statement, to the end of its block. A statement may begin one
        token before `at`: in `a =` and `b = 1` on the next line, it is `=` that does not fit.
        """
        for place in statement_cuts(self.tokens, first, last):
            begin, end = place.begin, place.end
            misplaced = begin == at and self.problems[-1].code == codes.OUTSIDE_FLOW
            if begin < at - 1 or misplaced or len(self.problems) >= most:
                continue
            found = run_steps(self._tables, self._steps, "rest", self.tokens, begin, end)
            if not isinstance(found, Stuck):
                at = end + 1
                continue
            situation = Situation(self._tables, self.tokens, "rest", begin, end, found.at)
            if found.at > at and not _follows_from_another(situation):
                self._report_once(explain(situation))
            at = found.at

    def _report_once(self, problem: Diagnostic) -> None:
        """A reserved word that was taken for a name is wrong where it is bound; its uses are not.

        Messages of that code name the word, so the same message is the same mistake.
        """
        known = {each.message for each in self.problems if each.code == codes.RESERVED_WORD}
        if problem.message not in known:
            self.problems.append(problem)

    def _stop(self, most: int) -> None:
        last = self.problems[-1]
        note = f"the rest of the file was not read; the limit is `reports`, {most}"
        self.problems[-1] = replace(last, notes=(*last.notes, note))


def _follows_from_another(s: Situation) -> bool:
    """True where the token may belong to a statement that was reported already.

    That is the end of the flow, where a brace is missing, and at the beginning of a line a word
    or bracket that goes on with what stands before.
    """
    if s.found == END:
        return True
    own = s.at == s.last - 1
    stray = s.found in CLOSERS and not s.openers and not own
    return s.begins_line(s.at) and (stray or s.found in {"ELSE", "UNTIL", "KEEPING"})
