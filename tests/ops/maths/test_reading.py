"""What the answer of a reply is, read as mathematics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.extract import extract, find_answer
from graphdsl.ops.maths.numbers import equal_numbers, is_number, plain_number
from graphdsl.ops.maths.wording import as_latex
from graphdsl.values import Answer, Draft


def shown(text: str) -> str | None:
    found = find_answer(text, "maths")
    return None if found is None else found.shown


def key(text: str) -> str | None:
    found = find_answer(text, "maths")
    return None if found is None else found.key


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: 42", "42"),
        ("Answer: $1,000.", "1000"),
        ("Answer: 42 apples", "42"),
        ("Answer: x = 5", "x = 5"),
        ("Answer: x = 1 or x = 2", "x = 1 or x = 2"),
        (r"Answer: A = \pi r^2 = 9\pi", r"9\pi"),
        ("Answer: 3 + 4 = 7", "7"),
        (r"Answer: The total is $\frac12$ m", r"\frac12"),
        (r"Answer: $10$ dollars and $5$ cents", "10  dollars and  5  cents"),
        (r"Answer: $12\ \text{cm}^2$", "12"),
        (r"Answer: \text{(C)}", "C"),
        ("Answer: (1, 2)", "(1, 2)"),
        ("Answer: no solution", "no solution"),
        ("**Answer:** **7**", "7"),
        ("Answer: 50%", "50%"),
        ("Answer: 5!", "5!"),
        ('Answer: "45"', "45"),
        ("Answer: '1'", "1"),
        ("Answer: 15,000 + 5,000 = 20,000", "20000"),
        ("Answer: x = 1, y = 2", "x = 1, y = 2"),
        (r"So \boxed{\frac{1}{2}}.", "1/2"),
        (r"\boxed{12} dollars", "12"),
        ("#### -5", "-5"),
        ("So the answer is 42.", "42"),
        ("it is 42!", "42"),
        ("3 + 4 = 7", "7"),
        ("costs $5 and $6, so $11 in all.", "11"),
        ("I think that a is x^2 + 1.", "x^2 + 1"),
        ("We have $x=5$.\nSo the total is 42 apples", "42"),
        (r"The result is \[ x^2 + 2x \]", "x^2 + 2x"),
        ("the value is 2π.", "2π"),
        ("x + 1", "x + 1"),
        ("no idea", None),
        ("", None),
    ],
)
def test_the_answer_is_what_is_marked_else_the_last_expression(
    text: str, answer: str | None
) -> None:
    assert shown(text) == answer


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Answer: 0.50", r"\boxed{\frac{1}{2}}"),
        ("Answer: 1,000", "it is 1000.0"),
        ("Answer: x+1", "Answer: $x + 1$"),
        (r"Answer: \dfrac{x}{2}", r"Answer: \frac{x}{2}."),
        ("Answer: No solution.", "Answer: no  solution"),
        ("Answer: sqrt(2)", r"Answer: \sqrt{2}"),
        ("Answer: x**2", "Answer: x²"),
    ],
)
def test_what_is_written_alike_has_one_key(one: str, two: str) -> None:
    assert key(one) == key(two)


def test_letters_keep_their_case_in_expressions_and_not_in_words() -> None:
    assert key("Answer: x + 1") != key("Answer: X + 1")
    assert key("Answer: Yes") == key("Answer: yes")


def test_the_operator_reads_mathematics() -> None:
    assert extract({"of": Draft(r"So \boxed{x^2}"), "by": "maths"}) == Answer("x^2")
    assert extract({"of": "nothing", "by": "maths"}) == Answer("")


def test_plain_numbers_are_told_from_expressions() -> None:
    assert plain_number(r"-\frac{3}{4}") == ("-3/4", "-0.75")
    assert plain_number("1{,}000") == ("1000", "1000")
    assert plain_number("2^3") is None
    assert plain_number("1/0") == ("1/0", "1/0")
    assert not is_number("x")
    assert not is_number("1e999999")  # would be a number of a million digits


@pytest.mark.parametrize(
    ("one", "two", "equal"),
    [
        ("0.333333", "1/3", True),
        ("0.3333", "1/3", False),
        ("50%", "50", True),
        ("50%", "0.5", True),
        ("50%", "5", False),
        ("50%", "25%", False),
        ("0.0000001", "0.0000002", False),
        ("0", "0.0000001", False),
        ("1234567.1", "1234567.2", False),
        ("2", "3", False),
        ("1e9999", "2", False),
    ],
)
def test_numbers_are_equal_to_six_decimals_where_one_has_a_point(
    one: str, two: str, equal: bool
) -> None:
    assert equal_numbers(one, two) is equal
    assert equal_numbers(two, one) is equal


@given(st.text() | st.text(alphabet="x1=$\\{}()[] +-*/.,^%\n!ao"))
def test_no_text_breaks_the_reader_and_what_is_shown_is_read_again(text: str) -> None:
    find_answer(text, "maths")
    find_answer(f"Answer: {text}", "maths")
    as_latex(text)


@given(st.integers(-(10**9), 10**9))
def test_a_number_is_its_own_answer(number: int) -> None:
    for text in (f"Answer: {number:,}", f"\\boxed{{{number}}}", f"so it is {number}."):
        assert key(text) == str(number)


@pytest.mark.parametrize("text", ["$" * 50_000, "\\[" * 50_000, "{" * 50_000, "x=" * 50_000])
def test_long_texts_of_signs_are_read_quickly(text: str) -> None:
    find_answer(text, "maths")
    find_answer("Answer: " + text, "maths")
