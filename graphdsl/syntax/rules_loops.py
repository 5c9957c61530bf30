"""Rules about loops that lack a part."""

from __future__ import annotations

from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit
from graphdsl.syntax import codes
from graphdsl.syntax.situation import Situation

PLACEHOLDERS = Applicability.HAS_PLACEHOLDERS


def fold_without_carrying(s: Situation) -> Diagnostic | None:
    """`fold x in xs up to 8 { … }`."""
    if s.found != "LBRACE" or "CARRYING" not in s.accepts or "UP" in s.accepts:
        return None
    example = 'carrying acc: Text = ""'
    advice = s.insert(f" {example}", f"say what goes from item to item: `{example}`", PLACEHOLDERS)
    return s.report(codes.UNEXPECTED, "`fold` without `carrying`", advice, span=s.after_previous)


def carried_without_start(s: Situation) -> Diagnostic | None:
    """`carrying acc: Text {`."""
    if s.found not in {"LBRACE", "COMMA"} or "EQUAL" not in s.accepts or "COMMA" in s.accepts:
        return None
    colon = next((at for at in range(s.at - 1, s.first, -1) if s.kind(at) == "COLON"), s.first)
    if s.kind(colon - 1) != "NAME" or s.kind(colon - 2) not in {"CARRYING", "COMMA"}:
        return None
    name = s.tokens.text(colon - 1)
    advice = s.insert(' = ""', f'say what it is in the first round: `{name}: … = ""`', PLACEHOLDERS)
    message = f"`{name}` has no value to start with"
    return s.report(codes.UNEXPECTED, message, advice, span=s.tokens.span(colon - 1))


def keeping_without_score(s: Situation) -> Diagnostic | None:
    """`keeping best`, `keeping checked.score`."""
    begin = s.at - 1
    while s.kind(begin) in {"NAME", "DOT"}:
        begin -= 1
    if s.kind(begin) != "KEEPING" or begin == s.at - 1 or "LPAR" not in s.accepts:
        return None
    place = Span(s.place.source, s.tokens.starts[begin + 1], s.tokens.ends[s.at - 1])
    text = s.tokens.source.text[place.start : place.end]
    if text == "best":
        advice = s.insert("(x.score)", "say by which score: `best(checked.score)`", PLACEHOLDERS)
        return s.report(codes.UNEXPECTED, "`keeping best` without a score", advice, span=place)
    advice = Help(f"write `keeping best({text})`", TextEdit(place, f"best({text})"))
    message = "`keeping` is followed by `best(score)`"
    return s.report(codes.UNEXPECTED, message, advice, span=place)


LOOP_RULES = (fold_without_carrying, carried_without_start, keeping_without_score)
