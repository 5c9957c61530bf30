"""Rules about prompts: their templates stand in quotes, and turns begin with a role."""

from __future__ import annotations

from graphdsl.diagnostics import Diagnostic, Help
from graphdsl.syntax import codes
from graphdsl.syntax.lexing import UNCLOSED_STRING, UNCLOSED_TEXT, UNKNOWN
from graphdsl.syntax.situation import Situation
from graphdsl.syntax.tables import END

ELSEWHERE = frozenset({"EQUAL", "COLON", "ARROW", "RPAR", UNKNOWN, UNCLOSED_STRING, UNCLOSED_TEXT})
"""Signs that say more about the mistake than that a template is missing."""


def template_without_quotes(s: Situation) -> Diagnostic | None:
    """`prompt ask(q: Text) {{ q }}`, `prompt ask(q: Text) Solve …`."""
    if not _behind_parameters(s) or s.found in ELSEWHERE | {END, "STRING", "TEXT"}:
        return None
    nested = s.found == "LBRACE" and s.previous == "LBRACE"
    if not nested and ("STRING" not in s.accepts or s.found == "RBRACE"):
        return None
    advice = Help('write `prompt ask(question: Text) "{{ question }}"`, or `"""` for several lines')
    return s.report(codes.UNEXPECTED, "the template of a prompt stands in quotes", advice)


def missing_role(s: Situation) -> Diagnostic | None:
    """`prompt p() { }`, `prompt p() { "…" }`."""
    if not _behind_parameters(s) or s.previous not in {"LBRACE", "STRING", "TEXT"}:
        return None
    if s.previous == "LBRACE" and s.found == "RBRACE":
        advice = Help('write `user "…"`, and before it perhaps `system "…"`')
        return s.report(codes.UNEXPECTED, "a prompt without a turn", advice)
    if s.found not in {"STRING", "TEXT"} or "NAME" not in s.accepts:
        return None
    advice = s.insert(" user ", "say whose turn it is: `user`, `system`, `assistant`")
    return s.report(codes.UNEXPECTED, "a turn without a role", advice)


def _behind_parameters(s: Situation) -> bool:
    brackets = [s.kind(at) for at in s.openers]
    closed = any(s.kind(at) == "RPAR" for at in range(s.first, s.at))
    return s.kind(s.first) == "PROMPT" and closed and "LPAR" not in brackets


PROMPT_RULES = (template_without_quotes, missing_role)
