"""Rules about brackets that do not pair."""

from __future__ import annotations

from graphdsl.diagnostics import Diagnostic, Help, Label, TextEdit
from graphdsl.syntax import codes
from graphdsl.syntax.lexing import CLOSERS, OPENERS
from graphdsl.syntax.rules_words import STATEMENTS
from graphdsl.syntax.situation import Situation
from graphdsl.syntax.tables import END

SIGN = {"LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}"}


def stray_closer(s: Situation) -> Diagnostic | None:
    """A closing bracket that closes nothing, or another kind than is open."""
    wanted = CLOSERS.get(s.found)
    end_of_block = s.start == "rest" and s.at == s.last - 1  # its opener is not among the tokens
    if wanted is None or end_of_block or wanted == s.opener or wanted in map(s.kind, s.openers):
        return None
    if s.opener == END:
        edit = TextEdit(s.place, "")
        advice = Help(f"remove it, or look for a missing `{SIGN[wanted]}` before it", edit)
        return s.report(codes.STRAY_CLOSER, f"{s.shown} closes nothing", advice)
    opened = Label(s.tokens.span(s.openers[-1]), "opened here")
    closer = SIGN[OPENERS[s.opener]]
    message = f"{s.shown} does not close `{SIGN[s.opener]}`"
    return s.report(
        codes.STRAY_CLOSER, message, s.replace(closer, f"write `{closer}`"), also=(opened,)
    )


def unclosed_bracket(s: Situation) -> Diagnostic | None:
    """The end, a new statement or an outer bracket's end while a bracket is open."""
    if not s.openers or not (s.found == END or _closes_outer(s) or _begins_statement(s)):
        return None
    opener = _least_indented(s) if s.found == END else s.openers[-1]
    sign, closer = SIGN[s.kind(opener)], SIGN[OPENERS[s.kind(opener)]]
    opened = Label(s.tokens.span(opener), "opened here")
    where = f"add `{closer}` before {s.shown}"
    advice = s.insert(closer, where) if opener == s.openers[-1] else Help(f"add its `{closer}`")
    return s.report(codes.UNCLOSED_BRACKET, f"unclosed `{sign}`", advice, also=(opened,))


def _closes_outer(s: Situation) -> bool:
    return s.found in CLOSERS and s.opener != CLOSERS[s.found]


def _begins_statement(s: Situation) -> bool:
    """`b = …`, `return …` or the word behind a block, where a bracket wants its end."""
    if s.opener == "LBRACE":
        return s.found in {"UNTIL", "ELSE", "KEEPING"} and s.fits("RBRACE", s.found)
    binding = s.found == "NAME" and s.kind(s.at + 1) == "EQUAL" and not s.fits("NAME", "COLON")
    result = s.found == "YIELD" and s.begins_line(s.at) and s.kind(s.at + 1) != "COLON"
    return (binding or result or s.found in STATEMENTS) and s.fits(OPENERS[s.opener])


def _least_indented(s: Situation) -> int:
    """The opener that the indentation accuses: its partner stands further left than its line."""
    stack: list[int] = []
    for at in range(s.first, s.at):
        kind = s.kind(at)
        if kind in OPENERS:
            stack.append(at)
        elif kind in CLOSERS and stack:
            opener = stack.pop()
            if s.begins_line(at) and _indent(s, at) < _indent(s, opener):
                return opener
    return s.openers[-1]


def _indent(s: Situation, at: int) -> int:
    """Blanks before the first character of a token's line."""
    line, _ = s.tokens.source.position(s.tokens.starts[at])
    text = s.tokens.source.line(line)
    return len(text) - len(text.lstrip())


BRACKET_RULES = (stray_closer, unclosed_bracket)
