"""Scores of texts as the engine gets them: paid, bounded, noted, done without where they fail."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.errors import BackendError, BudgetExceeded
from graphdsl.executors.abc import Capabilities, Embeddings, ScoreRequest, Scores
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.cache.cached import Cached, from_bytes, to_bytes
from graphdsl.executors.cache.store import Cache
from graphdsl.executors.charging import prompt_bound, worst_usage
from graphdsl.executors.frame import STANDARD, Code, Frame, entered
from graphdsl.executors.lane import Lane
from graphdsl.executors.ledger import Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.node_context import NodeContext
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.executors.trace import Record
from graphdsl.ops.context import ScoreAsk
from graphdsl.plan import Budget, ModelSpec
from graphdsl.values import LogprobStats, Messages, Usage
from tests.plans import Fake, Graph, model, serving

ASK = ScoreAsk(model(), Messages.user("Is 2 + 2 = 4?"), ("Yes", "No"))


class Scoring(Fake):
    """A model that scores, or fails to; it remembers what it was asked."""

    def __init__(self, *values: float, error: BackendError | None = None) -> None:
        super().__init__("", label_scores=True, identity="a judge")
        self.scored: list[ScoreRequest] = []
        self._values = values
        self._error = error

    def heal(self, *values: float) -> None:
        self._values, self._error = values, None

    async def score(self, request: ScoreRequest) -> Scores:
        self.scored.append(request)
        if self._error is not None:
            raise self._error
        return Scores(self._values, Usage(3, 11, 0, 2))


def sampling(backend: Fake, **options: Any) -> Sampler:
    return Sampler(serving(m=backend), asyncio.get_running_loop(), RunOptions(**options))


def node(sampler: Sampler, scope: Scope, record: Record | None = None) -> NodeContext:
    graph = Graph()
    slot = graph.const("")
    graph.step("texts", address="f.scores", items=slot)
    code = Code(graph.program(slot).plan, STANDARD)
    frame = Frame(code, entered(code, [], []), scope, lambda: None)
    return NodeContext(sampler, Recollection({}), frame, code.plan.steps[0], record)


async def test_scores_are_one_call_however_the_engine_gets_them() -> None:
    sampler, record = sampling(Scoring(0.8, 0.2)), Record("f.scores", "score", 0.0)
    rated = await sampler.score(ASK, "f.scores", Scope(Budget()), record)
    assert rated.values == (0.8, 0.2)
    assert sampler.usage == replace(Usage(1, 11, 0, 2), cost=sampler.usage.cost)
    assert [call.usage.calls for call in record.calls] == [1]


async def test_a_budget_refuses_scores_before_they_are_sent() -> None:
    scorer = Scoring(0.8, 0.2)
    scope = Scope(Budget(calls=0))
    with pytest.raises(BudgetExceeded):
        await sampling(scorer).score(ASK, "f.scores", scope, None)
    assert scorer.scored == []
    assert scope.exhausted is not None


async def test_a_node_is_given_none_where_there_are_no_scores_and_the_trace_says_why() -> None:
    broken = Scoring(error=BackendError("it has no heart", model="m"))
    record = Record("f.scores", "score", 0.0)
    assert await node(sampling(broken), Scope(Budget()), record).score(ASK) is None
    assert record.notes == ["not scored: it has no heart"]


async def test_what_a_node_has_scored_is_kept_whole_in_a_journal_and_failures_are_not() -> None:
    good, bad = sampling(Scoring(0.8, 0.2)), sampling(Scoring(error=BackendError("no", model="m")))
    await node(good, Scope(Budget())).score(ASK)
    await node(bad, Scope(Budget())).score(ASK)
    assert good.kept == {"f.scores"}
    assert bad.kept == set()


async def test_a_node_of_which_one_score_failed_is_not_kept_whatever_follows() -> None:
    sampler = sampling(scorer := Scoring(error=BackendError("no", model="m")))
    context = node(sampler, Scope(Budget()))
    await context.score(ASK)
    scorer.heal(0.8, 0.2)
    assert await context.score(ASK) is not None
    assert sampler.kept == set()


async def test_the_next_member_of_a_group_scores_where_one_cannot() -> None:
    broken, whole = Scoring(error=BackendError("no", model="a")), Scoring(0.6, 0.4)
    group = ModelSpec("g", "fallback", "", {"models": (model("a"), model("b"))})
    sampler = Sampler(serving(a=broken, b=whole), asyncio.get_running_loop())
    rated = await sampler.score(replace(ASK, model=group), "f", Scope(Budget()), None)
    assert rated.values == (0.6, 0.4)
    assert sampler.usage.calls == 2


async def test_scores_that_were_paid_for_are_not_asked_for_again(tmp_path: Path) -> None:
    scorer = Scoring(0.8, 0.2)
    with Cache.open(tmp_path / "answers.sqlite") as cache:
        first, second = sampling(scorer, cache=cache), sampling(scorer, cache=cache)
        record = Record("f.scores", "score", 0.0)
        for sampler in (first, second):
            rated = await sampler.score(ASK, "f.scores", Scope(Budget()), record)
            assert rated.values == (0.8, 0.2)
    assert len(scorer.scored) == 1
    assert (first.usage.calls, second.usage.calls, second.saved.calls) == (1, 0, 1)
    assert [call.origin for call in record.calls] == ["model", "cache"]


async def test_scores_that_are_no_numbers_are_not_kept(tmp_path: Path) -> None:
    scorer = Scoring(math.nan, 0.2)
    with Cache.open(tmp_path / "answers.sqlite") as cache:
        for _ in range(2):
            await sampling(scorer, cache=cache).score(ASK, "f", Scope(Budget()), None)
    assert len(scorer.scored) == 2


@given(
    values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4),
    scored=st.booleans(),
)
def test_what_is_kept_of_scores_and_vectors_is_what_was_given(
    values: list[float], scored: bool
) -> None:
    stats = tuple(LogprobStats(3, value, value) for value in values)
    row = tuple(values)
    reply = Scores(row, Usage(1), stats) if scored else Embeddings((row, row), Usage(1))
    kept = Cached(reply, Usage(1, 2), 0.5, 1.0, "1")
    assert from_bytes(to_bytes(kept)) == kept


async def test_chance_follows_from_seed_address_and_stream_alone() -> None:
    def drawn(seed: int, address: str, stream: str = "") -> float:
        return sampling(Scoring(), seed=seed).chance(address, stream).random()

    assert drawn(1, "f.a") == drawn(1, "f.a")
    assert len({drawn(1, "f.a"), drawn(2, "f.a"), drawn(1, "f.b"), drawn(1, "f.a", "x")}) == 4


@pytest.mark.parametrize("kind", ["label", "text", "relevance"])
async def test_no_simulated_score_takes_more_than_was_set_aside(kind: Any) -> None:
    spec = ModelSpec("m", "simulated", "", {})
    backend = SimulatedBackend(spec)
    lane = await Backends().get(spec)
    request = ScoreRequest(ASK.messages, ("Yes", "certainly not " * 20), kind)
    usage = (await backend.score(request)).usage
    worst = worst_usage(lane, request)
    assert usage.prompt_tokens <= worst.prompt_tokens == prompt_bound(request)
    assert usage.completion_tokens <= worst.completion_tokens
    assert isinstance(lane, Lane)
    assert isinstance(backend.capabilities, Capabilities)
