"""What earlier lives of a run have spent: counted once, in every scope, and in the trace."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from graphdsl.api.module import load
from graphdsl.errors import ContextOverflow, OperatorError
from graphdsl.executors.abc import ChatRequest, Completion, ScoreRequest, Scores
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.run_journal import RunJournal
from graphdsl.executors.journal.store import MemoryJournal
from graphdsl.executors.ledger import Scope
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.session import Session
from graphdsl.plan import Budget, Program
from graphdsl.values import Usage
from tests.plans import Fake, serving

HEAD = """edition "2026"
model m { backend = simulated }
model j { backend = simulated }
"""


def program(body: str) -> Program:
    text = f"{HEAD}flow main(q: Text) -> Draft {{\n{body}\n}}\n"
    return load(text).flow("main").plan()


async def life(
    code: Program, journal: MemoryJournal, m: Fake, j: Fake, session: Session | None = None
) -> Result:
    options = RunOptions(journal=journal.run("a"), session=session)
    return await execute(code, {"q": "?"}, backends=serving(m=m, j=j), options=options)


def crash(_: ChatRequest) -> Completion:
    raise RuntimeError("crash")


def of_nodes(result: Result) -> Usage:
    assert result.trace is not None
    return sum((node.usage for node in result.trace.nodes), Usage())


async def test_what_a_kept_node_has_cost_counts_in_the_scopes_around_it() -> None:
    body = """  within [calls(8)] as scope {
    d = generate(q, models: m, samples: 4, enough: 2)
    v = vote(d, by: number)
    e = generate(v, models: j, samples: 6)
  }
  return vote(e, by: number)"""
    code, journal = program(body), MemoryJournal()
    with pytest.raises(OperatorError):
        await life(code, journal, Fake("4"), Fake(crash))
    judge = Fake("4")
    result = await life(code, journal, Fake("4"), judge)
    assert result.usage.calls <= 8
    assert of_nodes(result) == result.usage


async def test_a_kept_value_that_was_paid_for_is_an_answer_of_a_model() -> None:
    body = """  d = generate(q, models: m, samples: 3, enough: 1)
  v = vote(d, by: number)
  e = generate(v, models: j, samples: 3)
  return vote(concat(d, e), by: number)"""
    code, journal = program(body), MemoryJournal()
    with pytest.raises(OperatorError):
        await life(code, journal, Fake("4"), Fake(crash))
    long = Fake(lambda _: ContextOverflow("too long", model="j", prompt_tokens=9, limit=8))
    resumed = await life(code, journal, Fake("4"), long)
    assert (resumed.status, resumed.answer) == ("ok", "4")


async def test_a_session_counts_every_life_of_a_run_once() -> None:
    body = """  d = generate(q, models: m, samples: 4)
  v = vote(d, by: number)
  e = generate(v, models: j, samples: 2)
  return vote(e, by: number)"""
    code, journal, tenant = program(body), MemoryJournal(), Session(Budget())
    session = Session(Budget(), within=tenant)
    with pytest.raises(OperatorError):
        await life(code, journal, Fake("4"), Fake(crash), session)
    result = await life(code, journal, Fake("4"), Fake("4"), session)
    assert session.usage.calls == tenant.usage.calls == result.usage.calls
    other = Session(Budget())
    again = await life(code, journal, Fake("4"), Fake("4"), other)
    assert other.usage.calls == again.usage.calls == result.usage.calls


async def test_attempts_in_vain_stand_with_the_sample_that_is_asked_for_again() -> None:
    code, journal = program("  return first(generate(q, models: m, samples: 1))"), MemoryJournal()
    await journal.run("a").intend("nothing of this run", Usage(1, 5, 0, 5, unknown=1))
    lost = Fake(lambda _: ContextOverflow("too long", model="m", prompt_tokens=9, limit=8))
    first = await life(code, journal, lost, lost)
    second = await life(code, journal, Fake("4"), Fake("4"))
    assert first.status == "failed"
    assert of_nodes(second) + Usage(1, 5, 0, 5, unknown=1) == second.usage


class Scoring(Fake):
    """A reward model that stops answering after so many texts."""

    def __init__(self, most: int) -> None:
        super().__init__("", relevance_scores=True)
        self.most = most

    async def score(self, request: ScoreRequest) -> Scores:
        self.most -= 1
        if self.most < 0:
            raise RuntimeError("crash")
        return Scores((0.5,) * len(request.texts), Usage(1, 3))


async def test_scores_that_share_a_prompt_are_owed_once_together() -> None:
    body = """  d = generate(q, models: m, samples: 4)
  within [calls(9)] as scope {
    r = score(d, method: outcome, by: j)
  }
  return best(r)"""
    code, journal = program(body), MemoryJournal()
    with pytest.raises(OperatorError):
        await life(code, journal, Fake("4"), Scoring(2))
    result = await life(code, journal, Fake("4"), Scoring(4))
    assert result.status == "ok"
    assert result.answer == "4"
    assert of_nodes(result) == result.usage
    assert result.usage.calls == 4 + 4 + 4  # drafts, scores of the first life, and all again


async def test_a_deadline_does_not_drop_an_answer_that_is_being_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = RunJournal.completed

    async def slow(own: RunJournal, *told: Any) -> None:
        await asyncio.sleep(1.2)
        await quick(own, *told)

    monkeypatch.setattr(RunJournal, "completed", slow)
    code = program(
        "  d = generate(q, models: m, samples: 1, deadline: seconds(1))\n  return first(d)"
    )
    result = await life(code, MemoryJournal(), Fake("Answer: 4"), Fake("4"))
    assert (result.status, result.answer) == ("ok", "4")


def test_a_scope_without_prices_says_so() -> None:
    session = Session(Budget())
    Scope(Budget(), session.scope).charge(Usage(1, 5, 0, 5, cost=None))
    assert session.usage.usd is None
