"""Candidates compared two by two."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.context import Ask
from graphdsl.ops.scoring.score import score
from tests.ops.scoring.bench import Bench, arguments, failing, said, scores, written


def pair(ask: Ask) -> tuple[str, str]:
    """The two texts that a judge sees."""
    shown = ask.messages.text
    return said(shown, "first"), said(shown, "second")


def longer(ask: Ask) -> str:
    """A judge that likes the longer one."""
    first, second = map(len, pair(ask))
    return "[Tie]" if first == second else "[A]" if first > second else "[B]"


async def test_all_pairs_are_compared_in_both_orders() -> None:
    bench = Bench(longer)
    found = await score(bench, arguments("full", *written("aa", "a", "aaa")))
    assert scores(found) == [0.5, 0.0, 1.0]
    assert [pair(ask) for ask in bench.asks] == list(permutations(["aa", "a", "aaa"], 2))
    assert bench.peak == 6
    assert len({ask.stream for ask in bench.asks}) == 6


async def test_more_candidates_repeat_the_comparisons_of_the_first_ones() -> None:
    streams: list[dict[tuple[str, str], int]] = []
    for texts in (("a", "b", "c"), ("a", "b", "c", "d", "e")):
        bench = Bench(lambda ask: "[A]")
        await score(bench, arguments("full", *written(*texts)))
        streams.append({pair(ask): ask.stream for ask in bench.asks})
    few, many = streams
    assert few == {two: many[two] for two in few}
    assert len(set(many.values())) == 20


async def test_a_judge_that_likes_a_place_gives_everyone_the_same() -> None:
    found = await score(Bench(lambda ask: "[A]"), arguments("full", *written("a", "b", "c")))
    assert scores(found) == [0.5, 0.5, 0.5]


@given(st.lists(st.text("a", min_size=1, max_size=6), min_size=2, max_size=7))
async def test_shares_of_wins_are_those_of_the_whole_matrix(texts: list[str]) -> None:
    found = await score(Bench(longer), arguments("full", *written(*texts)))
    size = np.array([len(text) for text in texts])
    wins = (np.sign(size[:, None] - size[None, :]) + 1) / 2
    np.fill_diagonal(wins, 0)
    assert scores(found) == pytest.approx(wins.sum(axis=1) / (len(texts) - 1))


async def test_comparisons_that_cannot_be_read_do_not_count() -> None:
    def reply(ask: Ask) -> str:
        return "Hmm" if "c" in pair(ask) else "[A]" if pair(ask)[0] == "a" else "[B]"

    bench = Bench(reply)
    assert scores(await score(bench, arguments("full", *written("a", "b", "c")))) == [1, 0, None]
    assert bench.notes == ["4 of 6 judgements could not be parsed"]


@pytest.mark.parametrize("method", ["full", "bubble"])
async def test_an_only_candidate_wins_and_nobody_is_asked(method: str) -> None:
    assert scores(await score(Bench(), arguments(method, *written("a")))) == [1.0]


async def test_a_bubble_takes_one_comparison_less_than_there_are_candidates() -> None:
    bench = Bench(longer)
    found = await score(bench, arguments("bubble", *written("aa", "a", "aaaa", "aaa")))
    assert [pair(ask) for ask in bench.asks] == [("aa", "a"), ("aa", "aaaa"), ("aaaa", "aaa")]
    assert scores(found) == [0.5, 0.0, 1.0, 0.0]


@given(st.lists(st.text("a", min_size=1, max_size=5), min_size=1, max_size=8))
async def test_the_last_one_standing_has_the_highest_score_alone(texts: list[str]) -> None:
    found = [
        one or 0.0
        for one in scores(await score(Bench(longer), arguments("bubble", *written(*texts))))
    ]
    longest = max(texts, key=len)  # the first of the longest: it stays standing in ties
    assert [at for at, one in enumerate(found) if one == 1.0] == [texts.index(longest)]
    assert max(found) == 1.0


async def test_a_bubble_goes_on_where_replies_cannot_be_read() -> None:
    bench = Bench(lambda ask: "Hmm" if "b" in pair(ask) else "[B]")
    found = await score(bench, arguments("bubble", *written("a", "b", "c")))
    assert scores(found) == [0.0, None, 1.0]
    lost = await score(Bench(failing), arguments("bubble", *written("a", "b")))
    assert scores(lost) == [None, None]


async def test_repeats_of_a_bubble_change_places() -> None:
    bench = Bench(lambda ask: "[A]")
    args = arguments("bubble", *written("a", "b"), repeats=2)
    assert scores(await score(bench, args)) == [1.0, 0.5]
    assert [pair(ask) for ask in bench.asks] == [("a", "b"), ("b", "a")]


async def test_a_greedy_judge_compares_a_pair_once_in_each_order() -> None:
    bench = Bench(longer)
    args = {"repeats": 6, "temperature": 0}
    await score(bench, arguments("bubble", *written("a", "b"), **args))
    assert len(bench.asks) == 2
    await score(bench, arguments("full", *written("a", "b"), **args))
    assert len(bench.asks) == 4


async def test_a_reference_is_compared_with_each_candidate() -> None:
    bench = Bench(longer)
    args = arguments("reference", *written("a", "aa", "aaa"), reference="aa")
    assert scores(await score(bench, args)) == [0.0, 0.5, 1.0]
    assert [pair(ask) for ask in bench.asks] == [("a", "aa"), ("aa", "aa"), ("aaa", "aa")]


async def test_the_first_candidate_is_the_reference_where_none_is_given() -> None:
    bench = Bench(longer)
    assert scores(await score(bench, arguments("reference", *written("aa", "a", "aaa")))) == [
        0.5,
        0.0,
        1.0,
    ]
    assert len(bench.asks) == 2
    assert scores(await score(Bench(), arguments("reference", *written("aa")))) == [0.5]


async def test_repeats_against_a_reference_change_places() -> None:
    bench = Bench(lambda ask: "[A]")
    args = arguments("reference", *written("a"), reference="b", repeats=4)
    assert scores(await score(bench, args)) == [0.5]
    assert [pair(ask) for ask in bench.asks] == [("a", "b"), ("b", "a")] * 2
