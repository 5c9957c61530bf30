"""Races as they are run: who comes first by the clock, what is cancelled, and what it costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from graphdsl.api.module import load
from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.planner import plan
from graphdsl.compiler.specialise import specialise
from graphdsl.diagnostics import Source
from graphdsl.errors import ContextOverflow, OperatorError
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.store import MemoryJournal
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.ops.context import NOT_NEEDED
from graphdsl.plan import Budget
from graphdsl.testing.virtual_time import run_virtually
from graphdsl.values import Finish
from tests.early import answering, cut_off, run
from tests.plans import Fake, serving

PACE = """edition "2026"
model slow { backend = simulated  replies = ["Answer: 1"]  latency = 60 }
model mute { backend = simulated  replies = ["no idea"]  latency = 2 }
model fast { backend = simulated  replies = ["Answer: 3"]  latency = 5 }
pool all = [slow, mute, fast]
"""


def timed(body: str, result: str = "List[Draft]") -> tuple[Result, float]:
    """A flow of simulated models with their latencies; its result and how long it took."""
    program = load(f"{PACE}flow main(q: Text) -> {result} {{\n{body}\n}}\n").flow("main").plan()

    async def main() -> Result:
        async with Backends() as backends:
            return await execute(program, {"q": "?"}, backends=backends)

    return run_virtually(main())


def texts(result: Result) -> list[str]:
    return [draft.text for draft in result.output]


@pytest.mark.parametrize(
    ("race", "taken", "seconds"),
    [
        ("race(drafts)", ["no idea"], 2),
        ("race(drafts, accept: answered, by: number)", ["Answer: 3"], 5),
        ("race(drafts, take: 3)", ["no idea", "no idea", "Answer: 3"], 5),
        ("race(drafts, take: 3, accept: answered, by: number)", 3 * ["Answer: 1"], 60),
    ],
)
def test_those_that_arrive_first_are_taken_and_nobody_waits_for_the_others(
    race: str, taken: list[str], seconds: float
) -> None:
    result, took = timed(f"drafts = generate(q, models: all, samples: 2)\nreturn {race}")
    if taken == 3 * ["Answer: 1"]:  # one of the slow ones beside both of the fast ones
        taken = ["Answer: 1", "Answer: 3", "Answer: 3"]
    assert (texts(result), took, result.status) == (taken, seconds, "ok")
    assert result.usage.unknown == 0


def test_a_race_of_a_whole_list_takes_the_first_in_its_order() -> None:
    body = "drafts = generate(q, models: all)\nearly = race(drafts)\nreturn concat(early, drafts)"
    result, took = timed(body)
    assert texts(result) == ["Answer: 1", "Answer: 1", "no idea", "Answer: 3"]
    assert took == 60


def test_scored_drafts_race_as_they_are_scored() -> None:
    body = """drafts = generate(q, models: fast, samples: 3)
    xs = each d in drafts up to 3 {
      better = first(generate(d, models: fast))
      v = verify(better, by: mute)
      yield first(scored([better], [v]))
    }
    return race(xs, accept: scored, at_least: 0.9)"""
    result, took = timed(body)  # the mute judge gives no verdict, so that no draft has a score
    assert texts(result) == []
    assert took == 5 + 5 + 2


# ---- on models whose order is chosen


async def test_the_others_are_cancelled_and_refunded() -> None:
    model = answering(lambda sample: "7" if sample in (0, 2) else None)
    body = """early = race(generate(q, models: m, samples: 6, max_tokens: 100), take: 2)
    v = vote(early, by: number)
    return revise(v, using: "x", by: j, max_tokens: 900)"""
    tight = Budget(calls=7, tokens=1_500)  # too few while six samples are under way
    result = await run(body, "Draft", budget=tight, m=model, j=Fake("done"))
    assert (result.output.text, result.status, result.exhausted) == ("done", "ok", None)
    assert (model.cancelled, model.running) == (4, 0)
    assert result.usage.completion_tokens == 3 * 5  # what the three replies had
    assert result.trace is not None
    drawn = next(record for record in result.trace.walk() if record.op == "generate")
    assert (drawn.spared, drawn.notes) == (4, ["decided by 2 of 6 samples"])
    cancelled = [call.error for call in drawn.calls if call.finish == "cancelled"]
    assert cancelled == [NOT_NEEDED] * 4


async def test_a_budget_that_allows_the_winners_is_not_exhausted_by_the_others() -> None:
    body = "return race(generate(q, models: m, samples: 6), take: 2)"
    result = await run(body, "List[Draft]", budget=Budget(calls=2), m=Fake("Answer: 4"))
    assert (len(result.output), result.status, result.usage.calls) == (2, "ok", 2)
    short = await run(body, "List[Draft]", budget=Budget(calls=1), m=Fake("Answer: 4"))
    assert (len(short.output), short.status) == (1, "exhausted")


async def test_cut_off_failed_and_mute_samples_do_not_win() -> None:
    def reply(request: ChatRequest) -> Any:
        match request.sample:
            case 0:
                return cut_off()
            case 1:
                return ContextOverflow("too long", model="m", prompt_tokens=9, limit=8)
            case 2:
                return "no idea"
            case number:
                return f"Answer: {number}"

    drawn = "drafts = generate(q, models: m, samples: 5) "
    result = await run(drawn + "return race(drafts)", "List[Draft]", m=Fake(reply))
    assert texts(result) == ["no idea"]
    race = "return race(drafts, accept: answered, by: number)"
    result = await run(drawn + race, "List[Draft]", m=Fake(reply))
    assert texts(result) == ["Answer: 3"]


async def test_a_race_that_nobody_wins_has_drawn_all_and_gives_nothing() -> None:
    model = Fake("no idea")
    body = "return race(generate(q, models: m, samples: 4), accept: answered, by: number)"
    result = await run(body, "List[Draft]", m=model)
    assert (result.output, len(model.asked)) == ((), 4)


async def test_the_first_scored_well_enough_ends_the_others_at_any_depth() -> None:
    async def judge(request: ChatRequest) -> str:
        number = int(request.messages.text.partition("Answer: ")[2][:1])
        if number > 2:
            await asyncio.Event().wait()
        return "[Correct]" if number == 2 else "[Incorrect]"

    body = """drafts = generate(q, models: m, samples: 6)
    xs = each d in drafts up to 6 {
      v = verify(d, by: j)
      yield first(scored([d], [v]))
    }
    return race(xs, accept: scored, at_least: 1)"""
    judging = Fake(judge)
    result = await run(body, "List[Draft]", m=answering(str), j=judging)
    (taken,) = result.output
    assert (taken.text, taken.score) == ("Answer: 2", 1)
    assert (judging.cancelled, judging.running) == (3, 0)


# ---- resumed


async def test_a_resumed_run_has_the_same_winner_whoever_would_come_first_now() -> None:
    body = """flow main(q: Text) -> List[Draft] {
      early = race(generate(q, models: m, samples: 4))
      c = first(generate(first(early), models: j))
      return concat(early, [c])
    }"""
    heads = "".join(f"model {name} {{ backend = simulated }}\n" for name in "mj")
    code, journal = load(f'edition "2026"\n{heads}{body}\n').flow("main").plan(), MemoryJournal()

    async def life(winner: int, judge: Fake) -> tuple[Result, Fake]:
        model = answering(lambda sample: str(sample) if sample == winner else None)
        options = RunOptions(journal=journal.run("a"))
        backends = serving(m=model, j=judge)
        return await execute(code, {"q": "?"}, backends=backends, options=options), model

    def crash(_: ChatRequest) -> str:
        raise RuntimeError("crash")

    with pytest.raises(OperatorError):
        await life(3, Fake(crash))
    result, again = await life(0, Fake("fine"))
    assert texts(result) == ["Answer: 3", "fine"]
    assert again.asked == []


# ---- without the pass


async def test_unoptimised_a_race_takes_the_first_of_the_list() -> None:
    text = """edition "2026"
    model m { backend = simulated }
    flow main(q: Text) -> List[Draft] { return race(generate(q, models: m, samples: 3)) }"""
    checked = check(Source("x.tts", text))
    assert checked.module is not None
    program = plan(specialise(lower(checked.module, "main"), {}))
    result = await execute(program, {"q": "?"}, backends=serving(m=answering(str)))
    (taken,) = result.output
    assert (taken.text, taken.finish) == ("Answer: 0", Finish.STOP)
