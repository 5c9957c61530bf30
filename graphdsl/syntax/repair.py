"""Turn the place where parsing stopped into a message that a user can act on.

The rules are tried in order, the most specific first; each answers or passes.
"""

from __future__ import annotations

from collections.abc import Callable

from graphdsl.diagnostics import Diagnostic, Help
from graphdsl.syntax import codes
from graphdsl.syntax.lexing import CLOSERS
from graphdsl.syntax.rules_brackets import BRACKET_RULES
from graphdsl.syntax.rules_forms import FORM_RULES
from graphdsl.syntax.rules_habits import HABIT_RULES
from graphdsl.syntax.rules_lexical import LEXICAL_RULES
from graphdsl.syntax.rules_loops import LOOP_RULES
from graphdsl.syntax.rules_prompts import PROMPT_RULES
from graphdsl.syntax.rules_words import WORD_RULES, stray_name
from graphdsl.syntax.situation import Situation
from graphdsl.syntax.tables import END

VALUE = frozenset({"STRING", "NUMBER", "LSQB"})
KEY = frozenset({"NAME", "AS", "YIELD"})
NICE_NAMES = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "TEXT": 'a `"""` text',
    "BOOL": "`true` or `false`",
    "COMPARE": "a comparison",
    END: "the end",
}
MOST_SHOWN = 4


def missing_comma(s: Situation) -> Diagnostic | None:
    """Two elements side by side."""
    if "COMMA" not in s.repairs:
        return None
    advice = s.insert(",", f"add a comma before {s.shown}")
    return s.report(codes.MISSING_COMMA, f"no comma before {s.shown}", advice)


def insert_one(s: Situation) -> Diagnostic | None:
    """One sign or word is missing."""
    if not s.repairs or s.accepts >= VALUE:
        return None
    shown = list(s.repairs.values())[:3]
    wanted = " or ".join(f"`{text}`" for text in shown)
    advice = f"add {wanted} before {s.shown}"
    only = s.insert(f" {shown[0]}", advice) if len(s.repairs) == 1 else Help(advice)
    return s.report(codes.UNEXPECTED, s.unexpected, only)


def remove_one(s: Situation) -> Diagnostic | None:
    """One sign or word is too many."""
    meant = s.text.isidentifier() and s.accepts >= VALUE  # the value before it is missing
    if meant or s.found == END or s.found in CLOSERS or not s.fits(s.kind(s.at + 1)):
        return None
    advice = s.replace("", f"remove {s.shown}")
    return s.report(codes.UNEXPECTED, s.unexpected, advice)


def unexpected(s: Situation) -> Diagnostic:
    """Nothing better is known than what could stand there."""
    return s.report(codes.UNEXPECTED, s.unexpected, Help(f"expected {expected(s)}"))


def expected(s: Situation) -> str:
    """What could stand there, in words; at most four alternatives."""
    if s.accepts >= VALUE:
        return "a value"
    if s.accepts >= KEY:
        return "a name"
    literals = s.tables.literals()
    names = [NICE_NAMES.get(kind) or f"`{literals.get(kind, kind)}`" for kind in sorted(s.accepts)]
    names.sort(key=lambda name: name.startswith("`"))
    return " or ".join(names[:MOST_SHOWN]) + (" …" if len(names) > MOST_SHOWN else "")


RULES: tuple[Callable[[Situation], Diagnostic | None], ...] = (
    *HABIT_RULES,
    *PROMPT_RULES,
    *LEXICAL_RULES,
    *LOOP_RULES,
    *WORD_RULES,
    *FORM_RULES,
    *BRACKET_RULES,
    stray_name,
    missing_comma,
    insert_one,
    remove_one,
)


def explain(situation: Situation) -> Diagnostic:
    """The report of the first rule that recognises the situation."""
    for rule in RULES:
        diagnostic = rule(situation)
        if diagnostic is not None:
            return diagnostic
    return unexpected(situation)
