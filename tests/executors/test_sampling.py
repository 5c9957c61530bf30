"""One sample: defaults, seeds, budgets, deadlines, admission."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from graphdsl.errors import BackendError, ModelCorrupt
from graphdsl.executors.abc import Backend, ChatRequest
from graphdsl.executors.admission import Admission
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.charging import bounded, prompt_bound
from graphdsl.executors.lane import Lane, Served
from graphdsl.executors.ledger import Amount, Scope
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.seeds import explicit_seed, sample_seed, stream_seed
from graphdsl.executors.tally import Tally
from graphdsl.executors.trace import Record
from graphdsl.ops.context import Ask
from graphdsl.plan import Budget, ModelSpec
from graphdsl.values import Finish, Messages, Usage
from tests.plans import Fake, model, question, said, serving


def sampler(fake: Fake, seed: int = 0) -> Sampler:
    return Sampler(serving(m=fake), asyncio.get_running_loop(), RunOptions(seed=seed))


def ask(index: int = 0, **known: Any) -> Ask:
    return Ask(known.pop("model", model()), question(), index, **known)


def free() -> Scope:
    return Scope(Budget())


def lane(**capabilities: Any) -> Lane:
    return Lane(model(), Served(Fake("x", **capabilities)), None)


def scope_of(**limits: Any) -> Scope:
    return Scope(Budget(**limits), now=asyncio.get_running_loop().time())


def test_seeds_follow_the_documented_rule() -> None:
    """The expected numbers are those of the formula in `seeds`, computed once by hand."""
    from hashlib import blake2b

    digest = blake2b(b"7\x1fflow.drafts[2]\x1fm\x1f1", digest_size=8).digest()
    first = stream_seed(7, "flow.drafts[2]", "m", 1)
    assert first == int.from_bytes(digest, "little") % 2**31
    assert sample_seed(2**31 - 1, 1) == 0
    assert (explicit_seed(5, 0), explicit_seed(5, 1) != 6) == (5, True)


def test_every_part_of_a_sample_s_place_changes_its_seed() -> None:
    places = [
        (0, "a", "m", 0),
        (1, "a", "m", 0),
        (0, "b", "m", 0),
        (0, "a", "n", 0),
        (0, "a", "m", 1),
    ]
    assert len({stream_seed(*place) for place in places}) == len(places)


async def test_a_draft_says_where_it_came_from() -> None:
    fake = Fake(said("hello", tokens=3))
    draws = sampler(fake)
    draft = await draws.draw(ask(4, seed=10), "flow.x", free(), None)
    assert (draft.text, draft.model, draft.sample, draft.seed) == ("hello", "m", 4, 14)
    assert draft.prompt == question()
    assert draft.usage == draws.usage == Usage(1, 7, 0, 3)


async def test_the_ask_wins_over_the_model_over_the_default() -> None:
    fake = Fake("x")
    draws = sampler(fake)
    options = {"temperature": 0.3, "max_tokens": 9, "top_p": 0.5, "stop": ("a",)}
    spec = model("m", **options)
    await draws.draw(ask(model=spec), "n", free(), None)
    await draws.draw(ask(model=spec, temperature=0.0, max_tokens=2, stop=("b",)), "n", free(), None)
    await draws.draw(ask(), "n", free(), None)
    sent = [(r.temperature, r.max_tokens, r.top_p, r.stop) for r in fake.asked]
    assert sent == [(0.3, 9, 0.5, ("a",)), (0.0, 2, 0.5, ("b",)), (0.7, None, None, ())]


async def test_logprobs_are_asked_for_where_the_backend_has_them() -> None:
    plain, rich = Fake("x"), Fake("x", logprobs=True)
    await sampler(plain).draw(ask(), "n", free(), None)
    await sampler(rich).draw(ask(), "n", free(), None)
    assert (plain.asked[0].logprobs, rich.asked[0].logprobs) == (False, True)


async def test_a_backend_error_is_a_failed_draft_that_counts_as_a_call() -> None:
    scope = scope_of(calls=5)
    draws = sampler(Fake(lambda _: BackendError("too busy")))
    draft = await draws.draw(ask(), "n", scope, None)
    assert (draft.finish, draft.error, draft.text) == (Finish.ERROR, "too busy", "")
    assert scope.settled == Amount(calls=1)


async def test_a_corrupt_model_is_not_swallowed() -> None:
    scope = scope_of(calls=5)
    with pytest.raises(ModelCorrupt):
        await sampler(Fake(lambda _: ModelCorrupt("bad file"))).draw(ask(), "n", scope, None)
    assert scope.reserved == Amount()


async def test_a_refused_sample_is_cancelled_and_never_sent() -> None:
    fake = Fake("x")
    scope = scope_of(calls=1)
    draws = sampler(fake)
    drafts = await asyncio.gather(*[draws.draw(ask(i), "n", scope, None) for i in range(4)])
    assert [draft.finish for draft in drafts] == [Finish.STOP, *[Finish.CANCELLED] * 3]
    assert drafts[3].error == "budget exhausted: calls(1)"
    assert len(fake.asked) == 1


async def test_samples_that_wait_get_what_others_did_not_use() -> None:
    """Each may use 40 of 100 tokens and uses 12; only two fit at once, all eight fit in the end."""
    fake = Fake(said("x", tokens=5, prompt=7))
    worst = prompt_bound(ChatRequest(question())) + 40
    scope = scope_of(tokens=2 * worst)
    draws = sampler(fake)
    asks = [ask(i, max_tokens=40) for i in range(8)]
    drafts = await asyncio.gather(*[draws.draw(a, "n", scope, None) for a in asks])
    assert all(draft.complete for draft in drafts)
    assert fake.most <= 2
    assert scope.settled == Amount(8, 56, 40)


async def metered(request: ChatRequest) -> Any:
    """Writes three tokens of a reply that never ends."""
    assert request.meter is not None
    request.meter.prompt_tokens, request.meter.completion_tokens = 9, 3
    await asyncio.Event().wait()


async def test_a_sample_cut_off_by_the_deadline_is_charged_what_it_has_spent() -> None:
    scope = scope_of(calls=5, seconds=0.02)
    draws, record = sampler(Fake(metered)), Record("n", "generate", 0.0)
    draft = await draws.draw(ask(max_tokens=50), "n", scope, record)
    assert (draft.finish, draft.usage) == (Finish.CANCELLED, Usage(1, 9, 0, 3))
    assert (draws.usage, scope.settled) == (Usage(1, 9, 0, 3), Amount(1, 9, 3))
    assert record.usage == Usage(1, 9, 0, 3)


async def test_a_sample_cut_off_by_cancelling_is_charged_and_traced() -> None:
    scope = scope_of(calls=5)
    fake = Fake(metered)
    draws, record = sampler(fake), Record("n", "generate", 0.0)
    running = asyncio.ensure_future(draws.draw(ask(), "n", scope, record))
    while not fake.asked:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (draws.usage, scope.settled) == (Usage(1, 9, 0, 3), Amount(1, 9, 3))
    assert [(call.finish, call.usage) for call in record.calls] == [
        ("cancelled", Usage(1, 9, 0, 3))
    ]


async def test_a_prompt_that_renders_to_nothing_fails_without_a_call() -> None:
    fake = Fake("x")
    draws = sampler(fake)
    draft = await draws.draw(Ask(model(), Messages(())), "n", free(), None)
    assert (draft.finish, draft.error) == (Finish.ERROR, "the prompt rendered to nothing")
    assert (fake.asked, draws.usage) == ([], Usage())


async def test_calls_stand_in_the_trace_in_the_order_in_which_they_were_asked_for() -> None:
    turns = [asyncio.Event() for _ in range(3)]

    async def in_turn(request: ChatRequest) -> Any:
        await turns[request.sample].wait()
        return said("x")

    record = Record("n", "generate", 0.0)
    draws = sampler(Fake(in_turn))
    drawn = [asyncio.ensure_future(draws.draw(ask(i), "n", free(), record)) for i in range(3)]
    for index in (2, 0, 1):
        turns[index].set()
        await drawn[index]
    assert [call.sample for call in record.calls] == [0, 1, 2]


async def test_the_deadline_cancels_samples_in_flight_and_refuses_later_ones() -> None:
    def never(_request: ChatRequest) -> Any:
        return asyncio.sleep(3600, said("never"))

    fake = Fake(never)
    scope = scope_of(seconds=0.01)
    draws = sampler(fake)
    first = await draws.draw(ask(), "n", scope, None)
    assert (first.finish, first.error) == (Finish.CANCELLED, "budget exhausted: seconds(0.01)")
    assert (fake.cancelled, scope.exhausted) == (1, "seconds(0.01)")
    assert scope.settled == Amount(calls=1)
    assert scope.reserved == Amount()
    second = await draws.draw(ask(1), "n", scope, None)
    assert second.finish is Finish.CANCELLED
    assert fake.running == 0


async def test_a_backend_s_own_timeout_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        await sampler(Fake(lambda _: TimeoutError())).draw(ask(), "n", scope_of(seconds=60), None)


def test_the_worst_case_covers_prompt_and_reply() -> None:
    request = ChatRequest(Messages.user("für"), max_tokens=30)
    same, worst = bounded(request, lane(), Scope(Budget(tokens=1000)))
    assert same is request
    assert worst == Amount(1, prompt_bound(request), 30)
    assert prompt_bound(request) >= len("für".encode()) + 30


def test_without_max_tokens_a_token_budget_limits_the_reply() -> None:
    request = ChatRequest(question())
    scope = Scope(Budget(completion_tokens=500))
    assert bounded(request, lane(), scope)[0].max_tokens == 500
    assert bounded(request, lane(context_tokens=100), scope)[0].max_tokens == 100
    assert bounded(request, lane(), Scope(Budget(calls=3)))[0] is request


async def test_admission_is_first_come_first_served_and_survives_cancellation() -> None:
    gate = Admission(1)
    order: list[int] = []

    async def enter(number: int) -> None:
        async with gate:
            order.append(number)
            await asyncio.sleep(0)

    tasks = [asyncio.ensure_future(enter(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
    await enter(9)
    assert order[-1] == 9


async def test_a_place_handed_to_a_cancelled_waiter_goes_to_the_next() -> None:
    gate = Admission(1)
    await gate.__aenter__()
    second, third = [asyncio.ensure_future(gate.__aenter__()) for _ in range(2)]
    await asyncio.sleep(0)
    await gate.__aexit__()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    await asyncio.wait_for(third, 5)


async def test_a_failed_opening_is_told_to_all_who_wait_and_tried_again_later() -> None:
    attempts = 0

    async def opener(_spec: ModelSpec) -> Backend:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        if attempts == 1:
            raise BackendError("no memory")
        return Fake("x")

    backends = Backends(opener)
    found = await asyncio.gather(*[backends.get(model()) for _ in range(3)], return_exceptions=True)
    assert [str(error) for error in found] == ["no memory"] * 3
    assert attempts == 1
    await backends.get(model())
    assert attempts == 2


async def test_models_that_differ_only_in_sampling_share_a_backend() -> None:
    async def opener(_spec: ModelSpec) -> Backend:
        return Fake("x")

    backends = Backends(opener)
    cool = ModelSpec("cool", "embedded", "file", {"temperature": 0.1, "slots": 2})
    warm = ModelSpec("warm", "embedded", "file", {"temperature": 0.9, "slots": 2})
    wide = ModelSpec("wide", "embedded", "file", {"slots": 4})
    lanes = [await backends.get(spec) for spec in (cool, warm, wide)]
    assert lanes[0].served is lanes[1].served
    assert lanes[0].served is not lanes[2].served


async def test_cancelling_one_who_waits_does_not_stop_the_opening() -> None:
    ready = asyncio.Event()

    async def opener(_spec: ModelSpec) -> Backend:
        await ready.wait()
        return Fake("x")

    backends = Backends(opener)
    first, second = [asyncio.ensure_future(backends.get(model())) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    ready.set()
    assert (await second).served.capabilities.seeds


async def test_closing_ends_openings_and_closes_each_model_once() -> None:
    async def opener(spec: ModelSpec) -> Backend:
        if spec.name == "slow":
            await asyncio.Event().wait()
        return fake

    fake = Fake("x")
    backends = Backends(opener)
    await backends.get(model())
    slow = asyncio.ensure_future(backends.get(model("slow")))
    await asyncio.sleep(0)
    await backends.aclose()
    await backends.aclose()
    assert fake.closed == 1
    assert isinstance(
        (await asyncio.gather(slow, return_exceptions=True))[0], asyncio.CancelledError
    )


def test_a_tally_is_the_sum_of_its_usages() -> None:
    usages = Usage(1, 7, 2, 5, 0, 10, 3), Usage(2, 1, 0, 4, 1, 20, 0), Usage(1, cost=None)
    tally = Tally()
    for count in range(len(usages)):
        assert tally.usage == sum(usages[:count], Usage())
        tally.add(usages[count])
    assert tally.usage == Usage(4, 8, 2, 9, 1, None, 3)
