"""Conformal p-values: by hand, by definition, and how often ordinary drafts are rejected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.conformal import conformal
from graphdsl.values import Draft, Finish


def scored(*scores: float | None) -> list[Draft]:
    return [Draft(str(number), score=score) for number, score in enumerate(scores)]


def judged(drafts: Sequence[Draft], level: float, **args: Any) -> tuple[Draft, ...]:
    return conformal({"drafts": tuple(drafts), "level": level, **args})


def values(drafts: Sequence[Draft], level: float = 0.1, **args: Any) -> list[float | None]:
    return [draft.confidence for draft in judged(drafts, level, **args)]


def names(drafts: Sequence[Draft]) -> str:
    return "".join(draft.text for draft in drafts)


BANK = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def test_the_p_value_is_the_rank_from_the_worst_among_the_calibration_scores() -> None:
    drafts = scored(0.05, 0.1, 0.55, 0.9, 2.0)
    assert values(drafts, calibration=BANK) == [0.1, 0.2, 0.6, 1.0, 1.0]


def test_without_calibration_the_other_drafts_judge() -> None:
    assert values(scored(0.3, 0.9, 0.3, 0.1)) == [3 / 4, 4 / 4, 3 / 4, 1 / 4]
    assert values(scored(0.7)) == [1.0]
    assert values([]) == []


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, None, math.nan]), max_size=8),
    st.none() | st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, None]), max_size=8),
)
def test_p_values_are_those_of_the_definition(
    scores: list[float | None], bank: list[float | None] | None
) -> None:
    for number, found in enumerate(values(scored(*scores), calibration=bank)):
        own = scores[number]
        if own is None or math.isnan(own):
            assert found is None
            continue
        judges = [s for at, s in enumerate(scores) if at != number] if bank is None else bank
        known = [score for score in judges if score is not None and not math.isnan(score)]
        worse = sum(score <= own for score in known)
        assert found == (1 + worse) / (1 + len(known))


def test_accepted_and_rejected_are_all_in_order() -> None:
    drafts = scored(0.8, 0.05, 0.5, 0.01, 0.9)
    bank = [number / 20 for number in range(2, 22)]
    assert names(judged(drafts, 0.1, calibration=bank, keep="rejected")) == "13"
    assert names(judged(drafts, 0.1, calibration=bank, keep="accepted")) == "024"
    assert names(judged(drafts, 0.1, calibration=bank)) == "01234"


def test_a_p_value_of_exactly_the_level_is_rejected() -> None:
    bank = [1.0] * 19
    assert names(judged(scored(0.0), 0.05, calibration=bank)) == "0"
    assert judged(scored(0.0), 0.05, calibration=[1.0] * 20, keep="accepted") == ()
    nine = [0.0, *[1.0] * 28]  # p = 2/30 for 0.5
    assert judged(scored(0.5), 2 / 30, calibration=nine, keep="accepted") == ()


def test_too_few_calibration_scores_reject_nobody() -> None:
    worst = scored(-9.0)
    for size in (0, 1, 9):
        assert len(judged(worst, 0.1, calibration=[0.5] * size, keep="accepted")) == 1
    assert judged(worst, 0.1, calibration=[0.5] * 10, keep="accepted") == ()
    nine = scored(-9.0, *[0.5] * 9)
    assert len(judged(nine, 0.1, keep="accepted")) == 10
    assert names(judged(scored(-9.0, *[0.5] * 10), 0.1, keep="rejected")) == "0"
    known = [None, math.nan, *[0.5] * 9]
    assert len(judged(worst, 0.1, calibration=known, keep="accepted")) == 1


def test_levels_0_and_1_reject_nobody_and_everybody() -> None:
    drafts = scored(-9.0, 0.5, 9.0)
    assert judged(drafts, 0.0, calibration=BANK, keep="rejected") == ()
    assert len(judged(drafts, 1.0, calibration=BANK, keep="rejected")) == 3


def test_without_a_score_there_is_no_p_value_and_nothing_against_a_draft() -> None:
    drafts = [Draft("a", confidence=0.7), Draft("b", score=math.nan)]
    assert values(drafts, calibration=BANK) == [None, None]
    assert names(judged(drafts, 0.5, calibration=BANK, keep="accepted")) == "ab"


def test_what_failed_is_rejected_and_what_was_cut_off_counts() -> None:
    drafts = [
        Draft("e", finish=Finish.ERROR),
        Draft("c", finish=Finish.CANCELLED),
        Draft("l", finish=Finish.LENGTH, score=0.95),
        Draft("m", finish=Finish.LENGTH, score=0.0),
    ]
    assert names(judged(drafts, 0.2, calibration=BANK, keep="rejected")) == "ecm"
    assert names(judged(drafts, 0.2, calibration=BANK, keep="accepted")) == "l"


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_ordinary_drafts_are_rejected_as_often_as_the_level_says(level: float) -> None:
    """Exchangeable scores: P(p <= level) = floor(level (m + 1)) / (m + 1), for any distribution."""
    random, size, runs = Random(11), 59, 4_000
    rejected = 0
    for _ in range(runs):
        bank = [random.gauss(0, 1) ** 3 for _ in range(size)]
        drafts = scored(random.gauss(0, 1) ** 3)
        rejected += len(judged(drafts, level, calibration=bank, keep="rejected"))
    expected = math.floor(level * (size + 1)) / (size + 1)
    spread = math.sqrt(expected * (1 - expected) / runs)
    assert abs(rejected / runs - expected) <= 5 * spread


def test_equal_scores_only_make_it_more_careful() -> None:
    random, level, runs = Random(5), 0.2, 3_000
    rejected = 0
    for _ in range(runs):
        bank = [float(random.randrange(4)) for _ in range(29)]
        drafts = scored(float(random.randrange(4)))
        rejected += len(judged(drafts, level, calibration=bank, keep="rejected"))
    assert rejected / runs <= level


def test_of_drafts_that_judge_each_other_the_share_of_the_level_is_rejected() -> None:
    random = Random(3)
    drafts = scored(*(random.random() for _ in range(200)))
    rejected = judged(drafts, 0.1, keep="rejected")
    assert len(rejected) == 20
    lowest = sorted(drafts, key=lambda draft: draft.score or 0.0)[:20]
    assert {draft.text for draft in rejected} == {draft.text for draft in lowest}
