"""The first line of a file, `edition "2026"`: which grammar the rest is written in."""

from __future__ import annotations

from graphdsl.diagnostics import (
    Applicability,
    Diagnostic,
    Help,
    Label,
    Severity,
    Span,
    TextEdit,
    did_you_mean,
)
from graphdsl.syntax import codes, tree
from graphdsl.syntax.lexing import (
    BYTE_ORDER_MARK,
    UNCLOSED_STRING,
    UNCLOSED_TEXT,
    UNKNOWN,
    Tokens,
)

EDITIONS = ("2026",)
NEWEST = f'edition "{EDITIONS[-1]}"'


def check_edition(edition: tree.Edition) -> Diagnostic | None:
    """Whether the edition is one that this compiler knows."""
    if edition.value.value in EDITIONS:
        return None
    known = ", ".join(f'`"{name}"`' for name in EDITIONS)
    edit = TextEdit(edition.value.span, f'"{EDITIONS[-1]}"')
    return Diagnostic(
        codes.UNKNOWN_EDITION,
        Severity.ERROR,
        f'unknown edition `"{edition.value.value}"`',
        Label(edition.value.span),
        notes=(f"the known editions are {known}",),
        helps=(Help(f"write `{NEWEST}`, or install a newer graphdsl", edit),),
        data={"known": list(EDITIONS)},
    )


def missing_edition(tokens: Tokens) -> tuple[int, Diagnostic]:
    """The report about a file that does not begin with its edition, and where its items begin."""
    if tokens.kinds[0] == "EDITION":
        return _malformed(tokens)
    later = next((at for at in range(1, len(tokens.kinds)) if begins_edition(tokens, at)), None)
    if later is not None:
        return 0, misplaced_edition(tokens, later)
    if tokens.kinds[:2] == ["NAME", "STRING"] and did_you_mean(tokens.text(0), ["edition"]):
        help_ = Help("did you mean `edition`?", TextEdit(tokens.span(0), "edition"))
        return 2, _report(f"unknown keyword `{tokens.text(0)}`", tokens.span(0), help_)
    begin = len(BYTE_ORDER_MARK) if tokens.source.text.startswith(BYTE_ORDER_MARK) else 0
    place = Span(tokens.source.name, begin, begin)
    edit = TextEdit(place, f"{NEWEST}\n\n")
    help_ = Help(f"begin the file with `{NEWEST}`", edit, Applicability.SAFE)
    return 0, _report("the file does not begin with its edition", tokens.span(0), help_)


def begins_edition(tokens: Tokens, at: int) -> bool:
    """True for the word `edition` at the beginning of a line, with its string."""
    pair = tokens.kinds[at : at + 2] == ["EDITION", "STRING"]
    return pair and tokens.in_first_column(at)


def misplaced_edition(tokens: Tokens, at: int) -> Diagnostic:
    """The report about an edition line that is not the first."""
    help_ = Help("move it to the top of the file; one file has one edition")
    return _report("the edition is not the first line", tokens.span(at), help_)


def _malformed(tokens: Tokens) -> tuple[int, Diagnostic]:
    """`edition 2026` and the like: the word without a string after it."""
    if tokens.kinds[1:2] in (["NUMBER"], ["NAME"]):
        edit = TextEdit(tokens.span(1), f'"{tokens.text(1)}"')
        help_ = Help(f'put it in quotes: `edition "{tokens.text(1)}"`', edit)
        return 2, _report("the edition is not in quotes", tokens.span(1), help_)
    broken = tokens.kinds[1:2] in ([UNCLOSED_TEXT], [UNCLOSED_STRING], [UNKNOWN])
    after = 2 if broken else 1
    return after, _report("`edition` without a name", tokens.span(0), Help(f"write `{NEWEST}`"))


def _report(message: str, span: Span, help_: Help) -> Diagnostic:
    return Diagnostic(codes.MISSING_EDITION, Severity.ERROR, message, Label(span), helps=(help_,))
