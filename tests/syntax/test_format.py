"""The formatter: golden pairs, and three promises (comments, tree, second pass)."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from graphdsl.diagnostics import Source
from graphdsl.syntax import format as formatter
from graphdsl.syntax.comments import scan
from graphdsl.syntax.concrete import Node
from graphdsl.syntax.document import Doc
from graphdsl.syntax.format import Formatted, format_source
from graphdsl.syntax.lexing import lex
from graphdsl.syntax.parse import parse

Golden = Callable[[Path, str], None]

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "golden" / "format").glob("*.tts"))
EXAMPLES = sorted(
    path for folder in ("examples", "graphdsl/std") for path in (ROOT / folder).rglob("*.tts")
)
RUNS = 380
"""Layouts tried per golden file; the four of them take some ten seconds."""
HEAD = 'edition "2026"\n'
DEEP = f"pool deep = {'[' * 2000}{']' * 2000}"


def formatted(text: str) -> Formatted:
    return format_source(Source("x.tts", text))


def words(text: str) -> list[str]:
    """All tokens but commas: one more or less at the end of a list does not change the tree."""
    tokens = lex(Source("x.tts", text.removeprefix("\ufeff").replace("\r\n", "\n")))
    return [tokens.text(at) for at, kind in enumerate(tokens.kinds) if kind != "COMMA"]


def broken_promises(text: str) -> list[str]:
    """What a formatter must never do, checked without the formatter's own tree."""
    result = formatted(text)
    broken = [diagnostic.message for diagnostic in (*result.errors, *result.kept)]
    if parse(Source("x.tts", result.text))[1]:
        broken.append("the result does not parse")
    if words(result.text) != words(text):
        broken.append("the tree changed")
    if sorted(c.text for c in scan(text)[0]) != sorted(c.text for c in scan(result.text)[0]):
        broken.append("the comments changed")
    if formatted(result.text).text != result.text:
        broken.append("a second pass changes the text")
    return broken


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(case: Path, golden: Golden) -> None:
    golden(case.with_suffix(".out"), formatted(case.read_text(encoding="utf-8")).text)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_lines_are_short(case: Path) -> None:
    lines = formatted(case.read_text(encoding="utf-8")).text.split("\n")
    assert max(map(len, lines)) <= formatter.WIDTH


@pytest.mark.parametrize("case", [*CASES, *EXAMPLES], ids=lambda path: path.stem)
def test_promises_hold(case: Path) -> None:
    assert broken_promises(case.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_comments_at_any_gap_are_kept(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    starts = [*lex(Source("x.tts", text)).starts, len(text)]
    dice = random.Random(case.stem)
    for _ in range(RUNS):
        broken = text
        for gap in sorted(dice.sample(starts, dice.randint(1, 6)), reverse=True):
            before, after = dice.choice(["\n", " ", "\n\n"]), dice.choice(["\n", "\n\n\n", "\n "])
            broken = f"{broken[:gap]}{before}# c{gap}{after}{broken[gap:]}"
        assert broken_promises(broken) == [], broken


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_any_layout_is_read(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    tokens = lex(Source("x.tts", text))
    dice = random.Random(case.stem)
    for _ in range(RUNS // 4):
        spaces = dice.choice([" ", " \n", " \n\n\t", "\n", " \r\n"])
        parts = [tokens.text(at) + dice.choice(spaces) for at in range(len(tokens.kinds))]
        broken = "".join(parts)
        assert broken_promises(broken) == [], broken


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n", "\r\n", "  \n\t"])
def test_line_ends_are_normal(end: str) -> None:
    text = f'\ufeff{HEAD}model a {{ name = "a" }} # one{end}'.replace("\n", "\r\n")
    assert formatted(text).text == HEAD + '\nmodel a { name = "a" }  # one\n'


def test_triple_quoted_text_is_kept_byte_for_byte() -> None:
    literal = '"""  \n\n\n\ttab, trailing   \n  # no comment \\n """'
    assert literal in formatted(f"{HEAD}prompt a() {{ user {literal} }}").text


@pytest.mark.parametrize("text", ["", "flow", HEAD + "model a {", HEAD + 'model a { b = "c }\n'])
def test_text_with_errors_is_unchanged(text: str) -> None:
    result = formatted(text)
    assert result.text == text
    assert result.errors


def test_an_item_too_deep_to_print_is_kept_with_its_comments() -> None:
    text = f"{HEAD}\n# above\n{DEEP[:900]}\n  # within\n{DEEP[900:]} # beside\nmodel  a{{}}\n"
    result = formatted(text)
    assert result.text == (
        f"{HEAD}\n# above\n{DEEP[:900]}\n  # within\n{DEEP[900:]}  # beside\n\nmodel a {{}}\n"
    )
    assert [diagnostic.code for diagnostic in result.kept] == ["GD0190"]
    assert formatted(result.text).text == result.text


def test_a_warning_points_into_the_source_as_given() -> None:
    text = f"\ufeff{HEAD}# one\n{DEEP}\nmodel a {{}}".replace("\n", "\r\n")
    (warning,) = formatted(text).kept
    span = warning.primary.span
    assert text[span.start : span.end] == DEEP
    assert warning.message.startswith("`pool deep` is left as it was")


@pytest.mark.parametrize(
    "defect", [r"# .*", r"yield", r"(?<=\()x", r"\A"], ids=["comment", "word", "argument", "none"]
)
def test_a_defective_printer_is_caught(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the printer drops, the guard sees it and the item stays as it was."""
    item = "flow f(x: Text) -> Text {\n    a = if c { yield g(x) } else { yield x }  # one\n}"
    text = f"{HEAD}\n{item}\n"

    def drop(doc: Doc, width: int, lay_out: Callable[[Doc, int], str] = formatter.render) -> str:
        return re.sub(defect, "", lay_out(doc, width), count=1)

    monkeypatch.setattr(formatter, "render", drop)
    result = formatted(text)
    sound = defect == r"\A"
    assert len(result.kept) == (not sound)
    assert (item in result.text) == (not sound)
    assert "# one" in result.text


def test_items_of_a_kind_may_stand_together() -> None:
    text = f"{HEAD}\nmodel a {{}}\nmodel b {{}}\n\nmodel c {{}}\n\npool p = []\n"
    assert formatted(text).text == text


def test_a_broken_block_stays_broken_and_a_joined_one_joined() -> None:
    text = f"{HEAD}\nmodel a {{\n  b = 1\n}}\nmodel c {{ d = 1  e = 2 }}\n"
    assert formatted(text).text == text


@pytest.mark.parametrize("comma", ["", ","])
def test_a_comma_at_the_end_keeps_a_list_broken(comma: str) -> None:
    result = formatted(f"{HEAD}pool p = [a, b{comma}]").text
    assert result == HEAD + ("\npool p = [\n  a,\n  b,\n]\n" if comma else "\npool p = [a, b]\n")


def test_nodes_are_compared_by_identity() -> None:
    """Comments are attached by identity, so that equal words do not share them."""
    assert Node("token", 0, 1, "a") != Node("token", 0, 1, "a")
