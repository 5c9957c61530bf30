"""Caps that keep a hostile or generated file from stalling the compiler."""

from __future__ import annotations

from dataclasses import dataclass

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Source, Span
from graphdsl.syntax import codes
from graphdsl.syntax.lexing import CLOSERS, OPENERS, Tokens


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a source may be; the report of an excess names the limit and its value."""

    file_bytes: int = 1 << 20
    """Size of a file in bytes of UTF-8."""
    line_length: int = 100_000
    """Characters in one line."""
    nesting: int = 100
    """Brackets open at one place, counting each `not` in a row and each `else if` as one."""
    string_length: int = 1_000_000
    """Characters of one string literal, its quotes not counted."""
    reports: int = 100
    """Problems that are reported; after as many broken items the rest is not parsed."""


DEFAULT = Limits()


def check_text(source: Source, limits: Limits) -> Diagnostic | None:
    """The first excess that shows before the text is cut into tokens, at once for any size."""
    size = len(source.text)
    if size <= limits.file_bytes:
        size = len(source.text.encode("utf-8", "surrogatepass"))
    if size > limits.file_bytes:
        return _excess(
            codes.FILE_TOO_LARGE,
            "the file is larger than the limit",
            Span(source.name, 0, 0),
            ("file_bytes", limits.file_bytes, "bytes"),
            "split it into several files and `import` them",
        )
    longest = max(map(len, source.text.split("\n")))
    return _long_line(source, limits) if longest > limits.line_length else None


def _long_line(source: Source, limits: Limits) -> Diagnostic | None:
    begin = 0
    for line in source.text.split("\n"):
        if len(line) > limits.line_length:
            break
        begin += len(line) + 1
    return _excess(
        codes.LINE_TOO_LONG,
        "this line is longer than the limit",
        Span(source.name, begin, begin + 1),
        ("line_length", limits.line_length, "characters"),
        'break the line; a long text may span lines between `"""`',
    )


def check_tokens(tokens: Tokens, limits: Limits) -> Diagnostic | None:
    """The first excess that shows in the tokens."""
    return _long_string(tokens, limits) or _deep_nesting(tokens, limits)


def _long_string(tokens: Tokens, limits: Limits) -> Diagnostic | None:
    if len(tokens.source.text) <= limits.string_length:
        return None
    quotes = {"STRING": 2, "TEXT": 6}
    for at, kind in enumerate(tokens.kinds):
        length = tokens.ends[at] - tokens.starts[at] - quotes.get(kind, 0)
        if kind in quotes and length > limits.string_length:
            start = tokens.starts[at]
            return _excess(
                codes.STRING_TOO_LONG,
                "this string is longer than the limit",
                Span(tokens.source.name, start, start + quotes[kind] // 2),
                ("string_length", limits.string_length, "characters"),
                "keep long texts in a data file and pass them as an input",
            )
    return None


def _deep_nesting(tokens: Tokens, limits: Limits) -> Diagnostic | None:
    for at, depth in enumerate(nesting_depths(tokens)):
        if depth > limits.nesting:
            return _excess(
                codes.NESTING_TOO_DEEP,
                "the nesting is deeper than the limit",
                tokens.span(at),
                ("nesting", limits.nesting, "levels"),
                "bind the inner parts to names of their own, or move them to a flow",
            )
    return None


def nesting_depths(tokens: Tokens) -> list[int]:
    """For each token, how deep the tree can get there.

    Brackets make depth, and so do the two forms that nest without any: `not not …` and
    `else if … else if …`.
    """
    depths: list[int] = []
    chains = [0]  # for each open bracket, the length of the running `else if` chain
    depth = nots = 0
    previous = ""
    for kind in tokens.kinds:
        nots = nots + 1 if kind == "NOT" else 0
        if kind in OPENERS:
            chains.append(0)
            depth += 1
        elif kind in CLOSERS and len(chains) > 1:
            depth -= chains.pop() + 1
        elif kind == "IF":
            longer = chains[-1] + 1 if previous == "ELSE" else 0
            depth += longer - chains[-1]
            chains[-1] = longer
        depths.append(depth + nots)
        previous = kind
    return depths


def _excess(
    code: str, message: str, span: Span, limit: tuple[str, int, str], advice: str
) -> Diagnostic:
    name, value, unit = limit
    return Diagnostic(
        code,
        Severity.ERROR,
        f"{message} of {value:,} {unit}",
        Label(span),
        notes=(f"the limit is `{name}`, {value} {unit}",),
        helps=(Help(advice),),
        data={"limit": name, "value": value},
    )
