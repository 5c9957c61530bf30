"""Rules about what people write before they know the language, each with what to write here."""

from __future__ import annotations

import re

from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit
from graphdsl.syntax import codes
from graphdsl.syntax.lexing import UNKNOWN
from graphdsl.syntax.situation import Situation

PLACEHOLDERS = Applicability.HAS_PLACEHOLDERS
RUN = re.compile(r"[\w./:@+-]+")
DASHED_NAME = re.compile(r"[A-Za-z_]\w*(-\w+)+")
STRING_PREFIX = re.compile(r"[bfru]{1,2}", re.IGNORECASE)


def one_equals_sign(s: Situation) -> Diagnostic | None:
    """`if a = 1`."""
    sign = s.tokens.source.text[s.place.start : s.place.start + 2]
    if s.found != "EQUAL" or "COMPARE" not in s.accepts or sign in ("=>", "=<"):
        return None
    if "COLON" in s.accepts:  # `f(a = 1)`
        return None
    advice = s.replace("==", "to compare, write `==`")
    return s.report(codes.UNEXPECTED, "`=` cannot compare", advice)


def thick_arrow(s: Situation) -> Diagnostic | None:
    """`flow f(q: Text) => Answer`."""
    start = s.place.start
    if "ARROW" not in s.accepts or s.tokens.source.text[start : start + 2] != "=>":
        return None
    place = Span(s.place.source, start, start + 2)
    advice = Help("write `->`", TextEdit(place, "->"))
    return s.report(codes.FOREIGN, "`=>` has no meaning here", advice, span=place)


def missing_parameters(s: Situation) -> Diagnostic | None:
    """`flow main -> Answer`, `prompt p "…"`."""
    item = s.kind(s.at - 2)
    if item not in {"FLOW", "PROMPT"} or s.accepts != frozenset({"LPAR"}):
        return None
    if s.found not in {"ARROW", "LBRACE", "STRING", "TEXT"}:
        return None
    name = s.tokens.text(s.at - 1)
    head = f"{item.lower()} {name}()"
    if item == "FLOW":
        result = "Text" if s.found == "LBRACE" else s.tokens.text(s.at + 1)
        head = f"{head} -> {result}"
    advice = s.insert("()", f"also without parameters it has parentheses: `{head}`")
    message = f"`{name}` has no parameters in parentheses"
    return s.report(codes.UNEXPECTED, message, advice, span=s.tokens.span(s.at - 1))


def missing_type_behind_arrow(s: Situation) -> Diagnostic | None:
    """`flow f(q: Text) -> {` and a body: the brace was taken for a record type."""
    if s.kind(s.first) != "FLOW":
        return None
    braces = (at for at in s.openers if s.kind(at) == "LBRACE" and s.kind(at - 1) == "ARROW")
    brace = next(braces, None)
    if brace is None or s.kind(brace + 2) == "COLON":
        return None
    end = s.tokens.ends[brace - 1]
    edit = TextEdit(Span(s.place.source, end, end), " Text")
    advice = Help("say what the flow returns: `-> Text {`, `-> Answer {`", edit, PLACEHOLDERS)
    message = "the type of the result is missing behind `->`"
    return s.report(codes.MISSING_TYPE, message, advice, span=s.tokens.span(brace - 1))


def text_without_quotes(s: Situation) -> Diagnostic | None:
    """`name = smollm2-135m`, `store = ./lessons.db`."""
    place, text = _run(s)
    before = s.tokens.source.text[: place.start].rstrip()
    if s.kind(s.first) not in {"MODEL", "MEMORY"} or not before.endswith("="):
        return None
    if not re.match(r"[A-Za-z./]", text) or re.match(r"\.\d", text):
        return None
    advice = Help("put it in quotes", TextEdit(place, f'"{text}"'))
    return s.report(codes.UNEXPECTED, f"`{text}` is a text without quotes", advice, span=place)


def dashed_name(s: Situation) -> Diagnostic | None:
    """`flow my-main`."""
    place, text = _run(s)
    if not DASHED_NAME.fullmatch(text):
        return None
    mended = text.replace("-", "_")
    helps = [Help(f"names have `_`, not `-`: `{mended}`", TextEdit(place, mended))]
    if not (s.kind(s.first) in {"FLOW", "PROMPT"} and s.at <= s.first + 2):
        helps.append(Help("if you meant to subtract: there is no arithmetic"))
    return s.report(codes.FOREIGN, f"`{text}` is not a name", *helps, span=place)


def _run(s: Situation) -> tuple[Span, str]:
    """The characters without a blank around the token, as far as they may be of one word."""
    text, start = s.tokens.source.text, s.place.start
    line = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    for found in RUN.finditer(text, line, len(text) if end < 0 else end):
        if found.start() <= start < found.end():
            return Span(s.place.source, found.start(), found.end()), found[0]
    return s.place, ""


def percent(s: Situation) -> Diagnostic | None:
    """`50%`."""
    if s.found != UNKNOWN or s.text != "%" or s.previous != "NUMBER":
        return None
    text = s.tokens.text(s.at - 1)
    place = Span(s.place.source, s.tokens.starts[s.at - 1], s.place.end)
    share = f"{float(text) / 100:.10f}".rstrip("0").rstrip(".")
    advice = Help(f"write it as a share: `{share}`", TextEdit(place, share))
    return s.report(codes.FOREIGN, "there are no percentages", advice, span=place)


def subtraction(s: Situation) -> Diagnostic | None:
    """`3-1`, which would be two numbers."""
    place, text = _run(s)
    if not re.fullmatch(r"[0-9._]+(-[0-9._]+)+", text):
        return None
    advice = Help("there is no arithmetic; write the number itself")
    return s.report(codes.FOREIGN, f"`{text}` is not a number", advice, span=place)


def formatted_string(s: Situation) -> Diagnostic | None:
    """`f"Q {question}"`."""
    at = s.at - 1
    if s.found not in {"STRING", "TEXT"} or s.previous != "NAME":
        return None
    name = s.tokens.text(at)
    if not STRING_PREFIX.fullmatch(name) or s.tokens.ends[at] != s.place.start:
        return None
    place = Span(s.place.source, s.tokens.starts[at], s.place.end)
    if "f" not in name.lower():
        edit = TextEdit(s.tokens.span(at), "")
        advice = Help(f"leave the `{name}` out", edit)
        return s.report(codes.FOREIGN, "strings have no prefixes", advice, span=place)
    example = '`prompt ask(question: Text) "Q {{ question }}"`, then `ask(question: q)`'
    advice = Help(f"put values into a text with a prompt: {example}")
    return s.report(codes.FOREIGN, "there are no f-strings", advice, span=place)


def choice_without_braces(s: Situation) -> Diagnostic | None:
    """`choice(a: x, b: y)`."""
    if s.previous != "CHOICE" or s.found not in {"LPAR", "LSQB"} or s.kind(s.at - 2) != "EQUAL":
        return None
    advice = Help("write `choice { a: …, b: … }`")
    message = f"the alternatives of `choice` stand in braces, not in `{s.text}`"
    return s.report(codes.FOREIGN, message, advice)


def range_call(s: Situation) -> Diagnostic | None:
    """`4 in range(1, 8)`."""
    if s.previous != "RPAR" or "DOTDOT" not in s.accepts:
        return None
    opener = next((at for at in range(s.at - 2, s.first, -1) if s.kind(at) == "LPAR"), s.first)
    name = opener - 1
    if s.kind(name - 1) != "IN" or s.kind(name) != "NAME" or s.tokens.text(name) != "range":
        return None
    place = Span(s.place.source, s.tokens.starts[name], s.tokens.ends[s.at - 1])
    kinds = [s.kind(at) for at in range(opener + 1, s.at - 1)]
    shown, edit = "1..8", None
    if kinds == ["NUMBER", "COMMA", "NUMBER"]:
        shown = f"{s.tokens.text(opener + 1)}..{s.tokens.text(opener + 3)}"
        edit = TextEdit(place, shown)
    advice = Help(f"write `{shown}`, both ends included", edit)
    return s.report(codes.FOREIGN, "a range is not a call", advice, span=place)


def joined_up_to(s: Situation) -> Diagnostic | None:
    """`repeat up_to 3`, `repeat upto 3`."""
    for at in (s.at, s.at - 1):
        fits = s.fits("UP", "TO", before=at < s.at)
        if fits and s.kind(at) == "NAME" and s.tokens.text(at) in {"up_to", "upto"}:
            word = s.tokens.text(at)
            advice = s.replace("up to", "write `up to`, two words", at)
            message = f"unknown keyword `{word}`"
            return s.report(codes.UNKNOWN_ITEM, message, advice, span=s.tokens.span(at))
    return None


def word_before_a_block(s: Situation) -> Diagnostic | None:
    """`repeat 2 times {`, `if c then {`."""
    if s.found != "NAME" or s.text not in {"times", "then", "do"} or not s.fits("LBRACE"):
        return None
    advice = s.replace("", f"leave `{s.text}` out")
    return s.report(codes.FOREIGN, f"`{s.text}` is not a word of this language", advice)


HABIT_RULES = (
    one_equals_sign,
    thick_arrow,
    missing_parameters,
    missing_type_behind_arrow,
    formatted_string,
    text_without_quotes,
    dashed_name,
    percent,
    subtraction,
    choice_without_braces,
    range_call,
    joined_up_to,
    word_before_a_block,
)
