"""Races: who is accepted, in a list that is there, and by the rule of one that is being made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from graphdsl.ops.quorum import accepts, least_items, rule_of, unneeded
from graphdsl.ops.quorum_watch import Watch
from graphdsl.ops.race import race, race_rule
from graphdsl.values import Draft, Finish

CUT = Draft("Answer: 9", score=1.0, finish=Finish.LENGTH)
FAILED = Draft("", finish=Finish.ERROR, error="no route")
MUTE = Draft("no idea", score=0.4)
FOUR = Draft("Answer: 4", score=0.6)
FIVE = Draft("Answer: 5", score=0.9)
UNSURE = Draft("Answer: 6", score=math.nan)
DRAFTS = (CUT, FAILED, MUTE, UNSURE, FOUR, FIVE)

ANSWERED = {"accept": "answered", "by": "number"}
SCORED = {"accept": "scored", "at_least": 0.6}


def raced(*drafts: Draft, **args: Any) -> tuple[Draft, ...]:
    return race({"drafts": drafts, **args})


@pytest.mark.parametrize(
    ("args", "accepted"),
    [
        ({}, (MUTE,)),
        ({"take": 3}, (MUTE, UNSURE, FOUR)),
        ({"take": 9}, (MUTE, UNSURE, FOUR, FIVE)),
        (ANSWERED, (UNSURE,)),
        ({**ANSWERED, "take": 2}, (UNSURE, FOUR)),
        ({"accept": "answered"}, (MUTE,)),  # as texts all have an answer
        (SCORED, (FOUR,)),
        ({**SCORED, "take": 2}, (FOUR, FIVE)),
        ({"accept": "scored"}, ()),  # by default only the score 1 will do
    ],
)
def test_of_a_whole_list_the_first_that_are_accepted_are_taken(
    args: dict[str, Any], accepted: tuple[Draft, ...]
) -> None:
    assert raced(*DRAFTS, **args) == accepted


def test_where_none_is_accepted_there_is_nothing() -> None:
    assert raced() == ()
    assert raced(CUT, FAILED) == ()
    assert raced(MUTE, **ANSWERED) == ()


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        ({}, ("any_complete", 1)),
        ({"take": 3, "accept": "complete"}, ("any_complete", 3)),
        ({**ANSWERED, "take": 2}, ("any_answered", "number", 2)),
        ({**SCORED, "take": 2}, ("any_scored", 0.6, 2)),
    ],
)
def test_the_rule_says_when_a_race_is_over(args: dict[str, Any], rule: Any) -> None:
    assert race_rule(args) == rule
    found = rule_of(rule, len(DRAFTS))
    assert found is not None
    assert found.arrival
    assert least_items(rule, 6) == rule[-1]
    assert least_items(rule, 1) == 1
    missing = unneeded(rule)
    assert (missing.finish, missing.error) == (Finish.CANCELLED, "not needed")


@pytest.mark.parametrize("args", [{}, ANSWERED, SCORED])
@pytest.mark.parametrize("take", [1, 2])
@pytest.mark.parametrize("order", [range(6), range(5, -1, -1), (4, 0, 5, 2, 1, 3)])
def test_the_list_ends_with_the_last_that_is_taken_in_whatever_order_they_come(
    args: dict[str, Any], take: int, order: Sequence[int]
) -> None:
    rule = race_rule({**args, "take": take})
    watch = Watch(len(DRAFTS), rule_of(rule, len(DRAFTS)))
    came: list[Draft] = []
    for index in order:
        if watch.over:
            break
        watch.arrived(index, DRAFTS[index])
        came.append(DRAFTS[index])
    there = watch.values(lambda index: unneeded(rule))
    taken = race({"drafts": there, **args, "take": take})
    accepted = [draft for draft in came if accepts(rule)(draft)]
    assert accepted[-1] is came[-1]
    assert len(taken) == len(accepted) == take
    assert {id(draft) for draft in taken} == {id(draft) for draft in accepted}
    assert {DRAFTS[index].text for index in watch.counted()} == {draft.text for draft in taken}


def test_a_race_nobody_wins_waits_for_all() -> None:
    watch = Watch(2, rule_of(("any_scored", 2.0, 1), 2))
    watch.arrived(0, FOUR)
    assert not watch.over
    watch.arrived(1, FIVE)
    assert watch.over
    assert not watch.decided


@pytest.mark.parametrize(
    "until", [None, ("passed", 1), ("any_scored", "x", 1), ("any_answered", 1)]
)
def test_only_rules_of_arrival_accept_drafts(until: Any) -> None:
    with pytest.raises(ValueError, match="no rule of arrival"):
        accepts(until)
