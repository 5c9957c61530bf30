"""Judgements of whole lists: shuffled, un-shuffled, added up, trusted."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.context import Ask, Rated, ScoreAsk
from graphdsl.ops.scoring.listwise import unshuffled
from graphdsl.ops.scoring.score import score
from graphdsl.values import Draft
from tests.ops.scoring.bench import (
    CUT,
    META,
    Bench,
    arguments,
    failing,
    said,
    scores,
    written,
)

WORTH = {"red": 2, "green": 9, "blue": 5, "grey": 5}


def seen(ask: Ask) -> list[str]:
    """The candidates in the order in which a judge sees them."""
    blocks = said(ask.messages.text, "candidates").split("\n\n")
    return [block.partition("] ")[2] for block in blocks]


def by_worth(ask: Ask) -> str:
    """A judge that knows what each candidate is worth, wherever it stands."""
    return "\n".join(f"[{n}] {WORTH[text]}" for n, text in enumerate(seen(ask), 1))


def by_place(ask: Ask) -> str:
    """A judge that looks at places only: the first gets 10, the next 9."""
    return "\n".join(f"[{n}] {11 - n}" for n in range(1, len(seen(ask)) + 1))


async def test_points_reach_the_candidates_however_they_were_shuffled() -> None:
    bench = Bench(by_worth)
    args = arguments("judge", *written(*WORTH), repeats=6, aggregate="sum")
    assert scores(await score(bench, args)) == [12, 54, 30, 30]
    assert len({tuple(seen(ask)) for ask in bench.asks}) > 1
    assert bench.peak == 6


async def test_shuffling_takes_the_advantage_from_a_place() -> None:
    still, moved = Bench(by_place), Bench(by_place)
    args = arguments("judge", *written(*WORTH), repeats=400)
    await_still = await score(still, {**args, "shuffle": "no"})
    assert scores(await_still) == [10, 9, 8, 7]
    found = [one or 0 for one in scores(await score(moved, args))]
    # mean of 400 draws of {7, 8, 9, 10}: standard error sqrt(1.25 / 400) = 0.056, five of them
    assert all(abs(one - 8.5) < 0.28 for one in found)


async def test_an_order_follows_from_the_seed_and_the_number_of_the_judgement() -> None:
    few, many, other = Bench(by_worth), Bench(by_worth), Bench(by_worth, seed=1)
    await score(few, arguments("judge", *written(*WORTH), repeats=3))
    await score(many, arguments("judge", *written(*WORTH), repeats=8))
    await score(other, arguments("judge", *written(*WORTH), repeats=8))
    assert [seen(ask) for ask in few.asks] == [seen(ask) for ask in many.asks[:3]]
    assert [seen(ask) for ask in other.asks] != [seen(ask) for ask in many.asks]


@given(st.permutations(list(range(7))), st.lists(st.integers(1, 10), min_size=7, max_size=7))
def test_unshuffling_is_the_inverse_of_shuffling(order: list[int], values: list[int]) -> None:
    shown = [values[place] for place in order]
    assert unshuffled(shown, order) == values
    assert list(np.asarray(shown)[np.argsort(order)]) == values


async def test_a_judgement_that_cannot_be_parsed_is_dropped_and_the_sum_rescaled() -> None:
    points = np.array([[3, 8], [5, 6], [4, 10]])
    replies = [f"[1] {a}\n[2] {b}" for a, b in points] + ["I cannot decide"]
    bench = Bench(lambda ask: replies[ask.index])
    args = arguments("judge", *written("a", "b"), repeats=4, aggregate="sum", shuffle="no")
    expected = points.sum(axis=0) * 4 / 3
    assert scores(await score(bench, args)) == pytest.approx(expected)
    assert bench.notes == ["1 of 4 judgements could not be parsed"]


def praise(ask: Ask) -> str:
    """A judge that gives no points."""
    return "good"


@pytest.mark.parametrize("reply", [praise, failing])
async def test_without_a_judgement_nobody_has_a_score(reply: Callable[[Ask], str | Draft]) -> None:
    bench = Bench(reply)
    drafts = written("a", "b", score=0.5)
    assert scores(await score(bench, arguments("judge", *drafts, repeats=2))) == [None, None]


async def test_a_meta_reward_model_says_which_half_counts() -> None:
    points = np.array([[1, 10], [7, 2], [10, 1], [8, 3]])
    worth = {0: -5.0, 1: 2.0, 2: -9.0, 3: 7.5}
    replies = [f"{at}:\n[1] {a}\n[2] {b}" for at, (a, b) in enumerate(points)]

    def rate(ask: ScoreAsk) -> Rated:
        assert (ask.model, ask.kind) == (META, "relevance")
        return Rated((worth[int(ask.texts[0][0])],))

    bench = Bench(lambda ask: replies[ask.index], rate)
    args = arguments("judge", *written("a", "b"), repeats=4, aggregate="sum", shuffle="no")
    assert scores(await score(bench, {**args, "meta": META})) == list(points[[1, 3]].sum(axis=0))
    assert {ask.messages for ask in bench.rated} == {ask.messages for ask in bench.asks}
    only = await score(bench, {**args, "meta": META, "trusted": 1})
    assert scores(only) == [8, 3]
    more = await score(bench, {**args, "meta": META, "trusted": 9})
    assert scores(more) == list(points.sum(axis=0))
    assert bench.notes == ["`trusted: 9` of 4 judgements: all count"]


async def test_judgements_without_a_rating_are_trusted_last_and_all_where_none_has_one() -> None:
    replies = [f"{at}:\n[1] {value}" for at, value in enumerate((1, 2, 3))]
    rated = {"0": None, "1": Rated((math.nan,)), "2": Rated((-7.0,))}
    args = arguments("judge", *written("a"), repeats=3, temperature=1, meta=META, trusted=1)
    bench = Bench(lambda ask: replies[ask.index], lambda ask: rated[ask.texts[0][0]])
    assert scores(await score(bench, args)) == [3]
    none = Bench(lambda ask: replies[ask.index], lambda ask: None)
    assert scores(await score(none, args)) == [2]
    assert none.notes == ["`meta` rated no judgement; all that could be read count"]


async def test_only_complete_drafts_are_shown_to_a_judge() -> None:
    bench = Bench(by_worth)
    red, blue = written("red", "blue")
    assert scores(await score(bench, arguments("judge", red, CUT, blue))) == [2, None, 5]


@pytest.mark.parametrize("drafts", [(), (CUT,), (CUT, CUT)])
@pytest.mark.parametrize("method", ["judge", "listwise", "verdict", "full", "bubble", "reference"])
async def test_without_a_complete_draft_nobody_is_asked(
    method: str, drafts: tuple[Draft, ...]
) -> None:
    found = await score(Bench(), arguments(method, *drafts))
    assert scores(found) == [None] * len(drafts)


async def test_an_order_becomes_shares_of_the_first_place() -> None:
    bench = Bench(lambda ask: "[3] > [1] > [2]")
    args = arguments("listwise", *written("a", "b", "c"), shuffle="no")
    assert scores(await score(bench, args)) == pytest.approx([2 / 3, 1 / 3, 1.0])


async def test_orders_of_shuffled_lists_are_averaged_as_in_a_borda_count() -> None:
    def reply(ask: Ask) -> str:
        texts = seen(ask)
        ranked = sorted(texts, key=lambda text: -WORTH[text])
        return " > ".join(f"[{texts.index(text) + 1}]" for text in ranked)

    args = arguments("listwise", *written("red", "green", "blue"), repeats=5)
    assert scores(await score(Bench(reply), args)) == pytest.approx([1 / 3, 1.0, 2 / 3])


async def test_an_only_candidate_has_the_first_place_and_nobody_is_asked() -> None:
    assert scores(await score(Bench(), arguments("listwise", *written("a")))) == [1.0]


async def test_drafts_beyond_those_that_are_looked_at_are_left_out() -> None:
    bench = Bench(by_worth)
    found = await score(bench, arguments("judge", *written("red", "green", "blue"), up_to=2))
    assert scores(found) == [2, 9]
    assert bench.notes == ["looked at 2 of 3 drafts; the others are left out"]
    known = await score(bench, arguments("judge", *written(*WORTH), most=3, up_to=10))
    assert len(known) == 3
    untold = await score(Bench(), arguments("length", *written(*["a"] * 70)))
    assert len(untold) == 64
