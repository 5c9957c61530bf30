"""A call that fails: tried again, passed on to another model, and charged for what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BrokenReply,
    CallTimeout,
    InputError,
    ModelNotFound,
    NotRecorded,
    Overloaded,
    RateLimited,
    Unreachable,
)
from graphdsl.executors import lane, retry
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.charging import prompt_bound
from graphdsl.executors.ledger import Amount, Scope
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Record
from graphdsl.ops.context import Ask
from graphdsl.plan import Budget, ModelSpec
from graphdsl.values import PICO, Draft, Finish, Usage
from tests.plans import Fake, model, question, said, serving

Reply = Callable[[ChatRequest], Any]
PROMPT = prompt_bound(ChatRequest(question()))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts."""
    monkeypatch.setattr(retry, "BASE", 0.0)


def after(*failures: BackendError) -> Reply:
    """Fails so often, then answers."""
    left: Iterator[BackendError] = iter(failures)

    def reply(_request: ChatRequest) -> Any:
        return next(left, None) or said("13", tokens=5, prompt=7)

    return reply


async def never(_request: ChatRequest) -> Completion:
    """A reply that does not come."""
    await asyncio.Event().wait()
    return said("never")


async def draw(
    spec: ModelSpec, scope: Scope | None = None, record: Record | None = None, /, **fakes: Fake
) -> tuple[Draft, Sampler]:
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    ask = Ask(spec, question(), max_tokens=50)
    return await sampler.draw(ask, "f.d", scope or Scope(Budget()), record), sampler


def either(backend: str, *members: ModelSpec, **options: Any) -> ModelSpec:
    return ModelSpec("both", backend, "", {"models": members, **options})


# ---- again


async def test_a_lost_reply_is_asked_for_again_and_stays_charged_at_its_worst() -> None:
    scope, record = Scope(Budget(calls=10)), Record("f.d", "generate", 0.0)
    draft, sampler = await draw(model(), scope, record, m=Fake(after(BrokenReply("cut off"))))
    assert (draft.text, draft.finish) == ("13", Finish.STOP)
    assert draft.usage == Usage(2, PROMPT + 7, 0, 55, unknown=1)
    assert sampler.usage == draft.usage
    assert scope.settled == Amount(2, PROMPT + 7, 55)
    assert record.notes == ["`m` is asked again: cut off"]


async def test_what_no_model_worked_on_costs_nothing() -> None:
    scope = Scope(Budget(calls=1))
    failures = RateLimited("429", retry_after=0.001), Unreachable("refused")
    draft, _ = await draw(model(), scope, m=Fake(after(*failures)))
    assert (draft.text, draft.usage.calls, scope.settled.calls) == ("13", 1, 1)


async def test_another_attempt_needs_room_in_the_budget() -> None:
    scope = Scope(Budget(calls=1))
    draft, _ = await draw(model(), scope, m=Fake(after(BrokenReply("cut off"))))
    assert (draft.finish, draft.error) == (Finish.CANCELLED, "budget exhausted: calls(1)")
    assert draft.usage.unknown == scope.settled.calls == 1


async def test_after_the_last_attempt_the_draft_says_what_failed() -> None:
    fake = Fake(lambda _: BrokenReply("cut off"))
    draft, _ = await draw(model(attempts=2), m=fake)
    assert (draft.finish, draft.error, len(fake.asked)) == (Finish.ERROR, "cut off", 2)


async def test_all_attempts_of_a_sample_carry_one_key_and_others_another() -> None:
    fake = Fake(after(BrokenReply("a"), BrokenReply("b")))
    sampler = Sampler(serving(m=fake), asyncio.get_running_loop())
    for index in range(2):
        await sampler.draw(Ask(model(), question(), index), "n", Scope(Budget()), None)
    keys = [request.key for request in fake.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_nobody_waits_for_an_attempt_that_the_deadline_forbids() -> None:
    scope = Scope(Budget(seconds=5), now=asyncio.get_running_loop().time())
    draft, _ = await draw(
        model(), scope, m=Fake(lambda _: RateLimited("slow down", retry_after=60.0))
    )
    assert (draft.finish, draft.error) == (Finish.ERROR, "slow down")


async def test_a_call_that_takes_too_long_is_cut_and_charged_at_its_worst() -> None:
    fake = Fake(never, metered=False)
    draft, _ = await draw(model(timeout=0.01, attempts=1), m=fake)
    assert draft.error is not None
    assert "no reply within 0.01 s" in draft.error
    assert (draft.usage.unknown, draft.usage.completion_tokens) == (1, 50)
    assert fake.cancelled == 1


async def test_a_cut_off_call_of_a_model_that_does_not_count_is_charged_at_its_worst() -> None:
    scope = Scope(Budget(calls=5, seconds=0.01), now=asyncio.get_running_loop().time())
    draft, _ = await draw(model(), scope, m=Fake(never, metered=False))
    assert draft.finish is Finish.CANCELLED
    assert scope.settled == Amount(1, PROMPT, 50)
    assert draft.usage.unknown == 1


async def test_a_wrong_key_ends_the_run() -> None:
    with pytest.raises(AccessDenied):
        await draw(model(), m=Fake(lambda _: AccessDenied("401")))


async def test_a_dead_model_is_left_alone_after_a_while() -> None:
    fake = Fake(lambda _: Unreachable("connection refused"))
    sampler = Sampler(serving(m=fake), asyncio.get_running_loop())
    asks = [Ask(model(), question(), index) for index in range(60)]
    drafts = [await sampler.draw(ask, "n", Scope(Budget()), None) for ask in asks]
    assert len(fake.asked) < 20
    assert "has failed too often (connection refused)" in (drafts[-1].error or "")


async def test_a_server_that_answered_and_is_gone_is_waited_for() -> None:
    gone = [Unreachable("connection refused") for _ in range(3)]
    script: Iterator[Any] = iter([said("one"), *gone, said("two")])
    sampler = Sampler(serving(m=Fake(lambda _: next(script))), asyncio.get_running_loop())
    asks = [Ask(model(), question(), index) for index in range(2)]
    drafts = [await sampler.draw(ask, "n", Scope(Budget()), None) for ask in asks]
    assert [draft.text for draft in drafts] == ["one", "two"]


async def test_a_server_that_never_answered_is_not_waited_for() -> None:
    fake = Fake(lambda _: Unreachable("connection refused"))
    draft, _ = await draw(model(), m=fake)
    assert (draft.error, len(fake.asked)) == ("connection refused", 3)


async def test_an_outage_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "OUTAGE", 0.0)
    replies: Iterator[Any] = iter([said("one")])
    fake = Fake(lambda _: next(replies, None) or Unreachable("connection refused"))
    sampler = Sampler(serving(m=fake), asyncio.get_running_loop())
    asks = [Ask(model(), question(), index) for index in range(2)]
    drafts = [await sampler.draw(ask, "n", Scope(Budget()), None) for ask in asks]
    assert (drafts[1].error, len(fake.asked)) == ("connection refused", 2)


# ---- money


def paid(**options: Any) -> ModelSpec:
    prices = {"usd_per_mtok_in": 1.0, "usd_per_mtok_out": 4.0}
    return ModelSpec("m", "simulated", "", {**prices, **options})


async def test_a_sample_costs_its_tokens() -> None:
    draft, sampler = await draw(paid(usd_per_call=0.001), m=Fake(said("x", tokens=5, prompt=7)))
    assert draft.usage.cost == (7 * 1 + 5 * 4) * PICO // 10**6 + PICO // 1000
    assert sampler.usage.usd == 0.001027


async def test_a_money_budget_holds_the_worst_case_and_settles_the_real_one() -> None:
    worst = (PROMPT + 50 * 4) / 10**6
    scope = Scope(Budget(usd=2 * worst))
    fake = Fake(said("x", tokens=5, prompt=7))
    sampler = Sampler(serving(m=fake), asyncio.get_running_loop())
    asks = [Ask(paid(), question(), index, max_tokens=50) for index in range(8)]
    drafts = await asyncio.gather(*[sampler.draw(ask, "n", scope, None) for ask in asks])
    assert all(draft.complete for draft in drafts)
    assert fake.most <= 2
    assert scope.settled.cost == sampler.usage.cost == 8 * 27 * PICO // 10**6


async def test_a_money_budget_that_is_too_small_sends_nothing() -> None:
    fake = Fake("x")
    draft, _ = await draw(paid(), Scope(Budget(usd=0.000_001)), m=fake)
    assert (draft.error, fake.asked) == ("budget exhausted: usd(1e-06)", [])


async def test_without_max_tokens_a_money_budget_limits_the_reply() -> None:
    fake = Fake(said("x"))
    sampler = Sampler(serving(m=fake), asyncio.get_running_loop())
    scope = Scope(Budget(usd=(PROMPT + 4 * 30) / 10**6))
    await sampler.draw(Ask(paid(), question()), "n", scope, None)
    assert fake.asked[0].max_tokens == 30


async def test_money_cannot_be_limited_where_a_price_is_unknown() -> None:
    unknown = ModelSpec("m", "openai", "nobody-knows-this", {"base_url": "http://127.0.0.1:1/v1"})
    fake = Fake("x")
    with pytest.raises(InputError, match="`m` has no known price"):
        await draw(unknown, Scope(Budget(usd=1.0)), m=fake)
    assert fake.asked == []


@pytest.mark.parametrize(
    ("given", "block", "option"),
    [
        (
            (),
            "usd_per_mtok_in = …  usd_per_mtok_out = …",
            ",usd_per_mtok_in=…,usd_per_mtok_out=…",
        ),
        (("usd_per_mtok_in",), "usd_per_mtok_out = …", ",usd_per_mtok_out=…"),
        (("usd_per_mtok_out",), "usd_per_mtok_in = …", ",usd_per_mtok_in=…"),
    ],
)
async def test_what_is_missing_of_a_price_is_named_for_files_and_for_the_command_line(
    given: tuple[str, ...], block: str, option: str
) -> None:
    options = {"base_url": "http://127.0.0.1:1/v1", **dict.fromkeys(given, 1.0)}
    unknown = ModelSpec("m", "openai", "nobody-knows-this", options)
    with pytest.raises(InputError, match=f"write `{block}` in its block, or `{option}` in `--mo"):
        await draw(unknown, Scope(Budget(usd=1.0)), m=Fake("x"))


async def test_operations_are_counted_and_limited() -> None:
    spec = ModelSpec("m", "simulated", "", {"flops_per_token": 100.0})
    scope = Scope(Budget(flops=100.0 * (PROMPT + 50)))
    draft, _ = await draw(spec, scope, m=Fake(said("x", tokens=5, prompt=7)))
    assert (draft.usage.flops, scope.settled.flops) == (1200, 1200)
    refused, _ = await draw(spec, scope, m=Fake("x"))
    assert refused.finish is Finish.CANCELLED


async def test_operations_cannot_be_limited_where_nobody_knows_them() -> None:
    with pytest.raises(InputError, match="operations a token of `m` takes"):
        await draw(model(), Scope(Budget(flops=1e15)), m=Fake("x"))


async def test_a_machine_paid_by_the_hour_costs_its_share_of_the_time() -> None:
    spec = ModelSpec("m", "simulated", "", {"usd_per_hour": 3600.0, "timeout": 10})
    worst = Scope(Budget(usd=10 / 4))
    draft, _ = await draw(spec, worst, m=Fake(said("x"), slots=4))
    assert draft.usage.cost is not None
    assert 0 < draft.usage.cost < PICO
    tight, _ = await draw(spec, Scope(Budget(usd=10 / 4 - 0.01)), m=Fake("x", slots=4))
    assert tight.finish is Finish.CANCELLED


# ---- another model


async def test_a_fallback_asks_the_next_model_and_says_so() -> None:
    record = Record("f.d", "generate", 0.0)
    broken, fine = Fake(lambda _: BrokenReply("cut off")), Fake("yes")
    spec = either("fallback", model("a"), model("b"))
    draft, _ = await draw(spec, None, record, a=broken, b=fine)
    assert (draft.text, draft.model, len(broken.asked)) == ("yes", "b", 1)
    assert record.notes == ["`a` was passed over: cut off"]
    assert draft.usage.calls == 2


@pytest.mark.parametrize("error", [AccessDenied("401"), ModelNotFound("404"), CallTimeout("slow")])
async def test_a_fallback_helps_against_what_would_end_the_run(error: BackendError) -> None:
    spec = either("fallback", model("a"), model("b"))
    draft, _ = await draw(spec, a=Fake(lambda _: error), b=Fake("yes"))
    assert draft.text == "yes"


async def test_a_model_that_cannot_be_opened_is_passed_over() -> None:
    spec = either("fallback", ModelSpec("a", "embedded", "no-such-model"), model("b"))

    async def opener(asked: ModelSpec) -> Fake:
        if asked.name == "a":
            raise ModelNotFound("no model `no-such-model`")
        return Fake("yes")

    sampler = Sampler(Backends(opener), asyncio.get_running_loop())
    draft = await sampler.draw(Ask(spec, question()), "n", Scope(Budget()), None)
    assert draft.text == "yes"


async def test_only_the_last_model_is_waited_for() -> None:
    first = Fake(lambda _: RateLimited("slow down", retry_after=30.0))
    last = Fake(after(RateLimited("slow down", retry_after=0.001)))
    draft, _ = await draw(either("fallback", model("a"), model("b")), a=first, b=last)
    assert (draft.text, len(first.asked), len(last.asked)) == ("13", 1, 2)


async def test_when_all_fail_the_last_reason_stands() -> None:
    spec = either("fallback", model("a"), model("b", attempts=1))
    fakes = {"a": Fake(lambda _: BrokenReply("one")), "b": Fake(lambda _: BrokenReply("two"))}
    draft, _ = await draw(spec, **fakes)
    assert (draft.finish, draft.error) == (Finish.ERROR, "two")


async def test_samples_of_a_round_robin_take_turns() -> None:
    fakes = {name: Fake(name) for name in "abc"}
    spec = either("round_robin", model("a"), model("b"), model("c"))
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    asks = [Ask(spec, question(), index) for index in range(9)]
    drafts = await asyncio.gather(*[sampler.draw(a, "n", Scope(Budget()), None) for a in asks])
    assert sorted(len(fake.asked) for fake in fakes.values()) == [3, 3, 3]
    assert drafts[0].model == drafts[3].model != drafts[1].model
    again = [await sampler.draw(a, "n", Scope(Budget()), None) for a in reversed(asks)]
    assert [draft.model for draft in reversed(again)] == [draft.model for draft in drafts]


async def test_a_round_robin_passes_over_a_model_that_fails() -> None:
    spec = either("round_robin", model("a"), model("b"))
    fakes = {"a": Fake(lambda _: BrokenReply("cut off"), metered=True), "b": Fake("yes")}
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    asks = [Ask(spec, question(), index) for index in range(4)]
    drafts = [await sampler.draw(ask, "n", Scope(Budget()), None) for ask in asks]
    assert [draft.text for draft in drafts] == ["yes"] * 4


async def test_groups_may_hold_groups() -> None:
    inner = either("fallback", model("a"), model("b"))
    spec = ModelSpec("all", "fallback", "", {"models": (inner, model("c"))})
    broken = Fake(lambda _: BrokenReply("cut off"))
    draft, _ = await draw(spec, a=broken, b=broken, c=Fake("yes"))
    assert (draft.text, len(broken.asked)) == ("yes", 2)


async def test_sampling_settings_of_a_group_are_its_own_else_its_first_member_s() -> None:
    fakes = {"a": Fake(lambda _: BrokenReply("cut off")), "b": Fake("yes")}
    members = model("a", temperature=0.3, top_p=0.9), model("b", temperature=0.1)
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    spec = either("fallback", *members, max_tokens=9)
    await sampler.draw(Ask(spec, question()), "n", Scope(Budget()), None)
    asked = fakes["b"].asked[0]
    assert (asked.temperature, asked.top_p, asked.max_tokens) == (0.3, 0.9, 9)


async def test_a_group_in_a_group_gives_all_its_members_a_turn() -> None:
    fakes = {name: Fake(name) for name in "abcd"}
    pairs = [
        ModelSpec(f"{x}{y}", "round_robin", "", {"models": (model(x), model(y))})
        for x, y in ("ab", "cd")
    ]
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    asks = [Ask(either("round_robin", *pairs), question(), index) for index in range(16)]
    await asyncio.gather(*[sampler.draw(a, "n", Scope(Budget()), None) for a in asks])
    assert {name: len(fake.asked) for name, fake in fakes.items()} == dict.fromkeys("abcd", 4)


async def test_a_model_that_cannot_work_is_asked_once_in_a_run() -> None:
    dead = Fake(lambda _: AccessDenied("401"))
    sampler = Sampler(serving(a=dead, b=Fake("yes")), asyncio.get_running_loop())
    spec = either("fallback", model("a"), model("b"))
    for index in range(4):
        await sampler.draw(Ask(spec, question(), index), "n", Scope(Budget()), None)
    assert len(dead.asked) == 1


async def test_a_last_resort_that_cannot_work_fails_a_sample_and_not_the_run() -> None:
    spec = either("fallback", model("a", attempts=1), model("b"))
    fakes = {"a": Fake(lambda _: BrokenReply("one")), "b": Fake(lambda _: AccessDenied("401"))}
    draft, _ = await draw(spec, **fakes)
    assert (draft.finish, draft.error) == (Finish.ERROR, "401")


async def test_a_group_in_which_nothing_can_work_ends_the_run() -> None:
    spec = either("fallback", model("a"), model("b"))
    with pytest.raises(AccessDenied):
        await draw(spec, **dict.fromkeys("ab", Fake(lambda _: AccessDenied("401"))))


async def test_what_the_budget_does_not_allow_goes_to_a_cheaper_model() -> None:
    scope = Scope(Budget(usd=0.000_001))
    dear, cheap = Fake("x"), Fake("yes")
    both = either("fallback", replace(paid(), name="dear"), model("cheap"))
    draft, _ = await draw(both, scope, dear=dear, cheap=cheap)
    assert (draft.text, dear.asked, scope.exhausted) == ("yes", [], None)


# ---- an endpoint that wants a pause


async def test_a_pause_sends_others_to_the_fallback_at_once() -> None:
    busy = Fake(lambda _: RateLimited("slow down", retry_after=30.0))
    sampler = Sampler(serving(a=busy, b=Fake("yes")), asyncio.get_running_loop())
    spec = either("fallback", model("a"), model("b"))
    for index in range(3):
        ask = Ask(spec, question(), index)
        drawn = sampler.draw(ask, "n", Scope(Budget()), None)
        assert (await asyncio.wait_for(drawn, 5)).text == "yes"
    assert len(busy.asked) == 1


async def test_nobody_waits_longer_for_a_pause_than_for_a_call() -> None:
    busy = Fake(lambda _: RateLimited("slow down", retry_after=3600.0))
    sampler = Sampler(serving(m=busy), asyncio.get_running_loop())
    asks = [Ask(model(timeout=2), question(), index) for index in range(3)]
    drawn = [sampler.draw(ask, "n", Scope(Budget()), None) for ask in asks]
    errors = [(await asyncio.wait_for(one, 5)).error or "" for one in drawn]
    assert errors[0] == "slow down"
    assert all("takes no calls for another" in error for error in errors[1:])
    assert len(busy.asked) == 1


async def test_who_waits_for_a_pause_keeps_no_budget_from_others() -> None:
    """One place, so the second sample queues when the first is told to wait."""
    told = asyncio.Event()

    async def wait_then_pause(_request: ChatRequest) -> Completion:
        await told.wait()
        raise RateLimited("slow down", retry_after=30.0)

    scope = Scope(Budget(calls=2))
    fakes = {"busy": Fake(wait_then_pause, slots=1), "free": Fake("yes")}
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    busy = [
        asyncio.ensure_future(sampler.draw(Ask(model("busy"), question(), i), "n", scope, None))
        for i in range(2)
    ]
    await asyncio.sleep(0)
    told.set()
    drawn = sampler.draw(Ask(model("free"), question()), "n", scope, None)
    assert (await asyncio.wait_for(drawn, 5)).text == "yes"
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    assert (scope.reserved, scope.settled.calls) == (Amount(), 1)


async def test_a_server_without_room_is_not_waited_for_beyond_the_timeout() -> None:
    full = Fake(lambda _: Overloaded("no room", retry_after=3600.0))
    draft, _ = await asyncio.wait_for(draw(model(timeout=2), m=full), 5)
    assert draft.error == "no room"


# ---- what it has cost


async def test_a_refusal_in_the_middle_of_a_reply_is_charged() -> None:
    def reply(_request: ChatRequest) -> Overloaded:
        error = Overloaded("overloaded in mid-stream")
        error.uncertain = True
        return error

    draft, _ = await draw(model(attempts=1), m=Fake(reply))
    assert (draft.usage.unknown, draft.usage.completion_tokens) == (1, 50)


async def test_a_call_that_takes_too_long_costs_what_an_exact_meter_says() -> None:
    async def slow(request: ChatRequest) -> Completion:
        assert request.meter is not None
        request.meter.prompt_tokens, request.meter.completion_tokens = 9, 3
        return await never(request)

    draft, _ = await draw(model(timeout=0.01, attempts=1), m=Fake(slow))
    assert draft.usage == Usage(1, 9, 0, 3)


async def test_samples_without_max_tokens_share_a_budget_one_after_another() -> None:
    scope = Scope(Budget(tokens=5000))
    sampler = Sampler(serving(m=Fake(said("x"))), asyncio.get_running_loop())
    asks = [Ask(model(), question(), index) for index in range(3)]
    drafts = await asyncio.gather(*[sampler.draw(a, "n", scope, None) for a in asks])
    assert [draft.finish for draft in drafts] == [Finish.STOP] * 3
    assert scope.exhausted is None


async def test_a_run_whose_model_cannot_be_opened_is_fruitless() -> None:
    async def opener(_spec: ModelSpec) -> Fake:
        raise BackendError("no room on the device")

    sampler = Sampler(Backends(opener), asyncio.get_running_loop())
    draft = await sampler.draw(Ask(model(), question()), "n", Scope(Budget()), None)
    assert (draft.error, sampler.fruitless) == ("no room on the device", True)


async def test_a_budget_that_allows_no_call_is_no_failure_of_a_model() -> None:
    _, sampler = await draw(model(), Scope(Budget(calls=0)), m=Fake("x"))
    assert not sampler.fruitless


async def test_a_run_whose_server_is_down_is_fruitless() -> None:
    _, sampler = await draw(model(attempts=1), m=Fake(lambda _: Unreachable("refused")))
    assert sampler.fruitless


# ---- what was not recorded


async def test_only_what_was_not_recorded_goes_to_another_model() -> None:
    live = model("live")
    bank = ModelSpec("bank", "replay", "qwen", {"bank": "b.jsonl", "otherwise": (live,)})
    replies: dict[int, Any] = {0: said("recorded"), 1: NotRecorded("no"), 2: BrokenReply("disk")}
    fakes = {"bank": Fake(lambda r: replies[r.sample]), "live": Fake("fresh")}
    sampler = Sampler(serving(**fakes), asyncio.get_running_loop())
    drawn = [
        await sampler.draw(Ask(bank, question(), index), "n", Scope(Budget()), None)
        for index in range(3)
    ]
    assert [(d.text, d.error) for d in drawn] == [
        ("recorded", None),
        ("fresh", None),
        ("", "disk"),
    ]
    assert len(fakes["live"].asked) == 1
