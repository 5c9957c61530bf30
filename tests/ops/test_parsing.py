"""Lists, fields and numbers in what models write; parts of texts; lists of lists."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphdsl.errors import PromptError
from graphdsl.ops import lists, passages
from graphdsl.ops.answers import find_numbers
from graphdsl.ops.json_values import json_text, json_values
from graphdsl.ops.limits import ITEMS_LIMIT
from graphdsl.ops.parsing import parse_field, parse_list, parse_number
from graphdsl.values import Draft, Finish, Messages
from tests.plans import question


def listed(text: str) -> list[str]:
    return list(parse_list({"text": text}))


def field(text: str, name: str) -> str | None:
    return parse_field({"text": text, "field": name})


def number(text: str) -> float | None:
    return parse_number({"text": text})


# ---- lists


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('["a", "b"]', ["a", "b"]),
        ('Here it is:\n```json\n["a", "b"]\n```\nHope it helps', ["a", "b"]),
        ("[1, 2.50, -3e2, true, null]", ["1", "2.5", "-300", "true"]),
        ('[{"a": [1]}, ["b"], " c ", ""]', ['{"a": [1]}', '["b"]', "c"]),
        ('First ["x"]; no: ["y", "z"]', ["y", "z"]),
        ('{"steps": ["a", "b"]}', ["a", "b"]),
        ('{"step1": "add", "step2": "multiply"}', ["add", "multiply"]),
        ('{"step 10": "a", "Step 2 (last)": "b"}', ["a", "b"]),
        ('{"goal": "a", "means": "b"}', []),
        ('["a line\nbreak"]', ["a line\nbreak"]),
        ("[]", []),
        ("Scores: [7, 8]", ["7", "8"]),
        ("as in [1].\n1. a\n2. b", ["a", "b"]),
        ("- call a[] or a[0]", ["call a[] or a[0]"]),
        ("- x\n[]", []),
        ('unclosed [ and then\n[\n["a"]', ["a"]),
        ("1. a\n2. b", ["a", "b"]),
        ("Steps:\n  1) a\n  2) b\nDone.", ["a", "b"]),
        ("(1) a\n(2) b", ["a", "b"]),
        ("- a\n* b\n• c\n+ d", ["a", "b", "c", "d"]),
        ("Step 1: a\nSTEP 2 - b\nstep 3. c", ["a", "b", "c"]),
        ("**Step 1:** a\n### Step 2: b\n**Step 3: c** d", ["a", "b", "c d"]),
        ("1. **Bold**: a\n**2.** b", ["**Bold**: a", "b"]),
        ("1. a\n   - a1\n   - a2\n2. b\n- b1", ["a\n- a1\n- a2", "b\n- b1"]),
        ("1. a\n\n   more\n\n2. b\nprose\n   not b", ["a\nmore", "b"]),
        ("1. a\n   1. aa\n2. b", ["a\n1. aa", "b"]),
        ("1.\n2. b\n- - -", ["b\n- - -"]),
        ("* * *\n---\n- ", []),
        ("3.14 is pi\n1.5 is not\n10:30 it began", []),
        ("no list at all", []),
        ("", []),
        ("- a\r\n- b\r\n", ["a", "b"]),
    ],
)
def test_lists(text: str, items: list[str]) -> None:
    assert listed(text) == items


@given(st.lists(st.text(min_size=1).map(str.strip).filter(bool), min_size=1), st.sampled_from("ab"))
def test_a_json_list_of_texts_is_read_back_from_anywhere(items: list[str], form: str) -> None:
    written = json.dumps(items, ensure_ascii=form == "a")
    assert listed(f"The list:\n```json\n{written}\n```") == items


@given(st.lists(st.from_regex(r"\A[A-Za-z][A-Za-z ,.]{0,20}\Z"), min_size=1, max_size=9))
def test_a_numbered_list_is_read_back(items: list[str]) -> None:
    items = [item.strip() for item in items]
    lines = [f"{place}. {item}" for place, item in enumerate(items, 1)]
    assert listed("Sure:\n\n" + "\n".join(lines) + "\n\nThat is all.") == items


# ---- fields


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"difficulty": 0.7}', "0.7"),
        ('I think {"difficulty": "hard"} fits.', "hard"),
        ('{"difficulty": 1} no, {"difficulty": 2} {"other": 3}', "2"),
        ('{"difficulty": true}', "true"),
        ('{"difficulty": 3.0}', "3"),
        ('{"difficulty": {"b": ["é"]}}', '{"b": ["é"]}'),
        ('{"difficulty": null}', None),
        ('{"difficulty": ""}', ""),
        ('[{"difficulty": 1}, {"difficulty": 2}]', "2"),
        ('{"result": {"difficulty": 5}}', "5"),
        ('{"difficulty": 1, "more": {"difficulty": 5}}', "1"),
        ('```json\n{\n "difficulty": 4\n}\n```', "4"),
        ('{"Difficulty": 4}', None),
        ('{"difficulty": 4', None),
        ("difficulty: 4", None),
        ('{"difficulty": NaN}', "NaN"),
        ('{"difficulty": 1e999}', "1e999"),
        ("", None),
    ],
)
def test_fields(text: str, value: str | None) -> None:
    assert field(text, "difficulty") == value


def test_a_number_of_too_many_digits_stays_a_text() -> None:
    digits = "9" * 5000
    assert field(f'{{"n": {digits}}}', "n") == digits
    assert listed(f"[{digits}]") == [digits]


# ---- numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("first 3, then 4.5", 4.5),
        ("about 50%", 50),
        ("3/4", 0.75),
        (r"\frac{1}{2}", 0.5),
        ("-1,000", -1000),
        ("2 or 1/0", 2),
        ("7 and 1e9999", 7),
        ("1" * 400, None),
        ("1/" + "9" * 400, None),
        ("7 of 3/" + "9" * 400, 7),
        ("none", None),
        ("", None),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_is_read_back(value: float) -> None:
    assert number(f"It is {value:.6f}") == float(f"{value:.6f}")


@given(st.text(alphabet="0123456789/.,eE+-% $\\{}fracx", max_size=40))
def test_the_last_number_that_is_one_counts(text: str) -> None:
    found = number(text)
    assert found is None or math.isfinite(found)
    if found is None:
        assert all("/0" in one or "e" in one or len(one) > 30 for one in find_numbers(text))


# ---- any text at all

HOSTILE = {
    "brackets": "[" * 100_000,
    "closed brackets": "[" * 50_000 + "]" * 50_000,
    "braces": '{"a":' * 100_000,
    "lines of brackets": "[\n" * 50_000,
    "lists in lists": '["a", ' * 100_000,
    "an endless string": '["' + "a" * 300_000,
    "many endless strings": '[" ' * 30_000,
    "brackets within strings": '"[' * 30_000,
    "spaces": " " * 300_000 + "x",
    "tabs and marks": "\t" * 300_000 + "1.",
    "quotes": "> " * 150_000 + "1. a",
    "stars": "*" * 300_000,
    "empty lines": "\n" * 100_000,
    "numbers": "1," * 150_000,
    "groups of digits": "1,111" * 60_000,
    "fractions": "1/" * 150_000,
    "begun fractions": "\\frac{" * 50_000,
    "digits": "7" * 300_000,
    "surrogates": "\ud800[\udfff" * 60_000,
    "zeros": "\0[\0" * 100_000,
    "steps": "step 1" * 50_000,
    "items": "- a\n" * 75_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_are_read_in_linear_time(text: str) -> None:
    """None takes a second; what is not linear would take hours."""
    found, value, last = listed(text), field(text, "a"), number(text)
    assert all(isinstance(item, str) for item in found)
    assert value is None or isinstance(value, str)
    assert last is None or math.isfinite(last)


JSONISH = st.text(alphabet='[]{}",:\\ \nab019-.*#\ud800\0', max_size=60)


@given(st.one_of(st.text(), JSONISH))
@example('{"a": "\\ud800"}')
@example("[" * 2000 + "]" * 2000)
@example('{"a": ' * 990 + "1" + "}" * 990)
def test_no_text_makes_anything_fail(text: str) -> None:
    assert all(item.strip() for item in listed(text))
    assert field(text, "a") is None or isinstance(field(text, "a"), str)
    number(text)
    for mark in ("", "a", "\n", '"'):
        parts = passages.split({"text": text, "at": mark})
        assert all(one == one.strip() and one for one in parts)
        passages.part({"text": text, "after": mark, "before": "b"})
    passages.draft({"text": text, "question": text})


@given(JSONISH)
def test_outermost_values_are_json_and_do_not_overlap(text: str) -> None:
    end = 0
    for found in json_values(text):
        assert end <= found.start < found.end <= len(text)
        end = found.end
        written = text[found.start : found.end]
        assert json.loads(written, strict=False) == found.value


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_what_is_written_as_json_is_found_again(value: Any) -> None:
    text = f"so: {json.dumps([value])}."
    assert [found.value for found in json_values(text)] == [[value]]


def test_a_list_has_no_more_items_than_lists_may_have() -> None:
    text = "1," * ITEMS_LIMIT + "1"
    for make in (lambda: listed(f"[{text}]"), lambda: passages.split({"text": text, "at": ","})):
        with pytest.raises(PromptError, match="1,000,000 items"):
            make()


def test_a_value_is_no_longer_than_texts_may_be() -> None:
    with pytest.raises(PromptError, match="characters"):
        json_text([1e15] * 300_000)


# ---- parts


@pytest.mark.parametrize(
    ("text", "after", "before", "found"),
    [
        ("a <x> b </x> c", "<x>", "</x>", "b"),
        ("<x>1</x> <x>2</x>", "<x>", "</x>", "2"),
        ("Follow up: who?", "Follow up:", "", "who?"),
        ("first: second", "", ":", "first"),
        ("all of it ", "", "", "all of it"),
        ("<x>1</x> <x>2", "<x>", "</x>", None),
        ("nothing", "<x>", "", None),
        ("<x></x>", "<x>", "</x>", ""),
        ("", "", "", ""),
    ],
)
def test_parts(text: str, after: str, before: str, found: str | None) -> None:
    assert passages.part({"text": text, "after": after, "before": before}) == found


@pytest.mark.parametrize(
    ("text", "at", "parts"),
    [
        ("a\n\n b \n", "\n", ("a", "b")),
        ("a; b", ";", ("a", "b")),
        ("a b", "", ("a b",)),
        (" ", "", ()),
        ("", "\n", ()),
    ],
)
def test_splits(text: str, at: str, parts: tuple[str, ...]) -> None:
    assert passages.split({"text": text, "at": at}) == parts


def test_a_text_becomes_a_draft_with_its_answer_and_question() -> None:
    draft = passages.draft({"text": "So.\nAnswer: 7", "question": "3 + 4?<|im_end|>"})
    assert (draft.text, draft.answer, draft.complete) == ("So.\nAnswer: 7", "7", True)
    assert draft.prompt == question("3 + 4?< |im_end|>")
    assert passages.draft({"text": "a", "question": None}).prompt is None
    asked = Messages.user("already a prompt")
    assert passages.draft({"text": "a", "question": asked}).prompt is asked


def test_an_empty_text_is_a_failed_draft() -> None:
    draft = passages.draft({"text": " \n", "question": "why?"})
    assert draft == Draft(
        "", finish=Finish.ERROR, error="the text is empty", prompt=question("why?")
    )


# ---- lists of lists


@given(st.lists(st.lists(st.integers()).map(tuple)).map(tuple), st.integers(0, 9))
def test_rearranging_loses_and_makes_nothing(groups: tuple[tuple[int, ...], ...], n: int) -> None:
    flat = lists.flatten({"lists": groups})
    assert flat == sum(groups, ())
    assert lists.reverse({"items": lists.reverse({"items": flat})}) == flat
    head, tail = (make({"items": flat, "count": n}) for make in (lists.take, lists.drop))
    assert head + tail == flat
    assert len(head) == min(n, len(flat))


def test_rearranging_by_hand() -> None:
    assert lists.flatten({"lists": ((1, 2), None, (), (3,))}) == (1, 2, 3)
    assert lists.reverse({"items": (1, 2, 3)}) == (3, 2, 1)
    assert lists.drop({"items": (1, 2, 3), "count": 1.0}) == (2, 3)


def test_a_flat_list_has_no_more_items_than_lists_may_have() -> None:
    many = tuple(range(ITEMS_LIMIT))
    with pytest.raises(PromptError, match="1,000,000 items"):
        lists.flatten({"lists": (many, (1,))})
