"""The published bound of calls holds, and is what the worst case takes."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from graphdsl.ops.context import Ask, Rated, ScoreAsk
from graphdsl.ops.registry import OPERATORS
from graphdsl.ops.scoring.rerank import rerank
from graphdsl.ops.scoring.score import score
from graphdsl.ops.signatures.bounds import score_calls
from graphdsl.ops.signatures.words import MEASURES, SCORES
from tests.ops.scoring.bench import JUDGE, META, Bench, arguments, role, stats, written

REPLIES = {
    "judge": "\n".join(f"[{number}] 5" for number in range(1, 6)),
    "listwise": "[2] > [1]",
    "verdict": "Yes",
    "hybrid": "Because.\nYes",
    "full": "[A]",
    "bubble": "[B]",
    "reference": "[Tie]",
}


def rated(ask: ScoreAsk) -> Rated:
    """Something for each text."""
    return Rated((0.5,) * len(ask.texts), (stats(-1.0),) * len(ask.texts))


def settings(method: str, repeats: int, retries: int, meta: bool) -> dict[str, Any]:
    """Arguments as the compiler closes them."""
    return {
        **arguments(method, repeats=repeats, retries=retries, temperature=1.0),
        "meta": META if meta else None,
        "answer": "a",
    }


async def calls(bench: Bench, args: dict[str, Any], count: int) -> int:
    """How many a kernel makes for so many candidates."""
    texts = [f"step {number}\n\nand on" for number in range(count)]
    await score(bench, {**args, "drafts": written(*texts)})
    return bench.calls


CASES = [
    (method, repeats, retries, meta)
    for method, repeats, retries in product(SCORES, (1, 3), (0, 2))
    for meta in ((False, True) if method == "judge" else (False,))
]


@pytest.mark.parametrize(("method", "repeats", "retries", "meta"), CASES)
async def test_no_scorer_asks_more_than_its_bound(
    method: str, repeats: int, retries: int, meta: bool
) -> None:
    args = settings(method, repeats, retries, meta)
    answers = REPLIES.get(method, "")
    readable = 0
    for count in range(6):
        bound = score_calls(args, count)
        readable = await calls(Bench(lambda ask: answers, rated), args, count)
        unreadable = await calls(Bench(lambda ask: "", rated), args, count)
        assert max(readable, unreadable) <= bound
        if count > 1 and method != "judge":
            assert max(readable, unreadable) == bound - (method == "reference") * (bound // count)


async def test_a_judge_takes_its_bound_where_only_the_last_try_can_be_read() -> None:
    args = settings("judge", 3, 2, meta=True)
    bench = Bench(lambda ask: REPLIES["judge"] if ask.index >= 6 else "", rated)
    assert await calls(bench, args, 5) == score_calls(args, 5) == 3 * (3 + 1)


async def test_a_given_reference_takes_its_bound() -> None:
    args = {**settings("reference", 2, 1, meta=False), "reference": "x"}
    assert await calls(Bench(lambda ask: "", rated), args, 4) == score_calls(args, 4) == 16


@pytest.mark.parametrize("method", MEASURES)
async def test_what_is_measured_costs_nothing(method: str) -> None:
    assert score_calls(settings(method, 1, 0, meta=False), 1000) == 0


@pytest.mark.parametrize("method", SCORES)
def test_the_operator_publishes_that_bound_for_the_drafts_that_it_looks_at(method: str) -> None:
    args = settings(method, 2, 1, meta=False)
    bounds = [
        OPERATORS["score"].calls({**args, **known}).high
        for known in ({}, {"most": 8}, {"up_to": 3}, {"up_to": 9, "most": 8})
    ]
    assert bounds == [score_calls(args, count) for count in (64, 8, 3, 8)]


@pytest.mark.parametrize(("method", "retries"), [("points", 0), ("points", 2), ("relevance", 2)])
async def test_a_reranking_stays_within_its_bound(method: str, retries: int) -> None:
    def unreadable(ask: Ask) -> str:
        return ""

    prompt = role("query", "documents", "count", "criteria")
    args = {"by": JUDGE, "method": method, "retries": retries, "prompt": prompt, "query": "Who?"}
    bench = Bench(unreadable, rated)
    await rerank(bench, {**args, "docs": ("a", "b", "c")})
    assert bench.calls <= OPERATORS["rerank"].calls(args).high
    assert bench.calls == (1 if method == "relevance" else 1 + retries)
