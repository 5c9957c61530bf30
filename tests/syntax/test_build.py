"""What the tree says: positions, precedence, strings, numbers and the forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import pytest

from graphdsl.diagnostics import Source
from graphdsl.syntax import tree
from graphdsl.syntax.parse import parse

Golden = Callable[[Path, str], None]
SAMPLE = Path(__file__).parent.parent / "golden" / "parse" / "everything.tts"


def read(text: str) -> tree.File:
    file, diagnostics = parse(Source("x.tts", text))
    assert diagnostics == ()
    return file


def expression(text: str) -> Any:
    """The value of the one entry of a block."""
    file = read(f'edition "2026" memory m {{ k = {text} }}')
    (memory,) = file.items
    assert isinstance(memory, tree.Memory)
    return memory.entries[0].value


def statements(text: str) -> tuple[tree.Stmt, ...]:
    (flow,) = read(f'edition "2026" flow f() -> T {{ {text} }}').items
    assert isinstance(flow, tree.Flow)
    return flow.body


def children(node: tree.Node) -> Iterator[tree.Node]:
    for field in fields(node):
        value = getattr(node, field.name)
        for each in cast(tuple[Any, ...], value if isinstance(value, tuple) else (value,)):
            if isinstance(each, tree.Node):
                yield each


def walk(node: tree.Node) -> Iterator[tree.Node]:
    yield node
    for child in children(node):
        yield from walk(child)


def outline(value: Any) -> str:
    """An expression as nested brackets, to compare structure without positions."""
    match value:
        case tree.Ref():
            return str(value)
        case tree.Not(operand=operand):
            return f"(not {outline(operand)})"
        case tree.Compare(op=op, left=left, right=right):
            return f"({outline(left)} {op} {outline(right)})"
        case tree.Logic(op=op, operands=operands):
            return "(" + f" {op} ".join(map(outline, operands)) + ")"
        case _:
            raise AssertionError(value)


def dump(node: tree.Node, source: Source, depth: int = 0) -> list[str]:
    """One line for each node: its kind, its place and what it holds beside other nodes."""
    line, column = source.position(node.span.start)
    plain = {
        field.name: getattr(node, field.name)
        for field in fields(node)
        if isinstance(getattr(node, field.name), str | int | float | None) and field.name != "span"
    }
    held = "".join(f" {name}={value!r}" for name, value in plain.items())
    length = node.span.end - node.span.start
    out = [f"{'  ' * depth}{type(node).__name__} {line}:{column}+{length}{held}"]
    for child in children(node):
        out += dump(child, source, depth + 1)
    return out


def test_tree_of_every_construct(golden: Golden) -> None:
    source = Source("everything.tts", SAMPLE.read_text(encoding="utf-8"))
    file, diagnostics = parse(source)
    assert diagnostics == ()
    golden(SAMPLE.with_suffix(".out"), "\n".join(dump(file, source)) + "\n")


def test_children_lie_within_their_parents_in_order() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    for node in walk(read(text)):
        at = node.span.start
        assert text[at] not in " \n"
        assert text[node.span.end - 1] not in " \n" or node.span.start == node.span.end
        for child in children(node):
            if isinstance(node, tree.Choice | tree.Tune) or child.span == node.span:
                continue
            assert at <= child.span.start <= child.span.end <= node.span.end
            at = child.span.end if not isinstance(child, tree.Name) else at


def test_names_are_the_text_at_their_place() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    names = [node for node in walk(read(text)) if isinstance(node, tree.Name)]
    assert len(names) > 150
    assert all(text[name.span.start : name.span.end] == name.text for name in names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and c", "(a or (b and c))"),
        ("a and b or c and d", "((a and b) or (c and d))"),
        ("not a == b", "(not (a == b))"),
        ("(not a) == b", "((not a) == b)"),
        ("not a and b", "((not a) and b)"),
        ("a and not b == c or d", "((a and (not (b == c))) or d)"),
        ("not not a < b", "(not (not (a < b)))"),
        ("a == not b", "(a == (not b))"),
        ("(a or b) and c", "((a or b) and c)"),
        ("a or b or c", "(a or b or c)"),
        ("(a or b) or c", "((a or b) or c)"),
        ("not (a or b)", "(not (a or b))"),
        ("((a)) == (b)", "(a == b)"),
        ("not a", "(not a)"),
    ],
)
def test_precedence(text: str, expected: str) -> None:
    assert outline(expression(text)) == expected


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x and (a) == b", {"(a) == b", "x and (a) == b"}),
        ("(a or b) and not (c)", {"a or b", "not (c)", "(a or b) and not (c)"}),
        ("not (a) == (b) and c", {"(a) == (b)", "not (a) == (b)", "not (a) == (b) and c"}),
    ],
)
def test_operators_cover_their_parentheses(text: str, parts: set[str]) -> None:
    source = f'edition "2026" memory m {{ k = {text} }}'
    operators = (tree.Compare, tree.Logic, tree.Not)
    found = {
        source[node.span.start : node.span.end]
        for node in walk(expression(text))
        if isinstance(node, operators)
    }
    assert found == parts


def test_positional_argument_covers_its_parentheses() -> None:
    (arg,) = expression("f( (a) )").args
    assert arg.span.end - arg.span.start == len("(a)")


@pytest.mark.parametrize(
    ("literal", "value", "exact"),
    [
        ('"plain"', "plain", True),
        (r'"a\nb\t\"\\"', 'a\nb\t"\\', False),
        (r'"\u00e9\ud83d\ude00"', "é😀", False),
        ('""', "", True),
        ('"""one line \\n raw"""', "one line \\n raw", True),
        ('"""  kept  """', "  kept  ", True),
        ('"""\n    a\n      b\n    """', "a\n  b", False),
        ('"""a\n  b"""', "a\n  b", True),
        ('"""\r\n  a\r\n  b\r\n"""', "a\nb", False),
        ('"""say "hi" """', 'say "hi" ', True),
        ('""""""', "", True),
        ('"""\n"""', "", False),
    ],
)
def test_strings(literal: str, value: str, exact: bool) -> None:
    string = expression(literal)
    assert (string.value, string.offsets_exact) == (value, exact)


@pytest.mark.parametrize("text", [r'"\q"', r'"\ud800"', r'"\u12"', '"\\\u00e9"'])
def test_bad_escape_is_one_error_at_the_escape(text: str) -> None:
    source = f'edition "2026" memory m {{ k = {text} }}'
    _, (diagnostic,) = parse(Source("x.tts", source))
    assert diagnostic.code == "GD0116"
    assert source[diagnostic.primary.span.start] == "\\"


@pytest.mark.parametrize(
    ("text", "value"),
    [("20_000", 20000), ("-3", -3), ("0.5", 0.5), ("1e3", 1000.0), ("1.0", 1.0), ("007", 7)],
)
def test_numbers_keep_their_kind(text: str, value: float) -> None:
    number = expression(text)
    assert number.value == value
    assert type(number.value) is type(value)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400, "9" * 5000])
def test_too_large_numbers_are_errors(text: str) -> None:
    _, (diagnostic,) = parse(Source("x.tts", f'edition "2026" memory m {{ k = {text} }}'))
    assert diagnostic.code == "GD0115"


def test_chained_comparison_is_one_error() -> None:
    text = 'edition "2026" memory m { k = a < b <= c }'
    _, (diagnostic,) = parse(Source("x.tts", text))
    assert diagnostic.code == "GD0121"
    assert text[diagnostic.primary.span.start :].startswith("<= c")


def test_both_kinds_of_repeat() -> None:
    fixed, bounded, kept = statements(
        "repeat 2 { a = b } repeat up to 3 carrying x: T = 1 { next x = a } until x "
        "repeat up to 3 { a = b } until a keeping best(a.score)"
    )
    assert isinstance(fixed, tree.Repeat)
    assert isinstance(bounded, tree.Repeat)
    assert isinstance(kept, tree.Repeat)
    assert (fixed.until, fixed.carried, fixed.keeping) == (None, (), None)
    assert str(bounded.until) == "x"
    assert [each.name.text for each in bounded.carried] == ["x"]
    assert kept.keeping is not None
    assert str(kept.keeping.callee) == "best"


def test_short_prompt_is_one_turn_of_the_user() -> None:
    text = 'edition "2026" prompt p(q: Text) "Say {{ q }}"'
    (prompt,) = read(text).items
    assert isinstance(prompt, tree.Prompt)
    (turn,) = prompt.turns
    assert (turn.role.text, turn.template.value) == ("user", "Say {{ q }}")
    assert turn.role.span.start == turn.role.span.end == turn.template.span.start


def test_word_choice_as_argument_is_a_reference() -> None:
    (arg,) = expression("f(by: choice)").args
    assert isinstance(arg.value, tree.Ref)
    assert str(arg.value) == "choice"


def test_absent_parts_are_empty() -> None:
    (flow,) = read('edition "2026" flow f() -> List[T]? { }').items
    assert isinstance(flow, tree.Flow)
    assert isinstance(flow.result, tree.NamedType)
    assert (flow.params, flow.body, flow.result.optional) == ((), (), True)
    assert expression("[]").items == ()
    assert expression("{ }").fields == ()
    assert expression("f()").args == ()
    assert expression("f(a,)").args[0].name is None


def test_else_if_nests_to_the_right() -> None:
    (bind,) = statements("a = if x { yield b } else if y { yield c } else { z = d yield z }")
    assert isinstance(bind, tree.Bind)
    assert isinstance(bind.value, tree.If)
    assert isinstance(bind.value.otherwise, tree.If)
    last = bind.value.otherwise.otherwise
    assert isinstance(last, tree.Block)
    assert (len(last.statements), str(last.result)) == (1, "z")


def test_reserved_words_may_be_keys() -> None:
    record = expression("{ flow: 1, in: 2, and: 3, choice: 4 }")
    assert [field.name.text for field in record.fields] == ["flow", "in", "and", "choice"]
    assert str(expression("a.model.in")) == "a.model.in"
