"""Stop rules: what they decide can no longer change, and how probable the posterior rule is."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.context import NOT_NEEDED
from graphdsl.ops.quorum import decided_after, least_items, rule_of, unneeded
from graphdsl.ops.quorum_ballots import Ahead, Ballots
from graphdsl.ops.quorum_watch import Watch, watched
from graphdsl.ops.selection import best, passing, shortest
from graphdsl.ops.vote import vote
from graphdsl.values import Draft, Finish, Usage, Verdict


def say(answer: object) -> Draft:
    """A draft with that answer; without one for None, cut off for an empty text."""
    if answer == "":
        return Draft("Answer: 9", finish=Finish.LENGTH)
    return Draft("no idea" if answer is None else f"Answer: {answer}")


def same(draft: Draft) -> Draft:
    """What arrives is the item."""
    return draft


ANSWERS = st.sampled_from([1, 1, 2, 3, None, ""])
LISTS = st.lists(ANSWERS, min_size=1, max_size=12)


def after(drafts: list[Draft], *until: Any) -> int:
    rule = rule_of(until, len(drafts))
    assert rule is not None
    return decided_after(drafts, rule)


# ---- the exact rule of a vote


@given(LISTS)
def test_what_is_decided_is_what_all_drafts_would_give(answers: list[Any]) -> None:
    drafts = [say(answer) for answer in answers]
    count = after(drafts, "vote", "number", 1)
    rest = [replace(unneeded(("vote",)), sample=i) for i in range(count, len(drafts))]
    whole, early = (
        vote({"drafts": drafts, "by": "number"}),
        vote({"drafts": [*drafts[:count], *rest], "by": "number"}),
    )
    if count < len(drafts):
        assert not whole.tie
        assert replace(early, confidence=None) == replace(whole, confidence=None)


@given(LISTS, st.data())
def test_no_other_rest_could_change_what_is_decided(
    answers: list[Any], data: st.DataObject
) -> None:
    drafts = [say(answer) for answer in answers]
    count = after(drafts, "vote", "number", 1)
    left = len(drafts) - count
    rest = data.draw(st.lists(st.sampled_from([1, 2, 3, 4, None]), min_size=left, max_size=left))
    other = vote({"drafts": [*drafts[:count], *map(say, rest)], "by": "number"})
    if left:
        assert other.answer == vote({"drafts": drafts, "by": "number"}).answer
        assert not other.tie


@given(LISTS)
def test_the_rule_stops_at_the_first_moment_at_which_it_may(answers: list[Any]) -> None:
    drafts = [say(answer) for answer in answers]
    count = after(drafts, "vote", "number", 1)
    if count > 1:
        before, left = Ballots("number"), len(drafts) - count + 1
        for draft in drafts[: count - 1]:
            before.add(draft)
        assert before.first - before.second <= left


def test_a_vote_that_wants_more_complete_drafts_goes_on_until_they_are_there() -> None:
    drafts = [say(1), say(1), say(1), say(""), say(2)]
    assert after(drafts, "vote", "number", 1) == 3
    assert after(drafts, "vote", "number", 4) == 5


@given(LISTS)
def test_a_vote_that_stops_gives_the_same_of_the_whole_list_and_of_the_stopped_one(
    answers: list[Any],
) -> None:
    drafts = [say(answer) for answer in answers]
    for stop, level in (("decided", None), ("posterior", 0.8)):
        args = {"by": "number", "stop": stop, "level": level}
        until = ("vote", "number", 1) if level is None else ("posterior", "number", 1, level)
        count = after(drafts, *until)
        cut = [*drafts[:count], *[unneeded(until)] * (len(drafts) - count)]
        assert vote({"drafts": cut, **args}) == vote({"drafts": drafts, **args})


def test_the_confidence_of_a_decided_vote_is_the_share_that_it_has_in_any_case() -> None:
    drafts = [say(1), say(""), say(1), say(1), say(2), say(1)]
    whole = vote({"drafts": drafts, "by": "number"})
    early = vote({"drafts": drafts, "by": "number", "stop": "decided"})
    assert whole.confidence == 4 / 5
    assert early.confidence == 3 / 5  # three of three, and two that were not looked at
    assert (early.answer, early.text) == (whole.answer, whole.text)


# ---- the posterior rule


def probability(first: int, second: int) -> Fraction:
    """P(p > 1/2) for p ~ Beta(first + 1, second + 1), by integrating its density term by term."""
    beta = Fraction(
        math.factorial(first) * math.factorial(second), math.factorial(first + second + 1)
    )
    total = Fraction(0)
    for k in range(second + 1):
        power = first + k + 1
        term = Fraction(math.comb(second, k) * (-1) ** k, power)
        total += term * (1 - Fraction(1, 2) ** power)
    return total / beta


@pytest.mark.parametrize("level", [0.5, 0.75, 0.9, 0.95, 0.999])
def test_the_leader_is_ahead_when_the_beta_distribution_says_so(level: float) -> None:
    ahead = Ahead(level)
    for second in range(25):
        needed = ahead.needed(second)
        assert probability(needed, second) >= Fraction(str(level))
        if needed > second:
            assert probability(needed - 1, second) < Fraction(str(level))


def test_four_equal_answers_are_enough_at_95_percent() -> None:
    drafts = [say(7)] * 20
    assert after(drafts, "posterior", "number", 1, 0.95) == 4  # P = 1 - 2**-5 = 0.96875
    assert least_items(("posterior", "number", 1, 0.95), 20) == 4


def test_the_sum_goes_on_for_thousands_of_votes() -> None:
    needed = Ahead(0.95).needed(4_000)
    spread = 1.6449 * math.sqrt(2 * 4_000)  # of a normal distribution, which it is near by then
    assert needed - 4_000 == pytest.approx(spread, rel=0.03)


# ---- counting, and what stands for what is left out


def test_counts_look_at_items_complete_drafts_or_passed_verdicts() -> None:
    drafts = [say(""), say(1), say(""), say(2)]
    assert after(drafts, "items", 2) == 2
    assert after(drafts, "complete", 2) == 4
    verdicts: list[Any] = [Verdict(False), Verdict(True), Verdict(True)]
    assert after(verdicts, "passed", 1) == 2


@pytest.mark.parametrize("until", [None, (), ("vote",), ("nothing", 3), ("posterior", "text", 1)])
def test_what_is_no_rule_is_none(until: Any) -> None:
    assert rule_of(until, 5) is None


@pytest.mark.parametrize(
    ("until", "least"),
    [
        (("vote", "text", 1), 5),
        (("vote", "text", 7), 7),
        (("complete", 3), 3),
        (("items", 50), 8),
        (None, 8),
    ],
)
def test_the_fewest_items_that_a_rule_needs(until: Any, least: int) -> None:
    assert least_items(until, 8) == least


def test_passing_stops_counting_at_enough() -> None:
    drafts = tuple(say(number) for number in range(4))
    verdicts = tuple(Verdict(number % 2 == 1) for number in range(4))
    assert passing({"drafts": drafts, "verdicts": verdicts, "enough": 1}) == drafts[1:2]
    assert passing({"drafts": drafts, "verdicts": (), "enough": 1}) == drafts


def test_the_best_is_the_first_perfect_one_where_the_rest_is_not_judged() -> None:
    scores = (0.5, 1.0, 1.0, None)
    drafts = [replace(say(number), score=score) for number, score in enumerate(scores)]
    assert best({"drafts": drafts}).tie
    assert best({"drafts": drafts, "stop": "decided"}) == drafts[1]
    assert best({"drafts": drafts[:1], "stop": "decided"}) == drafts[0]


def test_the_shortest_complete_drafts_come_first() -> None:
    sizes = (9, 3, 3, 1, 5)
    drafts = [replace(say(size), usage=Usage(1, 1, 0, size)) for size in sizes]
    drafts[3] = replace(drafts[3], finish=Finish.LENGTH)
    assert shortest({"drafts": drafts, "keep": 3}) == (drafts[1], drafts[2], drafts[4])
    assert shortest({"drafts": drafts}) == (drafts[1], drafts[2], drafts[4], drafts[0])


# ---- watching


@given(LISTS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing_under_a_rule_of_the_list(
    answers: list[Any], random: Any
) -> None:
    drafts = [say(answer) for answer in answers]
    order = list(range(len(drafts)))
    random.shuffle(order)
    until = ("vote", "number", 1)
    watch = Watch(len(drafts), rule_of(until, len(drafts)))
    for index in order:
        watch.arrived(index, drafts[index])
    count = after(drafts, *until)
    assert watch.over
    assert watch.needed == count
    assert watch.values(lambda index: None) == (*drafts[:count], *[None] * (len(drafts) - count))


async def test_work_that_is_not_needed_is_cancelled_with_that_message() -> None:
    messages: list[Any] = []

    async def work(number: int) -> Draft:
        try:
            await asyncio.sleep(0 if number < 2 else 60)
        except asyncio.CancelledError as error:
            messages.append(error.args)
            raise
        return say(1)

    watch = Watch(5, rule_of(("complete", 2), 5))
    await watched([work(number) for number in range(5)], watch, same)
    assert watch.decided
    assert messages == [(NOT_NEEDED,)] * 3


async def test_an_error_ends_the_others_and_is_raised() -> None:
    ended: list[int] = []

    async def work(number: int) -> Draft:
        if number == 1:
            raise ValueError("broken")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)
        return say(1)

    with pytest.raises(ValueError, match="broken"):
        await watched([work(number) for number in range(3)], Watch(3, None), same)
    assert ended == [0, 2]


async def test_errors_count_in_the_order_of_the_list() -> None:
    async def work(number: int) -> Draft:
        if number in (2, 3):
            raise ValueError(f"broken {number}")
        for _ in range(20):
            await asyncio.sleep(0)
        return say(1)

    watch = Watch(5, rule_of(("items", 2), 5))
    await watched([work(number) for number in range(5)], watch, same)
    assert watch.needed == 2
    watch = Watch(5, rule_of(("items", 4), 5))
    with pytest.raises(ValueError, match="broken 2"):
        await watched([work(number) for number in range(5)], watch, same)
    watch = Watch(5, rule_of(("any_complete", 4), 5))
    with pytest.raises(ValueError, match="broken 2"):
        await watched([work(number) for number in range(5)], watch, same)


async def test_an_error_of_what_is_not_needed_is_dropped() -> None:
    async def work(number: int) -> Draft:
        try:
            await asyncio.sleep(0 if number == 0 else 60)
        except asyncio.CancelledError:
            raise ValueError("late") from None
        return say(1)

    watch = Watch(3, rule_of(("items", 1), 3))
    await watched([work(number) for number in range(3)], watch, same)
    assert watch.needed == 1
