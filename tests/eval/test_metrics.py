"""Metrics: which answer a result holds, how it is compared, and what it scores."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.errors import ExtraMissing, InputError
from graphdsl.eval import answer_key, kind_of, metric_names, metric_of, token_f1
from graphdsl.values import Answer, Draft, Finish, Verdict


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (18, "number"),
        (18.5, "number"),
        ("$1,000", "number"),
        ("48 / 2 = <<48/2=24>>24 #### 24", "number"),
        (r"so \boxed{3/4}", "number"),
        ("B", "choice"),
        ("(C)", "choice"),
        ("Answer: D.", "choice"),
        ("K", "text"),
        ("blue", "text"),
        (True, "text"),
        ("", "text"),
        (["7", "seven"], "number"),
    ],
)
def test_a_target_says_how_it_is_compared(target: object, kind: str) -> None:
    assert kind_of(target) == kind


@pytest.mark.parametrize(
    ("name", "value", "target", "score"),
    [
        ("accuracy", "First 3, then 4: the answer is 1,000.", 1000, 1),
        ("accuracy", "The answer is B because A is wrong. Answer: (B)", "B", 1),
        ("accuracy", "Answer: Blue.", "blue", 1),
        ("accuracy", "Answer: red", "blue", 0),
        ("accuracy", 7, "7", 1),
        ("accuracy", 7.0, 7, 1),
        ("accuracy", "true", True, 1),
        ("accuracy", "Seven.", [7, "seven"], 1),
        ("accuracy", "Answer: 7", [8, "seven", "7"], 1),
        ("accuracy", "Answer: 9", [7, "seven"], 0),
        ("number", "I count 6/3", "2", 1),
        ("number", "I count", "2", 0),
        ("number", "4 or 5", [5, 6], 1),
        ("number", "4 or 5", [4, 6], 0),
        ("choice", "So it is (D).", "D", 1),
        ("text", "Answer:  New   York ", "new york", 1),
        ("exact", "Answer: New York", "New York", 1),
        ("exact", "Answer: new york", "New York", 0),
        ("f1", "Answer: the red car", "a red bicycle", 0.5),
        ("f1", "Answer: red", ["a red bicycle", "red"], 1),
        ("f1", "", "", 1),
        ("f1", "", "red", 0),
    ],
)
def test_scores(name: str, value: Any, target: object, score: float) -> None:
    assert metric_of(name).score(value, target) == pytest.approx(score)


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (Draft("I say 5", answer="7"), 1),
        (Draft("So 7"), 1),
        (Draft("So 7", answer="no number"), 1),
        (Draft("Answer: 7", finish=Finish.LENGTH), 0),
        (Draft("Answer: 7", finish=Finish.ERROR, error="no route"), 0),
        (Draft("Answer: 7", finish=Finish.CANCELLED), 0),
        (Answer("7"), 1),
        (Answer("", error="no sample gave an answer"), 0),
        (Verdict(False, answer=Answer("7")), 1),
        ({"answer": "7", "reason": "8"}, 1),
        ({"answer": Draft("7"), "reason": "8"}, 1),
        ({"total": 7}, 1),
        (None, 0),
        (float("nan"), 0),
    ],
)
def test_every_value_of_a_run_can_be_scored(value: Any, score: float) -> None:
    assert metric_of("accuracy").score(value, 7) == score


def test_a_verdict_is_right_about_a_bool() -> None:
    accuracy = metric_of("accuracy")
    assert accuracy.score(Verdict(True), True) == 1
    assert accuracy.score(Verdict(True), False) == 0


def test_tied_values_share_the_credit() -> None:
    number = metric_of("number")
    assert number.score((Draft("7"), Draft("8")), 7) == 0.5
    assert number.score(["7", "8", "7", "none"], 7) == 0.5
    assert number.score((), 7) == 0


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("number", "none", "the target `none` has no number"),
        ("choice", "12", "the target `12` has no letter from A to J"),
        ("text", "  ", "the target `  ` has no answer"),
        ("accuracy", None, "there is no target to compare with"),
        ("f1", [], "there is no target to compare with"),
        ("text", "\0", "the target has a NUL character, so it is no text"),
        ("accuracy", {"a": 1}, "the target is an object without `answer`"),
    ],
)
def test_a_target_that_says_nothing_is_an_input_error(
    name: str, target: object, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        metric_of(name).score("7", target)


def test_an_unknown_metric_is_an_input_error_with_a_hint() -> None:
    with pytest.raises(InputError, match=r"no metric `acuracy`; did you mean `accuracy`\?"):
        metric_of("acuracy")
    with pytest.raises(InputError, match="there are: accuracy, text, number"):
        metric_of("zzz")


def test_metrics_have_the_name_they_are_asked_for() -> None:
    pytest.importorskip("math_verify")
    assert [metric_of(name).name for name in metric_names()] == list(metric_names())


def test_answers_share_a_key_where_they_are_written_differently() -> None:
    assert answer_key(Draft("Total: $1,000.00"), "number") == answer_key("#### 1000", "number")
    assert answer_key(Draft("1000", finish=Finish.LENGTH), "number") is None


@pytest.mark.slow
def test_maths_compares_expressions() -> None:
    pytest.importorskip("math_verify")
    maths = metric_of("maths")
    assert maths.score(r"Answer: $\frac{1}{2}$", "0.5") == 1
    assert maths.score("Answer: $x + x$", "2x") == 1
    assert maths.score("Answer: $x + 1$", "2x") == 0
    assert maths.score("", "2x") == 0


def test_maths_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(module: str) -> bool:
        return False

    monkeypatch.setattr("graphdsl.ops.required._installed", nothing)
    with pytest.raises(ExtraMissing, match=r"pip install 'graphdsl-tts\[methods\]'"):
        metric_of("maths")


def squad_f1(answer: str, target: str) -> float:
    """The rule of the paper, step by step."""

    def words(text: str) -> list[str]:
        kept = "".join(c for c in text.lower() if c not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
        return [word for word in kept.split() if word not in ("a", "an", "the")]

    ours, wanted = words(answer), words(target)
    if not ours or not wanted:
        return float(ours == wanted)
    same = sum((Counter(ours) & Counter(wanted)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(ours), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


_WORDS = st.lists(st.sampled_from(["the", "A", "an", "red", "Red.", "car", "cars", "its", "it's"]))


@given(_WORDS, _WORDS)
def test_f1_is_that_of_squad(answer: list[str], target: list[str]) -> None:
    ours, wanted = " ".join(answer), " ".join(target)
    score = token_f1(ours, wanted)
    assert score == pytest.approx(squad_f1(ours, wanted))
    assert score == token_f1(wanted, ours)
