"""What judges write, read: verdicts, points, preferences, relevance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.scoring.points import read_points
from graphdsl.ops.scoring.preferences import read_preference
from graphdsl.ops.scoring.rerank import read_relevance
from graphdsl.ops.scoring.verdicts import before_verdict, read_verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Yes", True),
        ("no.", False),
        ("**Yes**, since 3 + 4 is 7.", True),
        ("No, it should be 7. Yes, 3 + 4 is 7.", False),
        ("No errors were found. The answer is correct.", True),
        ("The sum is right.\nVerdict: [Correct]", True),
        ("[Correct] at first sight, but no:\n[Incorrect]", False),
        ("[Correct] or [Incorrect]", None),
        ("Step 1 is correct.\nSo the answer is incorrect.", False),
        ("Step 1 is wrong.\nSo the answer is correct.", True),
        ("The answer is not correct.", False),
        ("The answer isn't quite right.", False),
        ("Verification: Is the answer correct (Yes/No)? Yes", True),
        ("Verification: Is the answer correct (Yes/No)? No", False),
        ("Is it right (Yes/No)? Yes\n\nWait.\nVerdict: No", False),
        ("**Verdict:** No", False),
        ("Final judgement - yes", True),
        ("I say yes and no", False),
        ("I know nothing about it", None),
        ("", None),
        ("Yesterday it rained", None),
        ("The answer is incorrect.\nThe correct answer is 12.", False),
        ("This is wrong.\nThe right answer would be 5.", False),
        ("It is wrong. It should be 5, which is right.", False),
        ("The correct answer is 12.", None),
        ("It matches the correct answer.", True),
        ("It does not match the correct answer.", False),
        ("This is the correct answer.", True),
        ("It is not a correct answer", False),
        ("The answer is correct.\nStep 2 could be shorter, which is not wrong.", True),
        ("The answer is correct, but step 1 is wrong.", True),
        ("There is no mistake; the answer is correct", True),
        ("There is no mistake in the sum, and still the answer is incorrect.", False),
        ("I cannot find anything that is not correct.", True),
        ("Nothing is wrong here.", True),
        ("I am not sure whether it is correct.", None),
        ("Is the answer correct?", None),
        ("I'd say yes, there is no error.", True),
        ("The answer is 'Yes'.\n\nNo further comments.", True),
        ("Correct: 7? No, it is 8.", False),
        ("It is a right triangle.", None),
        ("The solution is partially correct.", False),
        ("Verdict: partially correct", False),
        ("Verdict: No errors found, the answer is correct.", True),
        ("Verdict: Not right", False),
        ("Verdict: Incorrect. The correct answer is 5", False),
        ("Final verdict: The answer is incorrect", False),
        ("Verdict is No", False),
        ("Verdict: Yes (not No)", True),
        ("Verdict: Yes\nVerdict: No", False),
        ("Verdict: True", True),
        ("**Verdict:**\n\nFalse", False),
        ("Verdict: [True]", True),
        ("False", False),
        ("True, at first sight", None),
    ],
)
def test_verdicts_are_read_from_marks_beginnings_and_last_lines(
    text: str, verdict: bool | None
) -> None:
    assert read_verdict(text) is verdict


def test_reasons_are_what_comes_before_the_verdict() -> None:
    assert before_verdict("3 + 4 is 7.\n\nVerdict: Yes\n") == "3 + 4 is 7."
    assert before_verdict("3 + 4 is 7. So it is correct.") == "3 + 4 is 7."
    assert before_verdict("Yes") == ""
    assert before_verdict("It is 8. The answer is wrong.\nThe correct answer is 8.") == "It is 8."
    assert before_verdict("It is so. Yes, but no") == "It is so."
    assert before_verdict("3 + 4 is 7, then I was cut of") == "3 + 4 is 7, then I was cut of"


@pytest.mark.parametrize(
    ("text", "count", "points"),
    [
        ("[1] 7\n[2] 10", 2, [7, 10]),
        ("**[1]**: 7/10\n**[2]**: 3/10", 2, [7, 3]),
        ("1. 7\n2. 8 points\n3) 9", 3, [7, 8, 9]),
        ("Candidate 1: 7\nAnswer 2 - Score: 4", 2, [7, 4]),
        ("| [1] | 5 |\n| [2] | 6 |", 2, [5, 6]),
        ("Scores: [1] 7, [2] 9", 2, [7, 9]),
        ("[1] is good in 2 ways.\n[2] makes 3 errors.\n[2] 2\n[1] 9", 2, [9, 2]),
        ("[1] 3\nNo, better:\n[1] 8", 1, [8]),
        ("Critique… Scores: \\boxed{8, 5}", 2, [8, 5]),
        ("\\boxed{8}", 2, None),
        ("[1] 7", 2, None),
        ("[1] 0\n[2] 5", 2, None),
        ("[1] 11\n[2] 5", 2, None),
        ("[1]: 7.5\n[2] 5", 2, [7.5, 5]),
        ("[1] 10.5\n[2] 5", 2, None),
        ("1: 7, 2: 8", 2, [7, 8]),
        ("Scores: 1: 7; 2: 8.", 2, [7, 8]),
        ("[1] [7]\n[2] [8]", 2, [7, 8]),
        ("[1] [2] are good", 2, None),
        ("17\n1.7", 1, None),
        ("Candidate 1:\nScore: 7\n\n**Candidate 2**\nScore: 8", 2, [7, 8]),
        ("> 1. **7**\n> 2. **8**", 2, [7, 8]),
        ("\\boxed{7.5, x}", 2, None),
        ("[1] 99999999999999999999\n[2] 5", 2, None),
        ("good", 1, None),
        ("", 1, None),
    ],
)
def test_points_are_numbers_from_one_to_ten_for_everyone(
    text: str, count: int, points: list[float] | None
) -> None:
    assert read_points(text, count) == points


@given(st.lists(st.integers(1, 10), min_size=1, max_size=12))
def test_points_as_asked_for_are_read(points: list[int]) -> None:
    text = "\n".join(f"[{number}] {value}" for number, value in enumerate(points, 1))
    assert read_points("Think first.\n" + text, len(points)) == points


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("[A]", 1.0),
        ("[b]", 0.0),
        ("[Tie]", 0.5),
        ("My verdict: [[A]]", 1.0),
        ("[[C]]", 0.5),
        ("[A] is short, [B] is long.\n\n**[B]**", 0.0),
        ("[A] > [B]", 1.0),
        ("[B] > [A]", 0.0),
        ("[A] = [B]", 0.5),
        ("A", 1.0),
        ("**B.**", 0.0),
        ("Answer B", 0.0),
        ("Answer A is clearly better, since it is short.", 1.0),
        ("The better answer is B.", 0.0),
        ("Both are equal.", 0.5),
        ("It is a tie", 0.5),
        ("A good question", None),
        ("[A] is better than [B]", 1.0),
        ("[B] is worse than [A].", 1.0),
        ("[A] is far worse than [B].", 0.0),
        ("Answer [A] is better than answer [B].", 1.0),
        ("The better answer is [A], not [B].", 1.0),
        ("The better answer is [B] rather than answer [A]", 0.0),
        ("[A] is short, not long. So [B]", 0.0),
        ("[A] is not as good as [B]", 0.0),
        ("[A] is as good as [B]", 0.5),
        ("[A] is not better than [B]", None),
        ("[A]≻[B]", 1.0),
        ("[A] < [B]", 0.0),
        ("[A] and [B] are equally good", 0.5),
        ("Neither [A] nor [B] is right", 0.5),
        ("[Tie] between [A] and [B]", 0.5),
        ("Not a [Tie]: [B]", 0.0),
        ("[A] goes over the limit, [B]", 0.0),
        ("[A] > [B]\n[B]", 0.0),
        ("Neither is good", 0.5),
        ("", None),
    ],
)
def test_preferences_are_read_from_marks_letters_and_sentences(
    text: str, worth: float | None
) -> None:
    assert read_preference(text) == worth


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Doc: 2, Relevance: 9\nDoc: 1, Relevance: 7", {1: 9.0, 0: 7.0}),
        ("Document 1: 8/10 since it says so\nDoc 3 - 2", {0: 8.0, 2: 2.0}),
        ("**Doc: [1], Relevance: 4.5**", {0: 4.5}),
        ("[1] 3\n[2]: 10", {0: 3.0, 1: 10.0}),
        ("Doc: 1, Relevance: 3\nDoc: 1, Relevance: 9", {0: 3.0}),
        ("Doc: 4, Relevance: 3\nDoc: 0, Relevance: 3\nDoc: 1, Relevance: 11", None),
        ("1 10 years ago it was so", None),
        ("1. 7\n2) 8", {0: 7.0, 1: 8.0}),
        ("1.7", None),
        ("1. 3 reasons", None),
        ("| Doc 1 | 7 |\n| Doc 2 | 8 |", {0: 7.0, 1: 8.0}),
        ("> Doc #1 (score 7)", {0: 7.0}),
        ("**Doc: 1**\nRelevance: 7\n\n**Doc: 2**\nRelevance: 8", {0: 7.0, 1: 8.0}),
        ("1\n2\n3", None),
        ("Doc: 1, Relevance: -3", None),
        ("nothing", None),
        ("", None),
    ],
)
def test_relevance_is_read_line_by_line(text: str, found: dict[int, float] | None) -> None:
    assert read_relevance(text, 3) == found


@given(st.text())
def test_no_text_makes_a_reader_fail(text: str) -> None:
    for read in (read_verdict, read_preference, before_verdict):
        read(text)
    read_points(text, 2)
    read_relevance(text, 2)
