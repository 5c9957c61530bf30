"""Samples and items that are not needed any more: they are cancelled, refunded and accounted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from graphdsl.errors import ContextOverflow, OperatorError
from graphdsl.executors.abc import ChatRequest
from graphdsl.ops.context import NOT_NEEDED
from graphdsl.plan import Budget
from graphdsl.values import Finish
from tests.early import DRAFTS, JUDGED, answering, cut_off, judging, run
from tests.plans import Fake


async def test_samples_that_cannot_change_the_vote_are_cancelled() -> None:
    model = answering(lambda sample: "4" if sample < 5 else None)
    result = await run(DRAFTS + "return vote(drafts, by: number)", m=model)
    assert (result.value, result.status, result.exhausted) == ("Answer: 4", "ok", None)
    assert (len(model.asked), model.cancelled, model.running) == (8, 3, 0)
    assert result.trace is not None
    drafts = next(record for record in result.trace.walk() if record.op == "generate")
    assert (drafts.status, drafts.spared) == ("ok", 3)
    assert drafts.notes == ["decided by 5 of 8 samples"]
    cancelled = [call.error for call in drafts.calls if call.finish == "cancelled"]
    assert cancelled == [NOT_NEEDED] * 3


async def test_what_was_cancelled_is_refunded() -> None:
    model = answering(lambda sample: "4" if sample < 5 else None)
    body = DRAFTS + 'v = vote(drafts, by: number) return revise(v, using: "x", by: j)'
    result = await run(body, budget=Budget(tokens=20_000), m=model, j=Fake("done"))
    assert (result.value, result.status) == ("done", "ok")
    assert result.usage.unknown == 0
    assert result.usage.completion_tokens < 8 * 10


async def test_the_order_of_arrival_does_not_matter_to_a_vote() -> None:
    async def reply(request: ChatRequest) -> str:
        for _ in range(20 * (8 - request.sample)):
            await asyncio.sleep(0)
        return "Answer: 3" if request.sample > 2 else "Answer: 4"

    early = await run(DRAFTS + "return vote(drafts, by: number)", m=Fake(reply))
    assert early.value == "Answer: 3"


async def test_the_list_holds_cancelled_drafts_for_what_was_not_drawn() -> None:
    model = answering(lambda sample: None if sample == 1 else str(sample))
    body = "drafts = generate(q, models: m, samples: 4, enough: 3) return drafts"
    result = await run(body, "List[Draft]", m=model)
    ends = [(draft.finish, draft.error, draft.sample) for draft in result.output]
    assert ends[1] == (Finish.CANCELLED, NOT_NEEDED, 1)
    assert [finish for finish, _, _ in ends].count(Finish.STOP) == 3
    assert result.status == "ok"


async def test_first_finish_takes_those_that_end_first_and_votes_among_them() -> None:
    model = answering(lambda sample: "7" if sample in (2, 5) else None)
    body = "return vote(generate(q, models: m, samples: 6, enough: 2), by: number)"
    result = await run(body, "Draft", m=model)
    assert (result.output.answer, result.output.confidence, result.output.sample) == ("7", 1.0, 2)
    assert (model.cancelled, model.running) == (4, 0)


async def test_truncated_and_failed_samples_do_not_count_as_finished_first() -> None:
    def reply(request: ChatRequest) -> Any:
        if request.sample == 0:
            return cut_off()
        if request.sample == 1:
            return ContextOverflow("too long", model="m", prompt_tokens=9, limit=8)
        return "Answer: 5"

    body = "drafts = generate(q, models: m, samples: 4, enough: 2) return drafts"
    result = await run(body, "List[Draft]", m=Fake(reply))
    assert [draft.finish for draft in result.output] == ["length", "error", "stop", "stop"]


async def test_posterior_stops_when_the_leader_is_probably_ahead() -> None:
    model = answering(lambda sample: "4" if sample < 4 else None)
    result = await run(
        DRAFTS + "return vote(drafts, by: number, stop: posterior)", "Draft", m=model
    )
    assert (result.output.answer, result.output.confidence) == ("4", 1.0)
    assert model.cancelled == 4


# ---- items of an `each`


async def test_the_first_that_passes_ends_the_judging() -> None:
    judge = judging(2, lambda number: number > 2)
    body = JUDGED + "return first(passing(drafts, verdicts))"
    result = await run(body, m=answering(str), j=judge)
    assert (result.value, result.status) == ("Answer: 2", "ok")
    assert (judge.cancelled, judge.running) == (3, 0)
    assert result.trace is not None
    each = next(record for record in result.trace.walk() if record.op == "each")
    assert each.notes == ["decided by 3 of 6 items"]
    ends = [(record.status, record.notes) for record in each.children]
    assert ends == [("ok", [])] * 3 + [("cancelled", [NOT_NEEDED])] * 3


async def test_whichever_passes_first_is_enough_where_that_is_asked_for() -> None:
    judge = judging(4, lambda number: number != 4)
    body = JUDGED + "return vote(passing(drafts, verdicts, enough: 1))"
    result = await run(body, m=answering(str), j=judge)
    assert result.value == "Answer: 4"
    assert (judge.cancelled, judge.running) == (5, 0)


NESTED = """drafts = generate(q, models: m, samples: 4)
verdicts = each d in drafts up to 4 {
  within [calls(9)] {
    repeat 2 {
      again = each e in [d, d] up to 2 { r = revise(e, using: "x", by: j) yield r }
      c = if true { v = verify(first(again), by: j) yield v } else { yield verify(d, by: j) }
    }
  }
  yield c
}
return first(passing(drafts, verdicts))
"""


async def test_what_is_not_needed_is_cancelled_at_any_depth() -> None:
    async def reply(request: ChatRequest) -> str:
        text = request.messages.text
        if "Answer: 0" not in text:
            await asyncio.Event().wait()
        return "[Correct]" if "verdict" in text else "Answer: 0"

    judge = Fake(reply)
    result = await run(NESTED.replace("if true", "if q == q"), m=answering(str), j=judge)
    assert (result.value, result.status) == ("Answer: 0", "ok")
    assert judge.running == 0
    assert judge.cancelled == 6  # two revisions of each of the three other drafts
    assert result.trace is not None
    running = [record for record in result.trace.walk() if record.status == "cancelled"]
    assert {record.op for record in running} >= {"within", "repeat", "each", "revise"}
    assert all(NOT_NEEDED in record.notes for record in running)
    assert result.usage.unknown == 0


async def test_samples_of_items_that_are_not_needed_are_told_so() -> None:
    body = """drafts = generate(q, models: m, samples: 3)
    voted = each d in drafts up to 3 { more = generate(d, models: j, samples: 4) yield first(more) }
    return first(complete(voted))
    """

    async def reply(request: ChatRequest) -> str:
        if "Answer: 0" not in request.messages.text:
            await asyncio.Event().wait()
        return "yes"

    judge = Fake(reply)
    result = await run(body, m=answering(str), j=judge)
    assert (result.value, judge.running, judge.cancelled) == ("yes", 0, 8)
    assert result.trace is not None
    inner = [record for record in result.trace.walk() if record.address.endswith(("[1]", "[2]"))]
    assert [record.spared for record in inner if record.op == "generate"] == [4, 4]


async def test_a_run_that_is_cancelled_while_it_stops_leaves_nothing_behind() -> None:
    begun = asyncio.Event()

    async def reply(request: ChatRequest) -> str:
        if request.sample < 5:
            return "Answer: 4"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            begun.set()
            for _ in range(50):
                await asyncio.sleep(0)
            raise
        return ""

    model = Fake(reply)
    task = asyncio.create_task(run(DRAFTS + "return vote(drafts, by: number)", m=model))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.running == 0


def breaking(broken: int, turns: int) -> Fake:
    """A judge that passes all drafts but breaks on one, after so many turns of the loop."""

    async def reply(request: ChatRequest) -> str:
        number = int(request.messages.text.partition("Answer: ")[2][:1])
        for _ in range(turns if number == broken else 20):
            await asyncio.sleep(0)
        if number == broken:
            raise RuntimeError("broken")
        return "[Correct]"

    return Fake(reply)


@pytest.mark.parametrize("turns", [0, 100])
@pytest.mark.parametrize("count", [2, 3])
async def test_an_error_in_an_item_counts_when_its_turn_comes_whenever_it_arrives(
    turns: int, count: int
) -> None:
    judge = breaking(2, turns)
    body = JUDGED + f"return first(take(passing(drafts, verdicts), {count}))"
    if count == 2:
        result = await run(body, m=answering(str), j=judge)
        assert (result.value, result.status) == ("Answer: 0", "ok")
    else:
        with pytest.raises(OperatorError, match=r"`main.verdicts.v\[2\]` failed: .*broken"):
            await run(body, m=answering(str), j=judge)
    assert judge.running == 0


async def test_an_item_that_has_failed_is_ended_at_once() -> None:
    body = """drafts = generate(q, models: m, samples: 2)
    verdicts = each d in drafts up to 2 {
      a = verify(d, by: j)
      b = revise(d, using: "x", by: m)
      c = verify(revise(b, using: a.reason, by: m), by: j)
      yield c
    }
    return first(passing(drafts, verdicts))
    """

    async def say(request: ChatRequest) -> str:
        text = request.messages.text
        if "Answer: 1" in text:
            await asyncio.Event().wait()
        return "Answer: 0" if "Answer: 0" in text else f"Answer: {request.sample}"

    async def judge(request: ChatRequest) -> str:
        if "Answer: 1" in request.messages.text:
            raise RuntimeError("broken")
        while not model.cancelled:  # the revision of the other item
            await asyncio.sleep(0)
        return "[Correct]"

    model = Fake(say)
    result = await run(body, m=model, j=Fake(judge))
    assert (result.value, result.status, model.running) == ("Answer: 0", "ok", 0)


async def test_samples_of_one_and_of_judges_are_told_that_they_are_not_needed() -> None:
    body = """drafts = generate(q, models: m, samples: 3)
    verdicts = each d in drafts up to 3 {
      one = first(generate(d, models: j))
      v = verify(one, by: j)
      yield v
    }
    return first(passing(drafts, verdicts))
    """

    async def reply(request: ChatRequest) -> str:
        text = request.messages.text
        verdict = "verdict" in text
        if "Answer: 2" in text or ("Answer: 1" in text and verdict):
            await asyncio.Event().wait()
        while verdict and judge.running < 3:
            await asyncio.sleep(0)
        return "[Correct]" if verdict and "Answer: 0" in text else text[-9:]

    judge = Fake(reply)
    result = await run(body, m=answering(str), j=judge)
    assert (result.value, judge.running, judge.cancelled) == ("Answer: 0", 0, 2)
    assert result.trace is not None
    spared = {record.address: record.spared for record in result.trace.walk() if record.spared}
    assert spared == {"main.verdicts.v[1]": 1, "main.verdicts.one.items[2]": 1}


# ---- min_success


@pytest.mark.parametrize(
    "join", ["vote(drafts, min_success: 3)", "best(drafts, min_success: 3)",
             "fuse(drafts, by: j, min_success: 3)",
             "first(rank(drafts, by: j, min_success: 3))"],
)  # fmt: skip
async def test_a_join_of_too_few_drafts_is_a_failure_that_says_so(join: str) -> None:
    def reply(request: ChatRequest) -> Any:
        return "Answer: 1" if request.sample < 2 else cut_off()

    judge = Fake("Answer: 9")
    result = await run(
        f"drafts = generate(q, models: m, samples: 5) return {join}",
        "Draft",
        m=Fake(reply),
        j=judge,
    )
    assert result.status == "failed"
    assert result.output.error == (
        "2 of 5 drafts are complete, 3 are needed: 3 of 5 were cut off at `max_tokens`"
    )
    assert not judge.asked


async def test_a_critique_of_too_few_drafts_is_empty_for_each() -> None:
    body = (
        "drafts = generate(q, models: m, samples: 2) return critique(drafts, by: j, min_success: 2)"
    )
    result = await run(
        body,
        "List[Text]",
        m=Fake(lambda request: "a" if request.sample else cut_off()),
        j=Fake("[1] fine"),
    )
    assert result.output == ("", "")


async def test_enough_complete_drafts_are_joined_as_ever() -> None:
    body = "return vote(generate(q, models: m, samples: 3), by: number, min_success: 3)"
    result = await run(body, "Draft", m=answering(lambda sample: "1"))
    assert (result.status, result.output.confidence) == ("ok", 1.0)


# ---- deadlines of nodes


async def test_late_samples_are_cut_and_the_node_goes_on_with_what_it_has() -> None:
    model = answering(lambda sample: "4" if sample < 2 else None)
    body = (
        "drafts = generate(q, models: m, samples: 3, deadline: seconds(0.05)) "
        "return vote(drafts, by: number)"
    )
    result = await run(body, "Draft", m=model)
    assert (result.status, result.output.answer, result.output.confidence) == ("ok", "4", 1.0)
    assert (model.cancelled, model.running) == (1, 0)
    assert result.trace is not None
    drafts = result.trace.nodes[0]
    assert drafts.status == "exhausted"
    assert [call.error for call in drafts.calls] == [None, None, "budget exhausted: seconds(0.05)"]


async def test_a_deadline_goes_for_all_attempts_of_a_judge() -> None:
    async def reply(request: ChatRequest) -> str:
        await asyncio.sleep(0.03)
        return "cannot say"

    body = (
        "d = first(generate(q, models: m)) "
        "v = verify(d, by: j, retries: 9, deadline: seconds(0.05)) return v.reason"
    )
    judge = Fake(reply)
    result = await run(body, m=Fake("Answer: 1"), j=judge)
    assert result.status == "ok"
    assert len(judge.asked) < 5


async def test_the_deadline_of_a_node_is_never_later_than_that_of_the_run() -> None:
    body = "drafts = generate(q, models: m, samples: 2, deadline: minutes(5)) return vote(drafts)"
    result = await run(body, budget=Budget(seconds=0.05), m=answering(lambda sample: None))
    assert result.status == "exhausted"
    assert result.exhausted == "seconds(0.05)"
