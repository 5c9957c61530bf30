"""A budget that refuses only what is not needed is not exhausted."""

from __future__ import annotations

import asyncio

import pytest

from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.crew import Crew, ItemCrew
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.executors.need import Need, exhaust
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Record
from graphdsl.ops.context import NOT_NEEDED, Ask
from graphdsl.ops.quorum import rule_of
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import Budget
from tests.early import DRAFTS, JUDGED, answering, judging, run
from tests.plans import Answers, Fake, model, question, serving

VOTED = DRAFTS + "return vote(drafts, by: number)"


async def slowly(request: ChatRequest) -> str:
    """A reply; later samples take longer."""
    for _ in range(20 * (request.sample + 1)):
        await asyncio.sleep(0)
    return "Answer: 4"


@pytest.mark.parametrize("calls", [5, 6, 7])
@pytest.mark.parametrize("answer", [slowly, "Answer: 4"])
async def test_a_vote_that_is_decided_within_the_budget_is_not_cut(
    calls: int, answer: Answers | str
) -> None:
    result = await run(VOTED, budget=Budget(calls=calls), m=Fake(answer))
    assert (result.value, result.status, result.exhausted) == ("Answer: 4", "ok", None)
    assert result.trace is not None
    assert {record.status for record in result.trace.walk()} == {"ok"}


async def test_a_vote_in_which_a_refused_draft_counts_is_cut() -> None:
    result = await run(VOTED, budget=Budget(calls=3), m=Fake("Answer: 4"))
    assert (result.value, result.status, result.exhausted) == ("Answer: 4", "exhausted", "calls(3)")
    assert result.trace is not None
    assert result.trace.nodes[0].status == "exhausted"


async def test_enough_that_the_budget_allows_is_enough() -> None:
    body = "return vote(generate(q, models: m, samples: 8, enough: 3), by: number)"
    result = await run(body, budget=Budget(calls=3), m=Fake(slowly))
    assert (result.status, result.exhausted, result.usage.calls) == ("ok", None, 3)
    result = await run(body, budget=Budget(calls=2), m=Fake(slowly))
    assert (result.status, result.exhausted) == ("exhausted", "calls(2)")


async def test_a_deadline_that_cuts_only_what_is_not_needed_exhausts_nothing() -> None:
    scope, fake = Scope(Budget(seconds=0.01), now=asyncio.get_running_loop().time()), slowest()
    draws, watch = sampler(fake), Watch(2, rule_of(("items", 1), 2))
    need, asks = Need(), [Ask(model(), question(), index) for index in range(2)]
    need.watch = watch
    record = Record("n", "generate", 0.0)
    drafts = [await draws.draw(ask, "n", scope, record, 0, need) for ask in asks]
    assert [draft.error for draft in drafts] == ["budget exhausted: seconds(0.01)"] * 2
    assert (scope.exhausted, record.status) == (None, "ok")
    need.count(asks[1:], record)
    assert (scope.exhausted, record.status) == ("seconds(0.01)", "exhausted")


def slowest() -> Fake:
    return answering(lambda sample: None)


def sampler(fake: Fake) -> Sampler:
    return Sampler(serving(m=fake), asyncio.get_running_loop())


async def test_a_scope_in_the_program_is_not_exhausted_by_what_is_not_needed() -> None:
    body = """within [calls(8)] as tight {
      v = vote(generate(q, models: m, samples: 8), by: number, stop: decided)
    }
    gave = if tight.exhausted { yield "gave up" } else { yield v.text }
    return gave"""
    for calls, value, status in ((5, "Answer: 4", "ok"), (3, "gave up", "exhausted")):
        result = await run(body, budget=Budget(calls=calls), m=Fake(slowly))
        assert (result.value, result.status) == (value, status)


FIRST = "return first(passing(drafts, verdicts))"


@pytest.mark.parametrize(
    ("passes", "calls", "exhausted"), [(0, 7, None), (1, 8, None), (1, 7, "calls(7)")]
)
async def test_an_item_that_is_refused_exhausts_the_budget_only_if_it_counts(
    passes: int, calls: int, exhausted: str | None
) -> None:
    judge = judging(passes, lambda number: False)
    result = await run(JUDGED + FIRST, budget=Budget(calls=calls), m=answering(str), j=judge)
    assert result.exhausted == exhausted
    assert result.status == ("ok" if exhausted is None else "exhausted")


NESTED = """drafts = generate(q, models: m, samples: 2)
verdicts = each d in drafts up to 2 {
  more = generate(d, models: m, samples: 2)
  inner = each e in more up to 2 { v = verify(e, by: j) yield v }
  c = verify(first(passing(more, inner)), by: j)
  yield c
}
return first(passing(drafts, verdicts))
"""


@pytest.mark.parametrize(("last", "status"), [("[Correct]", "ok"), ("[Incorrect]", "exhausted")])
async def test_a_refusal_within_the_second_item_counts_where_the_first_does_not_pass(
    last: str, status: str
) -> None:
    """Of twelve calls eleven are allowed: two drafts, four more, four verdicts and one more."""

    async def verdict(request: ChatRequest) -> str:
        number = len(judge.asked)
        while len(judge.asked) < 4:
            await asyncio.sleep(0)
        return "[Correct]" if number <= 4 else last

    judge = Fake(verdict)
    result = await run(NESTED, budget=Budget(calls=11), m=answering(str), j=judge)
    assert (result.status, len(judge.asked)) == (status, 5)


def test_a_refusal_goes_outwards_one_item_at_a_time() -> None:
    outermost = Scope(Budget(calls=1))
    around = Scope(Budget(), outermost)
    within = Scope(Budget(calls=1), around)
    outer = ItemCrew(Crew(None), outermost, _never)
    inner = ItemCrew(Crew(outer), around, _never)
    exhaust(Refused("own", within), within, inner, None)
    assert (within.exhausted, inner.refusals) == ("own", [])
    refusal = Refused("calls(1)", outermost)
    exhaust(refusal, within, inner, None)
    assert (around.exhausted, inner.refusals) == (None, [refusal])
    exhaust(refusal, around, outer, None)
    assert (around.exhausted, outermost.exhausted, outer.refusals) == ("calls(1)", None, [refusal])
    exhaust(refusal, outermost, None, None)
    assert outermost.exhausted == "calls(1)"


def _never(error: BaseException) -> None:
    raise AssertionError from error


async def test_a_cancellation_is_understood_even_without_its_message() -> None:
    """As when a deadline passes in the same turn of the loop."""
    fake = slowest()
    need, record = Need(), Record("n", "generate", 0.0)
    need.watch = Watch(1, rule_of(("items", 1), 1))
    scope = Scope(Budget(seconds=60), now=asyncio.get_running_loop().time())
    draw = sampler(fake).draw(Ask(model(), question()), "n", scope, record, 0, need)
    task = asyncio.create_task(draw)
    while not fake.running:
        await asyncio.sleep(0)
    need.watch.over = True
    task.cancel()
    task.cancel(NOT_NEEDED)
    with pytest.raises(asyncio.CancelledError) as ended:
        await task
    assert ended.value.args == ()
    assert (record.spared, [call.error for call in record.calls]) == (1, [NOT_NEEDED])
