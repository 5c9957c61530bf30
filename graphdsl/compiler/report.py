"""How the checker makes diagnostics: short constructors, and names in a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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


def error(
    code: str,
    message: str,
    at: Span,
    label: str = "",
    *,
    secondary: Sequence[Label] = (),
    notes: Sequence[str] = (),
    helps: Sequence[str | Help] = (),
    data: dict[str, Any] | None = None,
) -> Diagnostic:
    """An error; helps may be plain texts."""
    made = tuple(help if isinstance(help, Help) else Help(help) for help in helps)
    return Diagnostic(
        code,
        Severity.ERROR,
        message,
        Label(at, label),
        tuple(secondary),
        tuple(notes),
        made,
        data if data is not None else {},
    )


def warning(
    code: str,
    message: str,
    at: Span,
    label: str = "",
    *,
    secondary: Sequence[Label] = (),
    notes: Sequence[str] = (),
    helps: Sequence[str | Help] = (),
) -> Diagnostic:
    """A warning; helps may be plain texts."""
    made = tuple(help if isinstance(help, Help) else Help(help) for help in helps)
    return Diagnostic(
        code,
        Severity.WARNING,
        message,
        Label(at, label),
        tuple(secondary),
        tuple(notes),
        made,
    )


def a(kind: object) -> str:
    """A type with its article, in code marks.

    >>> a("Answer"), a("Draft")
    ('an `Answer`', 'a `Draft`')
    """
    return f"{'an' if str(kind)[:1] in 'AEIO' else 'a'} `{kind}`"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names in code marks, separated by commas; what is beyond `most` is counted.

    >>> listed(["a", "b"]), listed("abc", most=1)
    ('`a`, `b`', '`a` and 2 more')
    """
    all_names = list(names)
    shown = ", ".join(f"`{name}`" for name in all_names[:most])
    more = len(all_names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def instead(name: str, candidates: Iterable[str], at: Span, what: str) -> tuple[Help, ...]:
    """`did you mean …`, with the edit when there is one candidate; else what there is."""
    options = [candidate for candidate in dict.fromkeys(candidates) if candidate]
    close = did_you_mean(name, options)
    if close:
        edit = TextEdit(at, close[0]) if len(close) == 1 else None
        return (Help(f"did you mean {listed(close)}?", edit, Applicability.MAYBE),)
    return (Help(f"{what} {listed(options)}"),) if options else ()
