"""Rules about words: misspelt, reserved, or at the wrong level of the file."""

from __future__ import annotations

from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit, did_you_mean
from graphdsl.syntax import codes
from graphdsl.syntax.pieces import ITEM_WORDS
from graphdsl.syntax.situation import Situation
from graphdsl.syntax.tables import END

STATEMENTS = frozenset({"TUNE", "OPTIONAL", "REPEAT", "FOLD", "WITHIN", "NEXT", "RETURN"})
FORMS = frozenset({"CHOICE", "EACH", "IF"})
NOT_A_VALUE = frozenset({"OPTIONAL", "TUNE", "NEXT", "LBRACE", END})
AFTER_A_NAME = frozenset({"EQUAL", "DOT", "LPAR", "COMMA", "RPAR", "RSQB"})
ITEMS = ", ".join(f"`{word}`" for word in ITEM_WORDS)


def between_items(s: Situation) -> bool:
    """True where an item may begin."""
    return "IMPORT" in s.accepts


def outside_flow(s: Situation) -> Diagnostic | None:
    """A statement where only items may stand."""
    if s.found == "YIELD" and s.fits("RETURN"):
        advice = s.replace("return", "a flow ends with `return`")
        return s.report(codes.OUTSIDE_FLOW, "`yield` outside of `each`, `if` and `choice`", advice)
    if not between_items(s):
        return None
    binding = s.found == "NAME" and s.kind(s.at + 1) == "EQUAL"
    if not binding and s.found not in STATEMENTS | FORMS | {"YIELD"}:
        return None
    what = "a binding" if binding else f"`{s.text}`"
    advice = Help("move it into the body of a flow; check the `}` before it")
    return s.report(codes.OUTSIDE_FLOW, f"{what} stands outside of a flow", advice)


def unbound_value(s: Situation) -> Diagnostic | None:
    """A call, or a form that gives a value, where a statement must begin."""
    at = s.at
    if s.found == "LPAR" and s.previous == "NAME" and s.fits("EQUAL"):
        at -= 1
    elif s.found not in FORMS or not s.fits("NAME", "EQUAL"):
        return None
    start = s.tokens.starts[at]
    edit = TextEdit(Span(s.place.source, start, start), "x = ")
    word = s.tokens.text(at)
    advice = Help(f"bind it: `x = {word} …`", edit, Applicability.HAS_PLACEHOLDERS)
    message = f"the value of `{word}` goes nowhere"
    return s.report(codes.UNBOUND_VALUE, message, advice, span=s.tokens.span(at))


def stray_name(s: Situation) -> Diagnostic | None:
    """`a = b c`: the last name was taken for the beginning of a binding."""
    at = s.at - 1
    if s.previous != "NAME" or s.accepts != frozenset({"EQUAL"}) or s.begins_line(at):
        return None
    if s.kind(at - 1) in NOT_A_VALUE:
        return None
    advice = s.replace("", f"remove `{s.tokens.text(at)}`", at)
    message = f"unexpected `{s.tokens.text(at)}`"
    return s.report(codes.UNEXPECTED, message, advice, span=s.tokens.span(at))


def misspelt_keyword(s: Situation) -> Diagnostic | None:
    """A name that is nearly a word which fits, here or one token earlier."""
    literals = s.tables.literals()
    for at in (s.at, s.at - 1):
        if s.kind(at) != "NAME":
            continue
        before = at < s.at
        rest = [s.found] if before else []
        words = [
            word
            for kind, word in literals.items()
            if word.isidentifier() and s.fits(kind, *rest, before=before)
        ]
        near = did_you_mean(s.tokens.text(at), words)
        if near:
            help_ = s.replace(near[0], f"did you mean `{near[0]}`?", at)
            message = f"unknown keyword `{s.tokens.text(at)}`"
            return s.report(codes.UNKNOWN_ITEM, message, help_, span=s.tokens.span(at))
    return None


def unknown_item(s: Situation) -> Diagnostic | None:
    """A name where an item must begin."""
    if not between_items(s) or s.found != "NAME":
        return None
    advice = Help(f"an item begins with one of {ITEMS}")
    return s.report(codes.UNKNOWN_ITEM, f"unknown keyword {s.shown}", advice)


def reserved_word(s: Situation) -> Diagnostic | None:
    """A word of the language used as a name."""
    words = {k for k, text in s.tables.literals().items() if text.isidentifier()}
    before = s.found in AFTER_A_NAME  # the word was read as a keyword, and then this came
    at = s.at - 1 if before else s.at
    if s.kind(at) not in words or not s.fits("NAME", s.kind(at + 1), before=before):
        return None
    if not before and s.kind(at) in STATEMENTS and s.begins_line(at):
        return None
    word = s.tokens.text(at)
    advice = s.replace(f"{word}_", f"choose another name, such as `{word}_`", at)
    message = f"`{word}` is a reserved word and cannot be a name"
    return s.report(codes.RESERVED_WORD, message, advice, span=s.tokens.span(at))


WORD_RULES = (
    outside_flow,
    misspelt_keyword,
    unknown_item,
    reserved_word,
    unbound_value,
)
