"""Documents ordered by how they help with a query."""

from __future__ import annotations

import math
from typing import Any

import pytest

from graphdsl.ops.context import Rated, ScoreAsk
from graphdsl.ops.scoring.rerank import rerank
from graphdsl.values import Doc, Messages
from tests.ops.scoring.bench import JUDGE, Bench, role

DOCS = tuple(Doc(name, f"about {name}", 0.5) for name in ("ants", "bees", "cats"))


def reranking(docs: Any = DOCS, **given: Any) -> dict[str, Any]:
    """Arguments of `rerank` with their defaults."""
    prompt = role("query", "documents", "count", "criteria")
    usual = {"by": JUDGE, "method": "points", "retries": 0, "prompt": prompt, "query": "Who?"}
    return {**usual, "docs": docs, **given}


def told(docs: tuple[Doc, ...]) -> list[tuple[str, float]]:
    """Name and score of each."""
    return [(doc.id, doc.score) for doc in docs]


async def test_documents_come_by_their_points_and_unlisted_ones_are_dropped() -> None:
    bench = Bench(lambda ask: "Doc: 3, Relevance: 9\nDoc: 1, Relevance: 4")
    assert told(await rerank(bench, reranking())) == [("cats", 9.0), ("ants", 4.0)]
    assert bench.notes == ["1 of 3 documents are not listed; left out"]
    assert bench.asks[0].messages.text == (
        "query=Who?|documents=Document 1:\nabout ants\n\nDocument 2:\nabout bees\n\n"
        "Document 3:\nabout cats|count=3|criteria="
    )


async def test_equal_points_keep_the_order_of_retrieval() -> None:
    bench = Bench(lambda ask: "Doc: 3, Relevance: 5\nDoc: 2, Relevance: 5\nDoc: 1, Relevance: 5")
    assert [doc.id for doc in await rerank(bench, reranking())] == ["ants", "bees", "cats"]


async def test_what_is_below_the_threshold_is_left_out_and_the_first_are_kept() -> None:
    bench = Bench(lambda ask: "Doc: 1, Relevance: 3\nDoc: 2, Relevance: 2\nDoc: 3, Relevance: 8")
    assert told(await rerank(bench, reranking(at_least=3))) == [("cats", 8.0), ("ants", 3.0)]
    assert told(await rerank(bench, reranking(at_least=3, keep=1))) == [("cats", 8.0)]


async def test_where_nothing_qualifies_the_documents_stay_as_they_came() -> None:
    bench = Bench(lambda ask: "Doc: 1, Relevance: 1\nDoc: 2, Relevance: 2\nDoc: 3, Relevance: 0")
    found = await rerank(bench, reranking(at_least=3, keep=2))
    assert found == DOCS[:2]
    assert bench.notes == ["no document qualifies; the documents stay as they came"]


async def test_where_nothing_can_be_read_the_documents_stay_as_they_came() -> None:
    bench = Bench(lambda ask: "They are all fine")
    assert await rerank(bench, reranking(retries=1)) == DOCS
    assert len(bench.asks) == 2
    assert bench.notes[-1] == "no relevance could be read; the documents stay as they came"


async def test_criteria_reach_the_judge() -> None:
    bench = Bench(lambda ask: "Doc: 1, Relevance: 1")
    await rerank(bench, reranking(criteria=" depth, recency\n"))
    assert bench.asks[0].messages.text.endswith("|criteria=depth, recency")


async def test_no_documents_need_no_call() -> None:
    assert await rerank(Bench(), reranking(())) == ()
    assert await rerank(Bench(), reranking(None)) == ()


async def test_texts_become_documents_named_by_their_number() -> None:
    bench = Bench(lambda ask: "Doc: 1, Relevance: 1\nDoc: 2, Relevance: 2")
    assert await rerank(bench, reranking(("x", "y"))) == (Doc("2", "y", 2.0), Doc("1", "x", 1.0))


async def test_a_reranker_is_asked_once_for_all() -> None:
    bench = Bench(rate=lambda ask: Rated((0.1, math.nan, 7.5)))
    args = reranking(method="relevance")
    assert told(await rerank(bench, args)) == [("cats", 7.5), ("ants", 0.1)]
    texts = tuple(doc.text for doc in DOCS)
    assert bench.rated == [ScoreAsk(JUDGE, Messages.user("Who?"), texts, "relevance")]


@pytest.mark.parametrize(
    "rated", [None, Rated((math.nan, math.inf, -math.inf)), Rated((1.0,)), Rated((1.0,) * 4)]
)
async def test_a_reranker_that_fails_changes_nothing(rated: Rated | None) -> None:
    bench = Bench(rate=lambda ask: rated)
    assert await rerank(bench, reranking(method="relevance")) == DOCS
