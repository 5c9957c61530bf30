"""Reading answers out of replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops import extract as extraction
from graphdsl.ops.answers import as_number, find_numbers, last_number, normal_number, normal_text
from graphdsl.ops.extract import extract, find_answer
from graphdsl.values import Answer, Draft


def read(text: str, by: str) -> str | None:
    found = find_answer(text, by)
    return None if found is None else found.shown


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 + 4 = 7", "7"),
        ("Answer: 7", "7"),
        ("ANSWER : 7 because 3 + 4\nis not 9", "4"),
        ("**Answer:** 7", "7"),
        ("Answer:\n\n 42 \n", "42"),
        ("Answer: 5\nNo, wait. Answer: 6", "6"),
        ("Answer: 5\nOr 9?\nAnswer:", "5"),
        ("#### 1,000", "1000"),
        (r"So \boxed{\frac{1}{2}} is it, out of 7", "1/2"),
        (r"\boxed{12} and \boxed{unclosed", "12"),
        ("it costs $1,234.50.", "1234.5"),
        ("about 50%", "50"),
        ("x = 5-3", "3"),
        ("it is -3", "-3"),
        ("it is −3", "-3"),
        ("(-3)", "-3"),
        ("-0", "0"),
        ("007", "7"),
        ("1e3", "1000"),
        ("2.50", "2.5"),
        (".5", "0.5"),
        ("3/4", "3/4"),
        ("4 apples and 5kg", "5"),
        ("[1, 2, 3]", "3"),
        ("no idea", None),
        ("", None),
        ("Answer: none, though 8 came up", "8"),
    ],
)
def test_numbers_are_read_from_the_mark_or_the_end(text: str, number: str | None) -> None:
    assert read(text, "number") == number


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("(B)", "B"),
        ("B.", "B"),
        ("b", "B"),
        ("Answer: b", "B"),
        ("Answer: (C) since A is wrong", "C"),
        ("Answer: D) the last", "D"),
        ("Answer: I think B", "B"),
        (r"\boxed{\text{C}}", "C"),
        ("A is wrong, so the answer is C", "C"),
        ("I considered (A) and then chose (D).", "D"),
        ("Option B fits best", "B"),
        ("C) Paris", "C"),
        ("I do not know a thing", None),
        ("K", None),
        ("", None),
    ],
)
def test_choices_are_letters_not_words(text: str, letter: str | None) -> None:
    assert read(text, "choice") == letter


def test_a_text_answer_is_the_marked_part_else_all() -> None:
    assert read("I think.\nAnswer: The  Seine ", "text") == "The  Seine"
    assert read("  Paris ", "text") == "Paris"
    assert read(" \n", "text") is None


def test_texts_are_equal_up_to_case_space_and_final_punctuation() -> None:
    first, second = find_answer("Answer: The Seine."), find_answer("the  seine")
    assert first is not None
    assert second is not None
    assert first.key == second.key
    assert first.shown == "The Seine."


def test_nothing_is_evaluated() -> None:
    assert read("Answer: 2+2", "text") == "2+2"
    assert read("Answer: 2*3", "number") == "3"
    assert as_number("2+2") is None


def test_the_operator_keeps_the_confidence_of_a_draft() -> None:
    found = extract({"of": Draft("Answer: 7", confidence=0.5, tie=True), "by": "number"})
    assert found == Answer("7", 0.5, True)
    assert extract({"of": "nothing here", "by": "number"}) == Answer("")


def test_numbers_of_answers_compare_as_numbers() -> None:
    assert as_number("1,000.0") == 1000
    assert as_number("$5") == 5
    assert as_number("1/0") is None
    assert as_number("five") is None


@pytest.mark.parametrize("by", ["number", "maths"])
@pytest.mark.parametrize("number", ["1e5000/1", "1e-9999/3", "9" * 5000 + "/7", "1/" + "3" * 5000])
def test_a_number_too_long_to_compute_with_stays_as_it_is_written(number: str, by: str) -> None:
    found = find_answer(f"Answer: {number}", by)
    assert found is not None
    assert found.shown == found.key == number


def test_only_the_last_marks_are_looked_at() -> None:
    none = "Answer: none\n" * (extraction.LOOKED_AT - 1)
    assert read("Answer: 7, not 8\n" + none, "number") == "8"
    assert read("Answer: 7\n" + none + "9, or", "number") == "7"
    assert read("Answer: 7\n" + none + "Answer: none\n9, or", "number") == "9"


@pytest.mark.parametrize(
    "text",
    [
        "####" * 20_000,
        "#### " * 20_000,
        "\\boxed{" * 3000 + "}" * 3000,
        "answer" + " " * 20_000 + "x",
        "answer: x\n" * 5000,
        "\n" * 80_000,
    ],
)
def test_long_texts_of_marks_are_read_in_one_sweep(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: no more texts are read than there are marks to look at, and the one."""
    asked: list[str] = []
    real = extraction._read  # pyright: ignore[reportPrivateUsage]

    def counted(part: str, by: str, *, marked: bool) -> object:
        asked.append(part)
        return real(part, by, marked=marked)

    monkeypatch.setattr(extraction, "_read", counted)
    for by in ("text", "number", "choice", "maths"):
        asked.clear()
        find_answer(text, by)
        assert len(asked) <= extraction.LOOKED_AT + 1


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    for by in ("text", "number", "choice", "maths"):
        find_answer(text, by)
    as_number(text)


WORDS = (
    "Answer: answer answers ANSWER ANſWER İanswer : ** #### ##### ###### \\boxed{ \\boxed \\BOXED{ "
    "{ } {} \\frac{ \\frac{1}{2x} }{ / - + . , % $ 1 2.5 1,000 007 3/4 1e3 1e3x 5-3 .5 x5 "
    "so it is the end e"
)
PIECES = st.sampled_from([*WORDS.split(), " ", "  ", "\n"])
LONG = st.lists(st.sampled_from(["the end", " so it is ", "\n", "\\frac{the apples", "}{so 2}"]))


def soup(pieces: list[str], tail: list[str]) -> str:
    """A text long enough that its end is looked at first."""
    return "".join(tail) + " ".join(pieces) + "".join(pieces)


@given(st.lists(PIECES, max_size=40), LONG)
def test_the_last_mark_is_found_from_behind_as_from_the_front(
    pieces: list[str], tail: list[str]
) -> None:
    text = soup(pieces, tail)
    behind = [mark.span() for mark in extraction._marks(text)]  # pyright: ignore[reportPrivateUsage]
    front = [mark.span() for mark in extraction._MARK.finditer(text)]  # pyright: ignore[reportPrivateUsage]
    assert behind == front[::-1]


@given(st.lists(PIECES, max_size=40), LONG)
def test_the_last_number_is_the_last_of_all(pieces: list[str], tail: list[str]) -> None:
    for text in (soup(pieces, tail), soup(pieces, tail) + "".join(tail) * 3):
        assert last_number(text) == (find_numbers(text) or [None])[-1]


@given(st.text(alphabet="{}ab", max_size=30), st.integers(0, 5))
def test_braces_are_closed_by_their_own(text: str, start: int) -> None:
    depth, expected = 1, ""
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            expected = text[start:at]
            break
    assert extraction.braced(text, start) == expected


@given(st.integers(-(10**20), 10**20))
def test_integers_are_their_own_normal_form(number: int) -> None:
    assert find_numbers(f"so it is {number:,}.") == [str(number)]
    assert find_numbers(f"it is {number}") == [str(number)]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-9999, max_value=9999)
)
def test_normal_numbers_keep_their_value_and_are_stable(number: object) -> None:
    normal = normal_number(f"{number:f}")
    assert float(normal) == float(str(number))
    assert normal_number(normal) == normal


@given(st.text())
def test_normal_text_is_stable(text: str) -> None:
    once = normal_text(text)
    assert normal_text(once) == once
