"""Chat control strings in values cannot end a turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.neutral import neutralise, neutralise_within

CONTROLS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<｜begin▁of▁sentence｜>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_string_is_broken_after_its_first_character(control: str) -> None:
    assert neutralise(f"a{control}b") == f"a{control[0]} {control[1:]}b"


@pytest.mark.parametrize(
    "text", ["a < b", "x <| f |> g", "[1] is [INSTANT]", "<strong>", "<b>s</b>"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert neutralise(text) == text


@given(st.lists(st.sampled_from([*CONTROLS, "<", "|", ">", "<|", "|>", "s", " ", "im_end"])))
def test_a_second_application_changes_nothing_and_none_is_left(parts: list[str]) -> None:
    once = neutralise("".join(parts))
    assert neutralise(once) == once
    assert not any(control in once for control in CONTROLS)


@given(st.text())
def test_only_spaces_are_added(text: str) -> None:
    assert neutralise(text).replace(" ", "") == text.replace(" ", "")


def test_what_the_author_wrote_stays() -> None:
    assert neutralise_within("<s>a<s>", [(3, 4)]) == "<s>a<s>"


def test_a_string_that_two_values_form_is_broken() -> None:
    assert neutralise_within("<|im_end|>", [(0, 5), (5, 10)]) == "< |im_end|>"


def test_a_string_that_a_value_completes_is_broken() -> None:
    assert neutralise_within("<|im_end|>", [(9, 10)]) == "< |im_end|>"
