"""Caps on the size of a source, each reported by name."""

from __future__ import annotations

import pytest

from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.syntax.decode import decode
from graphdsl.syntax.limits import DEFAULT, Limits
from graphdsl.syntax.parse import parse

HEAD = 'edition "2026"\n'


def diagnose(text: str, limits: Limits = DEFAULT) -> tuple[Diagnostic, ...]:
    return parse(Source("x.tts", text), limits)[1]


def pool(depth: int) -> str:
    return f"{HEAD}pool p = {'[' * depth}a{']' * depth}\n"


@pytest.mark.parametrize(
    ("text", "limits", "code", "name"),
    [
        (HEAD + "# é\n", Limits(file_bytes=19), "GD0701", "file_bytes"),
        (HEAD + "model x { }\n", Limits(line_length=13), "GD0702", "line_length"),
        (pool(4), Limits(nesting=3), "GD0703", "nesting"),
        (HEAD + 'memory m { k = "abcd" }', Limits(string_length=3), "GD0704", "string_length"),
        (HEAD + 'memory m { k = """abcd""" }', Limits(string_length=3), "GD0704", "string_length"),
    ],
)
def test_excess_names_the_limit_and_its_value(
    text: str, limits: Limits, code: str, name: str
) -> None:
    (diagnostic,) = diagnose(text, limits)
    value = getattr(limits, name)
    assert diagnostic.code == code
    assert f"`{name}`, {value} " in diagnostic.notes[0]
    assert diagnostic.data == {"limit": name, "value": value}


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (HEAD + "model x { }\n", Limits(file_bytes=27, line_length=14)),
        (pool(3), Limits(nesting=3)),
        (HEAD + 'memory m { k = "0123456" }', Limits(string_length=7)),
    ],
)
def test_a_limit_may_be_reached(text: str, limits: Limits) -> None:
    assert diagnose(text, limits) == ()


def test_excess_is_shown_at_its_line() -> None:
    (diagnostic,) = diagnose(HEAD + "model long_name { }\n", Limits(line_length=15))
    assert diagnostic.primary.span.start == len(HEAD)


@pytest.mark.parametrize(
    "inner",
    [
        "[" * 200_000,
        "f(" * 100_000,
        "not " * 100_000 + "a",
        "[" * 100_000 + "]" * 100_000,
        "{ a: " * 50_000,
    ],
)
def test_deep_nesting_is_one_error(inner: str) -> None:
    text = f"{HEAD}memory m {{\n" + "k = " + inner.replace(" ", "\n") + "\n}\n"
    codes = [each.code for each in diagnose(text, Limits(line_length=1 << 20))]
    assert codes == ["GD0703"]


def test_else_if_counts_as_nesting() -> None:
    chain = "if c { yield a } else " * 101 + "{ yield b }"
    text = f"{HEAD}flow f() -> T {{ x = {chain} }}"
    assert [each.code for each in diagnose(text)] == ["GD0703"]


def test_many_separate_conditions_do_not_nest() -> None:
    line = "x = if c { yield a } else if d { yield e } else { yield b }\n"
    assert diagnose(f"{HEAD}flow f() -> T {{ {line * 300} }}") == ()


def test_nesting_at_the_limit_is_built_without_recursion() -> None:
    deep = 5000
    file, diagnostics = parse(Source("x.tts", pool(deep)), Limits(nesting=deep))
    assert diagnostics == ()
    assert len(file.items) == 1


def test_a_line_of_ten_megabytes_is_refused() -> None:
    assert [each.code for each in diagnose("x" * 10_000_000)] == ["GD0701"]
    source, diagnostics = decode(b"x" * 10_000_000, "x.tts")
    assert source is None
    assert [each.code for each in diagnostics] == ["GD0701"]
