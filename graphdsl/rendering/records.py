"""Diagnostics as plain dictionaries: one flat shape for `--json`, one for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphdsl.diagnostics import Diagnostic, Help, Label, Severity, Source, Span, TextEdit
from graphdsl.hidden import hidden

LSP_SEVERITY = {Severity.ERROR: 1, Severity.WARNING: 2, Severity.INFO: 3}


def to_json(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> dict[str, Any]:
    """A diagnostic as printed by `--json`.

    - `code`: str, for example `"GD0301"`; `severity`: `"error"`, `"warning"` or `"info"`
    - `message`: str, one sentence without full stop
    - `path`, `start`, `end`, `start_line`, `start_column`, `end_line`, `end_column`: the place.
      `path` is the name of the source. `start` and `end` (exclusive) are offsets in characters
      from 0. Lines and columns are counted from 1, in characters; the end column is exclusive.
      All of them are null when the source's text is not at hand, except path and offsets.
    - `label`: str, what is said at that place, often empty
    - `labels`: list of other places, each with the fields of a place and `text`
    - `notes`: list of str
    - `helps`: list of `{"text", "applicability", "edit"}`; `applicability` is `"safe"`,
      `"maybe"` or `"has_placeholders"`; `edit` is null, or the fields of a place and `text`,
      which replaces what stands there
    - `data`: object, values for tools; its keys depend on the code

    Asterisks stand in texts for what may be a key or a password; an edit that holds one is null.
    """
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": hidden(diagnostic.message),
        **_place(diagnostic.primary.span, sources),
        "label": hidden(diagnostic.primary.text),
        "labels": [
            {**_place(label.span, sources), "text": hidden(label.text)}
            for label in diagnostic.secondary
        ],
        "notes": list(map(hidden, diagnostic.notes)),
        "helps": [_help(item, sources) for item in diagnostic.helps],
        "data": dict(diagnostic.data),
    }


def to_lsp(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> dict[str, Any]:
    """A diagnostic in the shape of the Language Server Protocol 3.17.

    - `range`, `severity` (1 error, 2 warning, 3 information), `code`, `source` (`"graphdsl"`),
      `relatedInformation`: as in the protocol; characters are counted in UTF-16 units
    - `message`: the message, and on a second line the primary label's text
    - `data`: `{"notes", "helps", "values"}`; each help has `text`, `applicability` and `edit`
      (null, or `{"uri", "range", "newText"}`); `values` is the diagnostic's data
    - `uri`: beside the protocol's fields, the name of the source. Here and in every location it
      is a path as the user wrote it; a server puts the document's address in its place.
    """
    primary = diagnostic.primary
    return {
        "uri": primary.span.source,
        "range": _range(primary.span, sources),
        "severity": LSP_SEVERITY[diagnostic.severity],
        "code": diagnostic.code,
        "source": "graphdsl",
        "message": hidden("\n".join(filter(None, (diagnostic.message, primary.text)))),
        "relatedInformation": [_related(label, sources) for label in diagnostic.secondary],
        "data": {
            "notes": list(map(hidden, diagnostic.notes)),
            "helps": [_lsp_help(item, sources) for item in diagnostic.helps],
            "values": dict(diagnostic.data),
        },
    }


def _place(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources.get(span.source)
    start_line, start_column = _position(span.start, source)
    end_line, end_column = _position(span.end, source)
    return {
        "path": span.source,
        "start": span.start,
        "end": span.end,
        "start_line": start_line,
        "start_column": start_column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _position(offset: int, source: Source | None) -> tuple[int | None, int | None]:
    return source.position(min(offset, len(source.text))) if source else (None, None)


def _help(item: Help, sources: Mapping[str, Source]) -> dict[str, Any]:
    given = _edit(item)
    edit = given and {**_place(given.span, sources), "text": given.text}
    return {"text": hidden(item.text), "applicability": item.applicability.value, "edit": edit}


def _lsp_help(item: Help, sources: Mapping[str, Source]) -> dict[str, Any]:
    given = _edit(item)
    edit = given and {**_location(given.span, sources), "newText": given.text}
    return {"text": hidden(item.text), "applicability": item.applicability.value, "edit": edit}


def _edit(item: Help) -> TextEdit | None:
    """The edit of a help, unless it would repeat a key."""
    return item.edit if item.edit is not None and hidden(item.edit.text) == item.edit.text else None


def _related(label: Label, sources: Mapping[str, Source]) -> dict[str, Any]:
    return {"location": _location(label.span, sources), "message": hidden(label.text)}


def _location(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    return {"uri": span.source, "range": _range(span, sources)}


def _range(span: Span, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources.get(span.source)
    return {"start": _utf16(span.start, source), "end": _utf16(span.end, source)}


def _utf16(offset: int, source: Source | None) -> dict[str, int]:
    """Line and character from 0, the character in UTF-16 units; the origin without a source."""
    if source is None:
        return {"line": 0, "character": 0}
    offset = min(offset, len(source.text))
    line, column = source.position(offset)
    before = source.text[offset - column + 1 : offset]
    return {"line": line - 1, "character": len(before.encode("utf-16-le", "surrogatepass")) // 2}
