"""Selecting drafts: order, ties, what is left out, and how often what is drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ops.context import Context
from graphdsl.ops.select import select
from graphdsl.ops.selection import best
from graphdsl.values import Draft, Finish, LogprobStats, Usage


class Chances:
    """A context that has random numbers and nothing else."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.streams: list[str] = []

    def chance(self, stream: str = "") -> Random:
        """Numbers that follow from the seed and the stream."""
        self.streams.append(stream)
        return Random(f"{self._seed} {stream}")


async def chosen(drafts: Sequence[Draft], seed: int = 0, **args: Any) -> tuple[Draft, ...]:
    context = cast(Context, Chances(seed))
    return await select(context, {"drafts": tuple(drafts), **args})


def scored(*scores: float | None) -> list[Draft]:
    return [Draft(f"{number}", score=score) for number, score in enumerate(scores)]


def names(drafts: Sequence[Draft]) -> str:
    return "".join(draft.text for draft in drafts)


# ---- top and threshold


async def test_top_takes_one_by_default_and_the_highest_first() -> None:
    drafts = scored(0.2, None, 0.9, math.nan, 0.5)
    assert names(await chosen(drafts)) == "2"
    assert names(await chosen(drafts, keep=3)) == "240"
    assert names(await chosen(drafts, keep=9)) == "24013"  # unscored ones last, in order


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, math.nan, 0.1, 0.5, 0.5, 0.9]),
            st.sampled_from([None, -1.0, -2.0]),
            st.sampled_from([Finish.STOP, Finish.STOP, Finish.LENGTH, Finish.ERROR]),
        ),
        min_size=1,
        max_size=6,
    )
)
async def test_one_of_the_top_is_the_best_with_its_tie(cases: Sequence[tuple[Any, ...]]) -> None:
    drafts = [
        Draft(
            str(number),
            score=score,
            finish=finish,
            logprobs=None if log is None else LogprobStats(1, log, log),
        )
        for number, (score, log, finish) in enumerate(cases)
    ]
    found = await chosen(drafts)
    if any(draft.complete for draft in drafts):
        assert repr(found) == repr((best({"drafts": drafts}),))
    else:
        assert found == ()


async def test_a_tie_is_told_where_it_decided_who_stays() -> None:
    kept = await chosen(scored(0.5, 0.9, 0.5, 0.5), keep=2)
    assert [(draft.text, draft.tie) for draft in kept] == [("1", False), ("0", True)]
    assert not any(draft.tie for draft in await chosen(scored(0.5, 0.5), keep=2))
    assert not any(draft.tie for draft in await chosen(scored(None, None)))


async def test_a_threshold_lets_all_pass_that_reach_it() -> None:
    drafts = scored(0.4, 0.9, None, 0.5, math.nan, 0.49)
    passed = await chosen(drafts, method="threshold", at_least=0.5)
    assert names(passed) == "13"
    assert names(await chosen(drafts, method="threshold", at_least=0.4, keep=2)) == "13"
    assert await chosen(drafts, method="threshold", at_least=0.91) == ()
    assert names(await chosen(scored(-3.0, None), method="threshold", at_least=-5)) == "0"


@pytest.mark.parametrize("method", ["top", "threshold", "sample", "longest", "random"])
async def test_only_complete_drafts_are_selected(method: str) -> None:
    cut = [Draft("x", score=9.0, finish=f) for f in (Finish.LENGTH, Finish.ERROR, Finish.CANCELLED)]
    whole = Draft("a", score=1.0, finish=Finish.STOP_SEQ)
    args: dict[str, Any] = {"method": method, "keep": 5, "at_least": 0.0}
    assert await chosen([*cut, whole], **args) == (whole,)
    assert await chosen(cut, **args) == ()
    assert await chosen([], **args) == ()


async def test_the_longest_have_most_tokens_and_of_equals_the_earlier_comes_first() -> None:
    sizes = (3, 9, 5, 9)
    drafts = [Draft(str(number), usage=Usage(1, 1, 0, size)) for number, size in enumerate(sizes)]
    assert names(await chosen(drafts, method="longest")) == "1"
    assert names(await chosen(drafts, method="longest", keep=3)) == "132"


# ---- by chance

RUNS = 4_000


def bound(probability: float) -> float:
    """Five standard deviations of a share."""
    return 5 * math.sqrt(probability * (1 - probability) / RUNS) + 1e-9


async def shares(drafts: Sequence[Draft], **args: Any) -> dict[str, float]:
    """How often each outcome comes, over many seeds."""
    found = Counter([names(await chosen(drafts, seed, **args)) for seed in range(RUNS)])
    return {outcome: count / RUNS for outcome, count in found.items()}


@pytest.mark.parametrize("softness", [0.5, 1.0, 4.0])
async def test_samples_follow_the_softmax_of_the_scores(softness: float) -> None:
    scores = (1.0, 0.0, 2.0, -1.0)
    found = await shares(scored(*scores), method="sample", softness=softness)
    weights = [math.exp(score / softness) for score in scores]
    for number, weight in enumerate(weights):
        expected = weight / sum(weights)
        assert abs(found.get(str(number), 0.0) - expected) <= bound(expected)


async def test_several_are_drawn_one_after_the_other_without_putting_back() -> None:
    scores = (0.3, 1.2, 0.0)
    found = await shares(scored(*scores), method="sample", keep=2)
    weights = [math.exp(score) for score in scores]
    for first, second in permutations(range(3), 2):
        left = sum(weights) - weights[first]
        expected = weights[first] / sum(weights) * weights[second] / left
        assert abs(found.get(f"{first}{second}", 0.0) - expected) <= bound(expected)


async def test_scores_that_have_much_in_common_are_drawn_alike() -> None:
    near = await shares(scored(0.0, 1.0), method="sample")
    far = await shares(scored(-1e6, -1e6 + 1), method="sample")
    assert far == near


async def test_without_any_score_all_are_equally_likely() -> None:
    found = await shares(scored(None, math.nan, None), method="sample")
    for number in range(3):
        assert abs(found[str(number)] - 1 / 3) <= bound(1 / 3)


async def test_unscored_drafts_are_not_drawn_where_others_have_scores() -> None:
    drafts = scored(None, 0.1, math.nan, -2.0)
    found = await shares(drafts, method="sample", keep=4)
    assert set(found) == {"13", "31"}


async def test_softness_0_is_the_top() -> None:
    drafts = scored(0.5, 0.9, 0.5, None)
    for keep in (None, 1, 2, 4):
        drawn = await chosen(drafts, method="sample", softness=0, keep=keep)
        assert drawn == await chosen(drafts, method="top", keep=keep)


async def test_very_little_softness_and_infinite_scores_make_no_error() -> None:
    drafts = scored(0.1, 0.2, -1e308, 1e308)
    assert names(await chosen(drafts, method="sample", softness=1e-300, keep=4))[0] == "3"
    endless = scored(0.0, math.inf, -math.inf)
    assert names(await chosen(endless, method="sample", keep=2)) == "10"


async def test_any_are_drawn_equally_often_in_any_order() -> None:
    found = await shares(scored(9.0, None, 0.0), method="random", keep=2)
    assert len(found) == 6
    for share in found.values():
        assert abs(share - 1 / 6) <= bound(1 / 6)


@pytest.mark.parametrize("method", ["sample", "random"])
async def test_the_same_seed_draws_the_same_and_more_begin_with_the_same(method: str) -> None:
    drafts = scored(0.1, 0.5, 0.2, 0.9, 0.4)
    for seed in range(20):
        four = await chosen(drafts, seed, method=method, keep=4)
        assert four == await chosen(drafts, seed, method=method, keep=4)
        assert await chosen(drafts, seed, method=method, keep=2) == four[:2]
        assert len(set(names(four))) == 4
