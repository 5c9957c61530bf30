"""Diagnostics in a terminal, in JSON and in the shape of the Language Server Protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdsl.diagnostics import (
    Applicability,
    Diagnostic,
    Help,
    Label,
    Severity,
    Source,
    Span,
    TextEdit,
)
from graphdsl.rendering import render, summary, to_json, to_lsp

Golden = Callable[[Path, str], None]

GOLDEN = Path(__file__).parent / "golden" / "rendering"
FLOW = Source(
    "reason.tts",
    """edition "2026"
flow reason(question: Text) -> Answer {
  repeat up to 3 {
    merged = fuse(best, by: judge)
    best2 = rank(merged, keep: 3)

    checked = verify(best2)
  } until checked.passed
\tx = "漢字" + e\u0301te\u0301(\x1b[31m, \u202ebar)
  return checked.answer
}
""",
)
LONG = Source("long.tts", f"a\n  y = [{'abc, ' * 60}target, {'def, ' * 30}宽宽宽宽]\n")
OTHER = Source("lib/judge.tts", "\ufeffedition x\nflow judge() -> Text {}\n")
SOURCES = {source.name: source for source in (FLOW, LONG, OTHER)}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def at(words: str, text: str = "", source: Source = FLOW) -> Label:
    """A label at the part of `words` between bars (`a |b| c`), or at all of them."""
    before, bar, rest = words.partition("|")
    marked = rest.partition("|")[0] if bar else words
    start = source.text.index(words.replace("|", "")) + (len(before) if bar else 0)
    return Label(Span(source.name, start, start + len(marked)), text)


def problem(primary: Label, *secondary: Label, **others: object) -> Diagnostic:
    fields: dict[str, object] = {"code": "GD0301", "message": "`rank` expects drafts", **others}
    return Diagnostic(
        severity=Severity.ERROR,
        primary=primary,
        secondary=secondary,
        **fields,  # pyright: ignore[reportArgumentType]
    )


CASES = {
    "two_lines": problem(
        at("rank(|merged|", "expected a list of drafts"),
        at("merged", "`merged` is `Text`, because `fuse` returns one text"),
        helps=(Help("`rank` needs several candidates; did you mean `drafts`?"),),
    ),
    "one_line": problem(
        at("keep: 3", "the primary label"),
        at("best2", "first"),
        at("rank(|merged|", "third"),
        at("best2 = |rank|", "second"),
    ),
    "overlapping": problem(
        at("rank(|merged|", "this argument"), at("rank(merged, keep: 3)", "in this call")
    ),
    "no_texts": problem(at("rank"), at("merged, |keep|"), code=""),
    "several_lines": problem(
        at(FLOW.text[FLOW.text.index("repeat") : FLOW.text.index("\n\tx")], "this loop"),
        at("checked.answer", "used here"),
        notes=("3 rounds × 19 calls = 57\nthe limit is 40", "a second note"),
        helps=(Help("lower `repeat up to 3` to 2"), Help("raise the limit")),
    ),
    "far_apart": problem(at("return", "here"), at("edition", "since")),
    "strange_characters": problem(at("bar", "after the override"), at("漢字", "two wide ones")),
    "other_source": problem(
        at("best2", "here"), at("judge() -> |Text|", "declared here", OTHER), message="two\nlines"
    ),
    "byte_order_mark": problem(at("edition |x|", "not an edition", OTHER)),
    "cut_both_sides": problem(at("target", "one of many", LONG)),
    "cut_at_the_end": problem(at("宽宽]", "wide", LONG), at("y", "outside of the window", LONG)),
    "cut_after": problem(at("y", "seen", LONG)),
    "end_of_file": problem(
        Label(Span("reason.tts", len(FLOW.text), len(FLOW.text)), "expected `}`")
    ),
    "line_end": problem(at("Answer {|\n|", "nothing follows")),
    "unknown_source": problem(Label(Span("gone.tts", 3, 5), "where?"), at("best2", "here")),
}


@pytest.mark.parametrize("name", CASES)
def test_terminal(name: str, golden: Golden) -> None:
    golden(GOLDEN / f"{name}.txt", render(CASES[name], SOURCES, width=80) + "\n")


@pytest.mark.parametrize("name", CASES)
def test_colour_only_adds_sequences(name: str) -> None:
    coloured = render(CASES[name], SOURCES, color=True)
    assert ANSI.sub("", coloured) == render(CASES[name], SOURCES)
    assert coloured.startswith("\x1b[1;31merror")


@pytest.mark.parametrize("name", CASES)
def test_nothing_in_a_source_steers_the_terminal(name: str) -> None:
    text = render(CASES[name], SOURCES)
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("width", [1, 40, 79, 80, 81])
def test_source_lines_fit_the_terminal(width: int) -> None:
    for offset in range(len(LONG.text)):
        diagnostic = problem(Label(Span("long.tts", offset, offset + 3)))
        *_, line, marks = render(diagnostic, SOURCES, width=width).split("\n")
        wide = sum(1 + (character == "宽") for character in line)
        assert wide <= max(width, 24)
        assert "^" in marks
        assert len(marks) <= max(width, 24)


def test_a_message_cannot_steer_the_terminal() -> None:
    hostile = problem(
        at("best2", "\x1b[2J"), message="\x1b[2J", notes=("\x07",), helps=(Help("\r"),)
    )
    assert render(hostile, SOURCES).count("␛[2J") == 2
    assert all(line.isprintable() for line in render(hostile, SOURCES).split("\n"))


def test_summary_counts_each_severity() -> None:
    severities = [Severity.WARNING, Severity.ERROR, Severity.ERROR]
    found = [Diagnostic("GD0301", severity, "m", at("best2")) for severity in severities]
    assert summary(found) == "2 errors, 1 warning"
    assert summary(found[:1]) == "1 warning"


EDIT = problem(
    at("bar", "after"),
    at("Text", "declared", OTHER),
    notes=("why",),
    helps=(
        Help("write `x`", TextEdit(at("\u202e|bar|").span, "x"), Applicability.SAFE),
        Help("or not"),
    ),
    data={"limit": 40},
)


def test_json_has_the_documented_fields() -> None:
    start = FLOW.text.index("bar")
    place = {"path": "reason.tts", "start": start, "end": start + 3, "start_line": 9}
    place |= {"start_column": 27, "end_line": 9, "end_column": 30}
    record = to_json(EDIT, SOURCES)
    labels = record.pop("labels")
    assert record == {
        "code": "GD0301",
        "severity": "error",
        "message": "`rank` expects drafts",
        **place,
        "label": "after",
        "notes": ["why"],
        "helps": [
            {"text": "write `x`", "applicability": "safe", "edit": {**place, "text": "x"}},
            {"text": "or not", "applicability": "maybe", "edit": None},
        ],
        "data": {"limit": 40},
    }
    assert [(label["path"], label["text"]) for label in labels] == [("lib/judge.tts", "declared")]
    assert json.loads(json.dumps(record)) == record


def test_json_without_the_source_has_offsets_only() -> None:
    record = to_json(CASES["unknown_source"], SOURCES)
    assert (record["path"], record["start"], record["end"]) == ("gone.tts", 3, 5)
    assert record["start_line"] is None
    assert record["end_column"] is None


def test_lsp_has_the_shape_of_the_protocol() -> None:
    found = to_lsp(EDIT, SOURCES)
    span = {"start": {"line": 8, "character": 26}, "end": {"line": 8, "character": 29}}
    assert found["range"] == span
    assert (found["severity"], found["code"], found["source"]) == (1, "GD0301", "graphdsl")
    assert found["message"] == "`rank` expects drafts\nafter"
    assert found["uri"] == "reason.tts"
    (related,) = found["relatedInformation"]
    assert related["message"] == "declared"
    assert related["location"]["range"]["start"] == {"line": 1, "character": 16}
    assert found["data"]["helps"][0]["edit"] == {"uri": "reason.tts", "range": span, "newText": "x"}
    assert found["data"]["values"] == {"limit": 40}


def test_lsp_counts_utf16_units() -> None:
    source = Source("x.tts", 'a\n"😀" = b')
    diagnostic = problem(at("b", source=source))
    assert to_lsp(diagnostic, {"x.tts": source})["range"]["start"] == {"line": 1, "character": 7}


def test_lsp_without_the_source_points_at_its_beginning() -> None:
    origin = {"line": 0, "character": 0}
    assert to_lsp(CASES["unknown_source"], {})["range"] == {"start": origin, "end": origin}
