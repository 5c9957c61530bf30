"""Samples that are known, from a cache or an earlier life, decide before a model is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import OperatorError
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.cache.store import Cache
from graphdsl.executors.hush import Hush
from graphdsl.executors.journal.store import MemoryJournal
from graphdsl.executors.result import Result
from tests.early import DRAFTS, JUDGED, answering, judging, run
from tests.plans import Fake

VOTED = DRAFTS + "return vote(drafts, by: number)"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache.open(tmp_path / "answers.sqlite") as opened:
        yield opened


def four(first: int) -> Fake:
    """A model whose first samples agree, and whose others never end; it can be cached."""
    fake = answering(lambda sample: "4" if sample < first else None)
    return Fake(fake.chat, identity="m")


async def test_a_vote_that_the_cache_decides_asks_no_model(cache: Cache) -> None:
    first = await run(VOTED, cache=cache, m=four(5))
    assert (first.usage.calls, first.saved.calls) == (8, 0)  # three of them were cut off
    again = four(0)
    second = await run(VOTED, cache=cache, m=again)
    assert (second.value, second.usage.calls, second.saved.calls) == (first.value, 0, 5)
    assert not again.asked
    assert second.trace is not None
    assert second.trace.nodes[0].spared == 3


async def test_what_the_cache_cannot_decide_is_asked_for(cache: Cache) -> None:
    body = DRAFTS.replace("8", "3") + "return vote(drafts)"  # all three count
    await run(body, cache=cache, m=four(3))
    more = four(9)
    result = await run(VOTED, cache=cache, m=more)
    assert (result.value, result.saved.calls) == ("Answer: 4", 3)
    assert [request.sample for request in more.asked] == [3, 4, 5, 6, 7]


async def test_verdicts_in_the_cache_decide_before_a_judge_is_asked(cache: Cache) -> None:
    body = JUDGED + "return first(passing(drafts, verdicts))"

    def life(judge: Fake) -> tuple[Fake, Coroutine[Any, Any, Result]]:
        cached = Fake(judge.chat, identity="j")
        model = Fake(answering(str).chat, identity="m")
        return cached, run(body, cache=cache, m=model, j=cached)

    await life(judging(2, lambda number: number > 2))[1]
    again, running = life(judging(9, lambda number: True))
    result = await running
    assert (result.value, result.usage.calls) == ("Answer: 2", 0)
    assert not again.asked


DEEP = """drafts = generate(q, models: m, samples: 4)
verdicts = each d in drafts up to 4 {
  repeat 2 {
    again = each e in [d, d] up to 2 { r = revise(e, using: "x", by: j) yield r }
    c = if q == q { v = verify(first(again), by: j, samples: 3) yield v }
        else { yield verify(d, by: j) }
  }
  yield c
}
return first(passing(drafts, verdicts))
"""


async def test_known_samples_come_first_at_any_depth(cache: Cache) -> None:
    async def reply(request: ChatRequest) -> str:
        text = request.messages.text
        if "Answer: 0" not in text:
            await asyncio.Event().wait()
        return "[Correct]" if "verdict" in text else "Answer: 0"

    first, again = Fake(reply, identity="j"), Fake(reply, identity="j")
    model = Fake(answering(str).chat, identity="m")
    await run(DEEP, cache=cache, m=model, j=first)
    result = await run(DEEP, cache=cache, m=model, j=again)
    assert (result.value, result.usage.calls, again.asked) == ("Answer: 0", 0, [])


async def test_a_run_that_goes_on_does_not_pay_for_what_was_not_needed() -> None:
    body = DRAFTS + 'v = vote(drafts, by: number) return revise(v, using: "x", by: j)'
    journal = MemoryJournal()

    async def life(judge: Fake) -> tuple[Result, Fake]:
        model = four(5)
        return await run(body, journal=journal.run("a"), m=model, j=judge), model

    with pytest.raises(OperatorError):
        await life(Fake(lambda _: RuntimeError("crash")))
    result, model = await life(Fake("done"))
    assert (result.value, model.asked) == ("done", [])
    assert result.usage.calls == 8 + 2  # all eight were sent, in the first life


async def test_quiet_waits_for_all_that_is_under_way_and_for_what_follows() -> None:
    hush, told = Hush(), list[str]()

    async def known(name: str, turns: int) -> None:
        hush.begin()
        for _ in range(turns):
            await asyncio.sleep(0)
        hush.end()
        told.append(name)

    async def asking() -> None:
        await hush.quiet()
        told.append("asked")

    async def chain() -> None:
        await known("slow", 40)
        await asyncio.sleep(0)
        await known("next", 30)

    await asyncio.gather(asking(), chain(), known("quick", 1), asking())
    assert told == ["quick", "slow", "next", "asked", "asked"]
    await asking()  # and once more, where nothing is known
