"""From text to syntax tree."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Source, Span
from graphdsl.syntax import codes, tree
from graphdsl.syntax.automaton import Stuck, run
from graphdsl.syntax.build import Builder
from graphdsl.syntax.decode import check_characters
from graphdsl.syntax.edition import check_edition
from graphdsl.syntax.lexing import Tokens, lex
from graphdsl.syntax.limits import DEFAULT, Limits, check_text, check_tokens
from graphdsl.syntax.pieces import stop_at_unclosed_text
from graphdsl.syntax.prebuilt import load_tables
from graphdsl.syntax.recovery import Recovery

Parsed = tuple[tree.File, tuple[Diagnostic, ...]]


def parse(source: Source, limits: Limits = DEFAULT) -> Parsed:
    """The syntax tree of a source and what is wrong with it. Never raises, whatever the text.

    A file without errors is parsed as a whole. Otherwise it is parsed item by item: each item, in
    a flow each statement, reports at most one unexpected token. The items that are right are in
    `File.items`.
    """
    refused = check_text(source, limits) or check_characters(source)
    if refused is not None:
        return _nothing(source), (refused,)
    tokens = lex(source)
    refused = check_tokens(tokens, limits) or _check_items(tokens)
    if refused is not None:
        return _nothing(source), (refused,)
    with _collector_paused():
        file, problems = _parse_whole(tokens) or _parse_pieces(tokens, limits)
    return file, problems[: limits.reports]


def _parse_whole(tokens: Tokens) -> Parsed | None:
    """The file, or None when some token does not fit."""
    builder = Builder(tokens)
    file = run(load_tables(), "start", tokens, 0, len(tokens.kinds), builder)
    if isinstance(file, Stuck):
        return None
    return file, _one_cause(file.edition, builder.problems)


def _parse_pieces(tokens: Tokens, limits: Limits) -> Parsed:
    """The good items of a broken file, and what is wrong with the others."""
    recovery = Recovery(stop_at_unclosed_text(tokens))
    file = recovery.parse(limits.reports)
    return file, _one_cause(file.edition, recovery.problems)


def _one_cause(edition: tree.Edition | None, problems: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """All problems in the order of the text; only the edition when it is not one of ours."""
    unknown = check_edition(edition) if edition else None
    if unknown is not None:
        return (unknown,)
    return tuple(sorted(problems, key=lambda problem: problem.primary.span))


def _check_items(tokens: Tokens) -> Diagnostic | None:
    """Whether there is anything but the edition line."""
    if tokens.kinds not in ([], ["EDITION", "STRING"]):
        return None
    end = len(tokens.source.text)
    message = "the file declares nothing" if tokens.kinds else "the file is empty"
    begin = "" if tokens.kinds else 'begin with `edition "2026"`, then '
    return Diagnostic(
        codes.EMPTY_FILE,
        Severity.ERROR,
        message,
        Label(Span(tokens.source.name, end, end)),
        helps=(Help(f"{begin}declare a flow: `flow name(question: Text) -> Text {{ … }}`"),),
    )


def _nothing(source: Source) -> tree.File:
    return tree.File(Span(source.name, 0, len(source.text)), None, ())


@contextmanager
def _collector_paused() -> Generator[None]:
    """Let the garbage collector wait: all that parsing allocates is alive till its end.

    It would walk the growing tree again and again, for half of the time of a parse. Another
    thread that parses at the same time can only make the pause shorter.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
