"""From the bytes of a file to a source."""

from __future__ import annotations

import codecs

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Source, Span
from graphdsl.syntax import codes
from graphdsl.syntax.limits import DEFAULT, Limits, check_text


def decode(
    data: bytes, name: str, limits: Limits = DEFAULT
) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """The source in these bytes, or None and the reason why they are no text.

    A byte order mark at the start is dropped; line ends stay as they are. Bytes beyond the
    limit of a file are not looked at.
    """
    if len(data) > limits.file_bytes:
        stub = Source(name, " " * (limits.file_bytes + 1))
        refused = check_text(stub, limits)
        return None, (refused,) if refused else ()
    try:
        source = Source(name, data.removeprefix(codecs.BOM_UTF8).decode("utf-8"))
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} is not UTF-8"
        return None, (not_text(name, 0, place),)
    refused = check_characters(source)
    return (None, (refused,)) if refused else (source, ())


def check_characters(source: Source) -> Diagnostic | None:
    """Whether the text holds what no text file holds: a NUL, or half a surrogate pair."""
    nul = source.text.find("\0")
    if nul >= 0:
        return not_text(source.name, nul, "it holds a NUL character")
    try:
        source.text.encode("utf-8")
    except UnicodeEncodeError as error:
        return not_text(source.name, error.start, "it holds half a surrogate pair")
    return None


def not_text(name: str, offset: int, reason: str) -> Diagnostic:
    """The report about a file that is no text; `offset` is in characters."""
    return Diagnostic(
        codes.NOT_TEXT,
        Severity.ERROR,
        "this is not a text file in UTF-8",
        Label(Span(name, offset, offset + 1)),
        notes=(reason,),
        helps=(Help("save the file as UTF-8; a `.tts` file is plain text"),),
    )
