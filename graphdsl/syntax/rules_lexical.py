"""Rules about tokens that are wrong in themselves, and about habits from other languages."""

from __future__ import annotations

import re
import unicodedata

from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit
from graphdsl.syntax import codes, foreign
from graphdsl.syntax.lexing import UNCLOSED_STRING, UNCLOSED_TEXT, UNKNOWN
from graphdsl.syntax.situation import Situation

PLAIN_NUMBER = re.compile(r"-?[0-9]+(_[0-9]+)*(\.[0-9]+)?")
NUMBER_PARTS = frozenset({"NUMBER", "NAME", "DOT"})


def unclosed_text(s: Situation) -> Diagnostic | None:
    """A text block that runs to the end of the file."""
    if s.found != UNCLOSED_TEXT:
        return None
    quotes = Span(s.place.source, s.place.start, s.place.start + 3)
    advice = Help('close it with `"""`')
    return s.report(codes.UNCLOSED_TEXT, 'this `"""` is never closed', advice, span=quotes)


def unclosed_string(s: Situation) -> Diagnostic | None:
    """A string without a quote at its end."""
    if s.found != UNCLOSED_STRING:
        return None
    end = s.place.start + len(s.text.rstrip())
    place = Span(s.place.source, s.place.start, end)
    edit = TextEdit(Span(place.source, end, end), '"')
    advice = Help('close it with `"`; a text of several lines stands between `"""`', edit)
    return s.report(
        codes.UNCLOSED_STRING, "this string does not end on its line", advice, span=place
    )


def wrong_number(s: Situation) -> Diagnostic | None:
    """`.5`, `1.`, `20k`, `0x10`, `1_000_`: signs that touch a number."""
    run = _touching(s, s.at)
    if "NUMBER" not in map(s.kind, run):  # `a = 20k`: `k` may begin a binding, so the next fails
        run = _touching(s, s.at - 1)
    if "NUMBER" not in map(s.kind, run) or len(run) < 2:
        return None
    text = "".join(s.tokens.text(at) for at in run)
    place = Span(s.place.source, s.tokens.starts[run[0]], s.tokens.ends[run[-1]])
    mended = _mend(text)
    edit = TextEdit(place, mended) if mended else None
    advice = f"write `{mended}`" if mended else "numbers look like `20_000`, `-3`, `0.5`, `1e-3`"
    return s.report(codes.WRONG_NUMBER, f"`{text}` is not a number", Help(advice, edit), span=place)


def _touching(s: Situation, at: int) -> range:
    """The tokens around one that could be parts of a number and have no blank between them."""
    starts, ends = s.tokens.starts, s.tokens.ends
    if s.kind(at) not in NUMBER_PARTS:
        return range(0)
    begin, end = at, at + 1
    while s.kind(begin - 1) in NUMBER_PARTS and ends[begin - 1] == starts[begin]:
        begin -= 1
    while s.kind(end) in NUMBER_PARTS and ends[end - 1] == starts[end]:
        end += 1
    return range(begin, end)


def _mend(text: str) -> str:
    """The number that was meant, where that is plain."""
    mended = text
    if mended.startswith("."):
        mended = "0" + mended
    if mended.endswith("."):
        mended += "0"
    factor = {"k": "000", "K": "000", "M": "000_000"}.get(mended[-1], "")
    if factor and mended[:-1].isdecimal():
        return f"{mended[:-1]}_{factor}"
    mended = mended.rstrip("_")
    return mended if mended != text and PLAIN_NUMBER.fullmatch(mended) else ""


def foreign_construct(s: Situation) -> Diagnostic | None:
    """A word or sign of another language: say which construct of ours does the job."""
    sign = _foreign_sign(s)
    if sign:
        place = Span(s.place.source, s.place.start, s.place.start + len(sign))
        removable = sign in foreign.REMOVABLE
        edit = TextEdit(place, "") if removable else None
        certainty = Applicability.SAFE if removable else Applicability.MAYBE
        advice = Help(_sign_advice(s, sign), edit, certainty)
        return s.report(codes.FOREIGN, f"`{sign}` has no meaning here", advice, span=place)
    for at in (s.at, s.at - 1):  # `for` alone is a name; what follows it does not fit
        if s.kind(at) == "NAME" and s.tokens.text(at) in foreign.WORDS:
            word = s.tokens.text(at)
            if word in foreign.CALLED and s.kind(at + 1) == "LPAR":
                continue
            message = f"`{word}` is not a word of this language"
            place = s.tokens.span(at)
            return s.report(codes.FOREIGN, message, Help(foreign.WORDS[word]), span=place)
    return _condition_behind(s)


def _sign_advice(s: Situation, sign: str) -> str:
    """What to write instead; of numbers other than of texts."""
    if sign not in foreign.ARITHMETIC:
        return foreign.SIGNS[sign]
    following = s.kind(s.at) if s.found == "NUMBER" else s.kind(s.at + 1)
    sides = {s.previous, following}
    if sides & {"STRING", "TEXT"}:
        return f"there is no arithmetic; {foreign.JOIN_TEXTS}"
    if "NUMBER" in sides:
        return "there is no arithmetic; write the number itself"
    return f"there is no arithmetic; write the number itself, or {foreign.JOIN_TEXTS}"


def _foreign_sign(s: Situation) -> str:
    begin = s.place.start
    pair = s.tokens.source.text[begin : begin + 2]
    if pair in foreign.SIGNS and s.found in {UNKNOWN, "EQUAL", "ARROW"}:
        return pair
    if s.found == UNKNOWN and s.text in foreign.SIGNS:
        return s.text
    behind_value = "AND" in s.accepts and "COMMA" not in s.repairs
    if behind_value and s.found == "NUMBER" and s.text.startswith("-"):
        return "-"
    return "[" if behind_value and s.found == "LSQB" else ""


def _condition_behind(s: Situation) -> Diagnostic | None:
    """`a if c else b`: here the condition comes first."""
    if s.found != "IF" or "AND" not in s.accepts or s.begins_line(s.at):
        return None
    advice = Help("the condition comes first: `if c { yield a } else { yield b }`")
    return s.report(codes.FOREIGN, "`if` cannot follow a value", advice)


def unknown_character(s: Situation) -> Diagnostic | None:
    """A character that begins no token."""
    if s.found != UNKNOWN:
        return None
    name = unicodedata.name(s.text, f"U+{ord(s.text):04X}").lower()
    visible = s.text.isprintable() and not s.text.isspace()
    message = f"unexpected character `{s.text}`" if visible else f"unexpected character, {name}"
    if s.text.isalpha():
        advice = Help("names consist of the letters a to z and A to Z, digits and `_`")
    elif visible:
        advice = Help("leave it out, or put it in a string")
    else:
        advice = s.replace(" ", "replace it by a blank")
    return s.report(codes.UNKNOWN_CHARACTER, message, advice)


LEXICAL_RULES = (
    unclosed_text,
    unclosed_string,
    wrong_number,
    foreign_construct,
    unknown_character,
)
