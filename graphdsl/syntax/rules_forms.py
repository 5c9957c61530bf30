"""Rules about statements and forms that lack a part or have one too many."""

from __future__ import annotations

from graphdsl.diagnostics import Applicability, Diagnostic, Help, Span, TextEdit
from graphdsl.syntax import codes
from graphdsl.syntax.situation import Situation

PLACEHOLDERS = Applicability.HAS_PLACEHOLDERS


def equals_for_colon(s: Situation) -> Diagnostic | None:
    """`f(a = 1)`."""
    if s.found != "EQUAL" or "COLON" not in s.accepts:
        return None
    edit = _instead(s, ":")
    advice = Help("write `:`; `=` binds a name, `:` labels a value", edit)
    return s.report(codes.EQUALS_FOR_COLON, "`=` where `:` belongs", advice)


def colon_for_equals(s: Situation) -> Diagnostic | None:
    """`model m { name: "x" }`."""
    if s.found != "COLON" or "EQUAL" not in s.accepts:
        return None
    edit = _instead(s, " =")
    advice = Help("write `=`; `:` labels a value, `=` binds a name", edit)
    return s.report(codes.COLON_FOR_EQUALS, "`:` where `=` belongs", advice)


def _instead(s: Situation, sign: str) -> TextEdit:
    """Put a sign in place of the token and of the blanks before it, with a blank behind."""
    behind = s.tokens.source.text[s.place.end : s.place.end + 1]
    place = Span(s.place.source, s.after_previous.end, s.place.end)
    return TextEdit(place, sign if behind.isspace() else f"{sign} ")


def repeat_without_until(s: Situation) -> Diagnostic | None:
    """`repeat up to 3 { … }` with nothing behind."""
    if "UNTIL" not in s.accepts or s.previous != "RBRACE":
        return None
    advice = s.insert(" until done", "say when to stop, behind its `}`: `until done`", PLACEHOLDERS)
    other = Help("or write `repeat N { … }` for a fixed number of rounds")
    message = "`repeat up to` without `until`"
    return s.report(codes.REPEAT_AND_UNTIL, message, advice, other, span=_before(s))


def until_without_up_to(s: Situation) -> Diagnostic | None:
    """`repeat 3 { … } until c`."""
    if s.found != "UNTIL" or s.previous != "RBRACE":
        return None
    advice = Help("a loop that may stop early begins with `repeat up to`")
    return s.report(codes.REPEAT_AND_UNTIL, "`until` without `repeat up to`", advice)


def misplaced_else(s: Situation) -> Diagnostic | None:
    """An `else` that belongs to no `optional` and no `if`."""
    if s.found != "ELSE":
        return None
    if "EQUAL" in s.accepts:
        advice = Help("write `optional name = value else bypass`")
        return s.report(codes.MISPLACED_ELSE, "`optional` without a value", advice)
    advice = Help("only `optional name = value else bypass` and `if` have an `else`", _optional(s))
    return s.report(codes.MISPLACED_ELSE, "`else` without `optional` or `if`", advice)


def _optional(s: Situation) -> TextEdit | None:
    """Put `optional` before the binding that the `else` follows."""
    for at in range(s.at - 1, s.first, -1):
        if s.kind(at) == "EQUAL" and s.kind(at - 1) == "NAME":
            start = s.tokens.starts[at - 1]
            return TextEdit(Span(s.place.source, start, start), "optional ")
    return None


def form_after_else(s: Situation) -> Diagnostic | None:
    """`optional x = a else choice { … }`: the bypass is an expression."""
    if s.previous != "ELSE" or s.found not in {"CHOICE", "EACH", "IF"}:
        return None
    advice = Help(f"bind the `{s.text}` to a name before, and put that name behind `else`")
    message = f"the bypass of `optional` cannot be `{s.text}`"
    return s.report(codes.MISPLACED_ELSE, message, advice)


def if_without_else(s: Situation) -> Diagnostic | None:
    """An `if` gives a value in both cases."""
    if "ELSE" not in s.accepts or s.previous != "RBRACE" or "YIELD" in s.accepts:
        return None
    if s.fits("NAME", "EQUAL"):  # the end of an `optional`, which may do without
        return None
    advice = s.insert(" else { yield x }", "add `else { yield … }`", PLACEHOLDERS)
    return s.report(codes.MISPLACED_ELSE, "`if` without `else`", advice, span=_before(s))


def missing_yield(s: Situation) -> Diagnostic | None:
    """A block that must give a value and does not."""
    if s.found != "RBRACE" or not s.fits("YIELD", "NUMBER"):
        return None
    advice = s.insert(" yield x", "end the block with `yield` and its value", PLACEHOLDERS)
    return s.report(codes.MISSING_YIELD, "this block yields nothing", advice)


def missing_result_type(s: Situation) -> Diagnostic | None:
    """`flow f(q: Text) { … }`."""
    if s.found != "LBRACE" or "ARROW" not in s.accepts:
        return None
    advice = s.insert(" -> Text", "say what it returns: `-> Text`, `-> Answer`", PLACEHOLDERS)
    return s.report(codes.MISSING_TYPE, "a flow without the type of its result", advice)


def missing_parameter_type(s: Situation) -> Diagnostic | None:
    """`flow f(q)`, `flow f(q = "x")`."""
    if s.found not in {"COMMA", "RPAR", "EQUAL"} or s.accepts != frozenset({"COLON"}):
        return None
    if not s.fits("COLON", "NAME", s.found) or s.fits("COLON", "NUMBER"):
        return None
    name = s.tokens.text(s.at - 1)
    advice = s.insert(": Text", f"say what it is: `{name}: Text`", PLACEHOLDERS)
    message = f"`{name}` has no type"
    return s.report(codes.MISSING_TYPE, message, advice, span=_before(s))


def field_of_call(s: Situation) -> Diagnostic | None:
    """`f(x).y`."""
    if s.found != "DOT" or s.previous != "RPAR":
        return None
    advice = Help("bind the call to a name, then take its field: `r = op(x)`, `r.field`")
    return s.report(codes.UNEXPECTED, "a field is taken from a name, not from a call", advice)


def missing_bound(s: Situation) -> Diagnostic | None:
    """`each x in xs { … }`, `fold x in xs carrying …`."""
    if s.found not in {"LBRACE", "CARRYING"} or "UP" not in s.accepts:
        return None
    advice = s.insert(" up to 8", "say how often at most: `up to 8`", PLACEHOLDERS)
    note = "the worst case of every loop is known before anything runs"
    return s.report(codes.MISSING_BOUND, "a loop without a bound", advice, notes=(note,))


def _before(s: Situation) -> Span:
    return s.tokens.span(s.at - 1)


FORM_RULES = (
    missing_parameter_type,
    field_of_call,
    equals_for_colon,
    colon_for_equals,
    repeat_without_until,
    until_without_up_to,
    form_after_else,
    misplaced_else,
    if_without_else,
    missing_yield,
    missing_result_type,
    missing_bound,
)
