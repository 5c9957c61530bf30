"""Parsing files: many errors in one run, encodings, and texts that nobody would write."""

from __future__ import annotations

import codecs
import gc
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.diagnostics import Diagnostic, Source, has_errors
from graphdsl.syntax import tree
from graphdsl.syntax.decode import decode
from graphdsl.syntax.lexing import comments, lex
from graphdsl.syntax.parse import parse
from graphdsl.syntax.prebuilt import load_tables

SAMPLE = Path(__file__).parent.parent / "golden" / "parse" / "everything.tts"
TEXT = SAMPLE.read_text(encoding="utf-8")
WORDS = sorted(set(load_tables().literals().values()))
SOUP = [*WORDS, "name", "x", "3", "0.5", '"text"', '"', '"""', "# note\n", "\n", "\\", "ö", "\0"]


def read(text: str) -> tuple[tree.File, tuple[Diagnostic, ...]]:
    return parse(Source("x.tts", text))


def codes(text: str) -> list[str]:
    return [each.code for each in read(text)[1]]


def check_result(text: str) -> None:
    """Whatever the text, there is a file, and a text without items is an error."""
    source = Source("x.tts", text)
    file, diagnostics = parse(source)
    assert file.items or has_errors(diagnostics)
    for diagnostic in diagnostics:
        span = diagnostic.primary.span
        assert 0 <= span.start <= span.end <= len(text) + 1
        for advice in diagnostic.helps:
            if advice.edit:
                assert 0 <= advice.edit.span.start <= advice.edit.span.end <= len(text)


BROKEN = """\
edition "2026"

model q { name = "x"
modle z { name = "y" }
prompt judge(text: Text) \"\"\"
flow is a word that this prompt holds in column 1
\"\"\"
flow f(q: Text) -> Answer {
  a = gen(q, samples = 5)
  return a
}

flow g(q: Text) -> Answer {
  a = gen(q

flow h(q: Text) -> Answer { return q }
"""


def test_all_broken_items_are_reported_and_the_good_ones_kept() -> None:
    file, diagnostics = read(BROKEN)
    lines = [Source("", BROKEN).position(each.primary.span.start)[0] for each in diagnostics]
    assert [each.code for each in diagnostics] == ["GD0102", "GD0107", "GD0108", "GD0102"]
    assert lines == [3, 4, 9, 14]
    names = [item.name.text for item in file.items if isinstance(item, tree.Prompt | tree.Flow)]
    assert names == ["judge", "h"]


def test_a_good_file_never_depends_on_how_it_would_be_cut() -> None:
    text = 'edition "2026"\nsearch s {\nflow = f\nmodel = m\n} model a { } model\nb { }\n'
    file, diagnostics = read(text)
    assert diagnostics == ()
    assert len(file.items) == 3


def test_keys_in_the_first_column_do_not_begin_items() -> None:
    text = 'edition "2026"\nsearch s {\nflow = f\n}\nmodel m { x }\n'
    file, diagnostics = read(text)
    assert len(diagnostics) == len(file.items) == 1


def test_items_on_one_line_survive_an_error_elsewhere() -> None:
    file, _ = read('edition "2026"\nmodel a { } model b { }\nmodle c { }\n')
    assert len(file.items) == 2


def test_unknown_edition_silences_the_rest() -> None:
    assert codes('edition "2099"\nmodel x {\nfor y\n') == ["GD0114"]


@pytest.mark.parametrize(
    "text",
    [
        "model x { }",
        'editon "2026"\nmodel x { }',
        "edition 2026\nmodel x { }",
        "edition\nmodel x { }",
        'model x { }\nedition "2026"\n',
        'edition "2026"\nmodel x { }\nedition "2026"\n',
        'edition "2026',
    ],
)
def test_trouble_with_the_edition_is_one_error(text: str) -> None:
    assert codes(text) == ["GD0113"]


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", 'edition "2026"\n', "\ufeff"])
def test_file_without_items_is_one_error(text: str) -> None:
    assert codes(text) == ["GD0119"]


def test_items_are_kept_without_an_edition() -> None:
    file, _ = read("model x { }\npool p = [x]\n")
    assert (file.edition, len(file.items)) == (None, 2)


@pytest.mark.parametrize("text", [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT + "\n# end"])
def test_line_ends_and_byte_order_mark_are_accepted(text: str) -> None:
    file, diagnostics = read(text)
    assert diagnostics == ()
    assert len(file.items) == len(read(TEXT)[0].items)


def test_positions_count_a_byte_order_mark_that_is_in_the_text() -> None:
    file, _ = read("\ufeff" + TEXT)
    assert file.span.start == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'edition "2026"\nmodel \xff { }', "GD0120"),
        ("model x { }".encode("utf-16"), "GD0120"),
        (b"\x7fELF\x00\x01", "GD0120"),
        (b"x" * 2_000_000, "GD0701"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, code: str) -> None:
    source, diagnostics = decode(data, "x.tts")
    assert source is None
    assert [each.code for each in diagnostics] == [code]


def test_decode_drops_the_byte_order_mark() -> None:
    source, diagnostics = decode(codecs.BOM_UTF8 + TEXT.encode(), "x.tts")
    assert diagnostics == ()
    assert source == Source("x.tts", TEXT)


@pytest.mark.parametrize("text", ["a\0b", 'edition "2026"\nmodel x { name = "\ud800" }'])
def test_text_that_no_file_can_hold(text: str) -> None:
    assert codes(text) == ["GD0120"]


def test_comments_are_found_outside_of_strings_only() -> None:
    text = '# one\nmodel x { name = "# no" } # two\nprompt p() """\n# no\n"""'
    spans = comments(Source("x.tts", text))
    assert [text[span.start : span.end] for span in spans] == ["# one", "# two"]


def test_tokens_cover_the_text() -> None:
    """What lies between tokens is blank or a comment, also in a text full of errors."""
    text = TEXT.replace("(", "(ö ").replace("}", "} ; 'x'")
    tokens = lex(Source("x.tts", text))
    gaps = zip([0, *tokens.ends], [*tokens.starts, len(text)], strict=True)
    rest = [line for begin, end in gaps for line in text[begin:end].split("\n")]
    assert all(not part.strip() or part.lstrip().startswith("#") for part in rest)


@contextmanager
def collector(enabled: bool) -> Generator[None]:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool) -> None:
    with collector(enabled):
        read(TEXT)
        assert gc.isenabled() is enabled


def test_equal_texts_have_equal_trees() -> None:
    assert read(TEXT) == read(TEXT)


# ---- texts that nobody would write


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SOUP), max_size=40), st.sampled_from(["", " ", "\n"]))
def test_token_soup_never_raises(words: list[str], between: str) -> None:
    check_result('edition "2026"\n' + between.join(words))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_text_never_raises(text: str) -> None:
    check_result(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_never_raise(data: bytes) -> None:
    source, diagnostics = decode(data, "x.tts")
    assert (source is None) == has_errors(diagnostics)
    if source is not None:
        check_result(source.text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.sampled_from(SOUP))
def test_damaged_file_never_raises(at: int, length: int, word: str) -> None:
    check_result(TEXT[:at] + word + TEXT[at + length :])


@pytest.mark.parametrize("length", range(0, len(TEXT), 53))
def test_half_written_file_never_raises(length: int) -> None:
    check_result(TEXT[:length])


BODY = 'edition "2026"\nflow f(d: List[Draft], m: Model) -> List[Draft] {{\n  {}\n  return d\n}}\n'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = continue(d, by: m)", []),
        ("repeat 2 { continue }", ["GD0111"]),
        ("continue", ["GD0111"]),
        ("continue(d, by: m)", ["GD0126"]),
    ],
)
def test_continue_is_an_operator_with_arguments_and_a_foreign_word_alone(
    line: str, expected: list[str]
) -> None:
    assert codes(BODY.format(line)) == expected


@pytest.mark.parametrize("word", ["choice", "model", "step"])
def test_reserved_words_may_stand_where_only_a_word_can_be_meant(word: str) -> None:
    assert codes(BODY.format(f"x = group(d, by: {word})")) == []
    assert codes(BODY.format(f"x = group(d, by: {word} in [text, {word}])")) == []
    assert codes(f'edition "2026"\nflow f(by: Scorer = {word}) -> Text {{ return "" }}\n') == []
    assert codes(BODY.format(f"x = {word}")) != []
