"""Messages about broken files: golden files, one cause one report, and edits that work."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.diagnostics import Applicability, Diagnostic, Source, TextEdit
from graphdsl.explain import explain
from graphdsl.syntax import codes
from graphdsl.syntax.decode import decode
from graphdsl.syntax.lexing import lex
from graphdsl.syntax.parse import parse
from graphdsl.syntax.pieces import cut

Golden = Callable[[Path, str], None]
GOLDEN = Path(__file__).parent.parent / "golden"
RICH = GOLDEN / "good" / "rich.tts"
ALL_CODES = sorted(value for name, value in vars(codes).items() if name.isupper())
BAD_FILES = [path for code in ALL_CODES for path in sorted((GOLDEN / "bad").glob(f"{code}-*.tts"))]
BROKEN = sorted((GOLDEN / "bad_syntax").glob("*.tts"))


def diagnose(text: str) -> tuple[Diagnostic, ...]:
    return parse(Source("x.tts", text))[1]


def read(path: Path) -> tuple[Diagnostic, ...]:
    source, diagnostics = decode(path.read_bytes(), path.name)
    return diagnostics if source is None else parse(source)[1]


def show(source: Source, diagnostic: Diagnostic) -> str:
    """A plain rendering, so that this test depends on no renderer."""

    def place(start: int, end: int) -> str:
        line, column = source.position(start)
        return f"{line}:{column} {source.text[start:end]!r}"

    primary = diagnostic.primary.span
    lines = [f"{diagnostic.code} {diagnostic.message}", f"  at {place(primary.start, primary.end)}"]
    for label in diagnostic.secondary:
        lines += [f"  {label.text}: {place(label.span.start, label.span.end)}"]
    lines += [f"  note: {note}" for note in diagnostic.notes]
    for advice in diagnostic.helps:
        edit = advice.edit
        lines.append(f"  help: {advice.text}")
        if edit:
            lines.append(f"    {place(edit.span.start, edit.span.end)} -> {edit.text!r}")
    return "\n".join(lines) + "\n"


def apply(text: str, edit: TextEdit) -> str:
    return text[: edit.span.start] + edit.text + text[edit.span.end :]


@pytest.mark.parametrize("case", BROKEN, ids=lambda path: path.stem)
def test_messages(case: Path, golden: Golden) -> None:
    source = Source(case.name, case.read_text(encoding="utf-8"))
    _, diagnostics = parse(source)
    golden(case.with_suffix(".out"), "".join(show(source, each) for each in diagnostics))


@pytest.mark.parametrize("case", BROKEN, ids=lambda path: path.stem)
def test_each_item_reports_at_most_one_unexpected_token(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    lines = [Source("", text).position(each.primary.span.start)[0] for each in diagnose(text)]
    items = [number for number, line in enumerate(text.split("\n"), 1) if re.match(r"\S", line)]
    assert lines
    if case.stem not in ("escapes", "statements"):  # several of an item are wanted there
        owners = [max((item for item in items if item <= line), default=1) for line in lines]
        assert len(owners) == len(set(owners))


def test_four_mistakes_in_one_flow_are_four_reports() -> None:
    text = """edition "2026"
flow f(q: Text) -> Text {
  a = gen(q, samples = 3)
  repeat 3 carrying x: Text = "" {
    b = gen(x y)
    next x = b
  }
  c = [a, b
  d = c
  retrun d
}
"""
    found = [(each.code, text[: each.primary.span.start].count("\n")) for each in diagnose(text)]
    assert found == [("GD0108", 2), ("GD0110", 4), ("GD0102", 8), ("GD0107", 9)]


@pytest.mark.parametrize(
    "body",
    [
        "a = gen(q\n  b = vote(a)\n  return b",
        "a = gen(\n    q,\n    samples = 3,\n    models = m,\n  )\n  return a",
        "a = gen(\nq,\nsamples = 3,\nmodels = m,\n)\n  return a",
        "a = choice {\n    a = gen(q),\n    b = gen(q),\n  }\n  return a",
        "repeat 3 {\n    a = gen(q)\n  return a",
        "repeat 3\n    a = gen(q)\n  }\n  return a",
        "a = each x in q up to 3 {\n    yield x\n  b = a\n  return b",
        "a =\n  b = gen(q)\n  return b",
        "a = gen(q) }\n  b = vote(a)\n  return b",
        "a = gen(q))\n  b = vote(a)\n  return b",
        'a = gen("q)\n  b = vote(a)\n  return b',
        "repeat up too 3 {\n    a = gen(q)\n  } until a\n  return a",
        "for x in q:\n    a = gen(x)\n  else:\n    a = q\n  return a",
        "yield q\n  return q",
        "test = gen(q)\n  a = vote(test)\n  return test",
    ],
)
def test_one_mistake_in_a_flow_is_one_report(body: str) -> None:
    assert len(diagnose(f'edition "2026"\nflow f(q: Text) -> Text {{\n  {body}\n}}\n')) == 1


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_breaking_statements_never_gives_more_reports_than_breaks(data: st.DataObject) -> None:
    text = RICH.read_text(encoding="utf-8")
    tokens = lex(Source("x.tts", text))
    flows = [span for span in pairwise(cut(tokens, 2)) if tokens.kinds[span[0]] == "FLOW"]
    inside = [at for span in flows for at in range(*span) if not tokens.in_first_column(at)]
    places = st.lists(st.sampled_from(inside), min_size=1, max_size=3, unique=True)
    broken = sorted(data.draw(places), reverse=True)
    for at in broken:
        sign = data.draw(st.sampled_from(["", "(", ")", "[", "]", "{", "}", ",", "=", "x y"]))
        text = f"{text[: tokens.starts[at]]}{sign} {text[tokens.ends[at] :]}"
    assert len(diagnose(text)) <= len(broken)


@pytest.mark.parametrize("case", BAD_FILES, ids=lambda path: path.stem)
def test_bad_file_reports_its_code_and_nothing_else(case: Path) -> None:
    assert [each.code for each in read(case)] == [case.name[:6]]


@pytest.mark.parametrize("code", ALL_CODES)
def test_each_code_has_a_bad_file_and_a_page(code: str) -> None:
    page = explain(code)
    assert [path for path in BAD_FILES if path.name.startswith(code)]
    assert page is not None
    assert page.startswith(f"# {code}: ")


@pytest.mark.parametrize("code", ALL_CODES)
def test_examples_of_a_page_do_what_it_says(code: str) -> None:
    blocks = re.findall(r"```tts( bad)?\n(.*?)\n```", explain(code) or "", re.DOTALL)
    assert [bad for bad, _ in blocks].count("") == 1
    for bad, text in blocks:
        assert [each.code for each in diagnose(f"{text}\n")] == ([code] if bad else [])


@pytest.mark.parametrize("case", [*BAD_FILES, *BROKEN], ids=lambda path: path.stem)
def test_messages_are_plain(case: Path) -> None:
    for diagnostic in read(case):
        texts = [diagnostic.message, *diagnostic.notes, *(each.text for each in diagnostic.helps)]
        for text in texts:
            assert text == text.strip()
            assert not text.endswith(".")
            assert text[0] == "`" or text[0].islower() or not text[0].isalpha()
            assert not re.search(r"\b[A-Z]{3,}\b", re.sub(r"`[^`]*`|UTF|NUL|U\+\w+", "", text))
        assert diagnostic.helps


@pytest.mark.parametrize("case", [*BAD_FILES, *BROKEN], ids=lambda path: path.stem)
def test_edits_remove_the_error_that_they_belong_to(case: Path) -> None:
    text = case.read_bytes().decode("utf-8")
    for diagnostic in diagnose(text):
        for advice in diagnostic.helps:
            if advice.edit is None or advice.applicability is Applicability.HAS_PLACEHOLDERS:
                continue
            after = diagnose(apply(text, advice.edit))
            assert diagnostic not in after


@pytest.mark.parametrize(
    ("body", "edited"),
    [
        ("a = f(q, x: 1 y: 2)", "a = f(q, x: 1, y: 2)"),
        ("a = f(q, x = 1)", "a = f(q, x: 1)"),
        ("a = f(q", "a = f(q)"),
        ("a = .5", "a = 0.5"),
        ("a = b;", "a = b"),
        ("a = b < c < d", "a = b < c and c < d"),
        ("optinal a = b", "optional a = b"),
        ("a = b else c", "optional a = b else c"),
        ("a = f(q]", "a = f(q)"),
        ("a = f(q,, r)", "a = f(q, r)"),
    ],
)
def test_repair_of_one_token(body: str, edited: str) -> None:
    frame = 'edition "2026"\nflow f(q: Text) -> Text {{\n  {}\n  return a\n}}\n'
    (diagnostic,) = diagnose(frame.format(body))
    edit = diagnostic.helps[0].edit
    assert edit is not None
    assert apply(frame.format(body), edit) == frame.format(edited)


def test_unclosed_bracket_shows_its_opener() -> None:
    text = 'edition "2026"\nflow f() -> T {\n  a = gen(q, samples: 5\n  b = a\n}\n'
    (diagnostic,) = diagnose(text)
    (opened,) = diagnostic.secondary
    assert (opened.span.start, opened.text) == (text.index("(q"), "opened here")


def test_indentation_accuses_the_inner_block() -> None:
    text = 'edition "2026"\nflow f() -> T {\n  repeat 3 {\n    a = b\n\n  return a\n}\n'
    (diagnostic,) = diagnose(text)
    assert diagnostic.secondary[0].span.start == text.index("{\n    a")


def test_reports_in_one_string_stop_after_the_limit() -> None:
    diagnostics = diagnose('edition "2026"\nmemory m { k = "' + "\\q" * 500 + '" }')
    assert [each.code for each in diagnostics] == ["GD0116"] * 100


def test_reports_stop_after_the_limit() -> None:
    diagnostics = diagnose('edition "2026"\n' + "modle x { }\n" * 500)
    assert len(diagnostics) == 100
    assert "`reports`, 100" in diagnostics[-1].notes[-1]
