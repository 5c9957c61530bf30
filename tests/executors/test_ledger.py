"""Budgets hold at every instant; waiting is first come, first served."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from graphdsl.executors.ledger import ZERO, Amount, Refused, Reservation, Scope, excess
from graphdsl.plan import Budget
from graphdsl.values import PICO, Usage

CALL = Amount(calls=1)


async def settled_tasks() -> None:
    """Let everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def start(work: Coroutine[Any, Any, Reservation]) -> asyncio.Task[Reservation]:
    return asyncio.ensure_future(work)


async def test_a_reservation_becomes_what_was_spent() -> None:
    scope = Scope(Budget(tokens=100))
    reservation = await scope.reserve(Amount(1, 20, 50))
    assert (scope.reserved, scope.settled) == (Amount(1, 20, 50), ZERO)
    reservation.settle(Usage(1, 10, 0, 5))
    assert (scope.reserved, scope.settled) == (ZERO, Amount(1, 10, 5))


async def test_settling_twice_counts_once() -> None:
    scope = Scope(Budget())
    reservation = await scope.reserve(CALL)
    reservation.settle(Usage(calls=1))
    reservation.settle(Usage(calls=1))
    assert scope.settled == CALL


async def test_what_can_never_fit_is_refused_at_once_and_named() -> None:
    scope = Scope(Budget(completion_tokens=10))
    with pytest.raises(Refused, match=r"budget exhausted: completion_tokens\(10\)"):
        await scope.reserve(Amount(1, 0, 11))
    assert scope.exhausted is None  # whoever asked says whether that matters


async def test_what_would_fit_after_a_refund_waits_for_it() -> None:
    scope = Scope(Budget(tokens=100))
    first = await scope.reserve(Amount(1, 0, 80))
    second = start(scope.reserve(Amount(1, 0, 60)))
    await settled_tasks()
    assert not second.done()
    first.settle(Usage(1, 0, 0, 30))
    assert (await second).worst == Amount(1, 0, 60)


async def test_what_no_longer_fits_after_settling_is_refused_then() -> None:
    scope = Scope(Budget(calls=1))
    first = await scope.reserve(CALL)
    second = start(scope.reserve(CALL))
    await settled_tasks()
    assert not second.done()
    first.settle(Usage(calls=1))
    with pytest.raises(Refused):
        await second


async def test_small_requests_do_not_overtake_large_ones() -> None:
    scope = Scope(Budget(tokens=100))
    first = await scope.reserve(Amount(0, 0, 80))
    large = start(scope.reserve(Amount(0, 0, 90)))
    await settled_tasks()
    small = start(scope.reserve(Amount(0, 0, 10)))
    await settled_tasks()
    assert not small.done()
    first.settle()
    await settled_tasks()
    assert large.done()
    assert small.done()


async def test_a_waiter_of_one_scope_does_not_hold_up_its_neighbour() -> None:
    run = Scope(Budget(calls=100))
    tight, free = Scope(Budget(calls=1), run), Scope(Budget(calls=5), run)
    await tight.reserve(CALL)
    blocked = start(tight.reserve(CALL))
    await settled_tasks()
    assert (await free.reserve(CALL)).worst == CALL
    blocked.cancel()


async def test_an_inner_reservation_counts_in_every_outer_scope() -> None:
    run = Scope(Budget(calls=3))
    inner = Scope(Budget(calls=2), Scope(Budget(), run))
    reservation = await inner.reserve(CALL)
    assert run.reserved == CALL
    reservation.settle(Usage(1, 5, 0, 5))
    assert run.settled == inner.settled == Amount(1, 5, 5)


async def test_the_limit_of_an_outer_scope_exhausts_the_inner_one_but_not_the_reverse() -> None:
    run = Scope(Budget(calls=1))
    inner = Scope(Budget(), run)
    (await inner.reserve(CALL)).settle(Usage(calls=1))
    assert inner.exhaust(await refusal(inner))
    assert (inner.exhausted, run.exhausted) == ("calls(1)", "calls(1)")
    other = Scope(Budget(calls=1), Scope(Budget()))
    (await other.reserve(CALL)).settle(Usage(calls=1))
    assert other.exhaust(await refusal(other))
    assert other.parent is not None
    assert (other.exhausted, other.parent.exhausted) == ("calls(1)", None)


async def test_scopes_that_are_to_wait_are_not_exhausted_yet() -> None:
    run = Scope(Budget(calls=1))
    item = Scope(Budget(), run)
    inner = Scope(Budget(calls=0), item)
    own = await refusal(inner)
    assert inner.exhaust(own, item)
    (await run.reserve(CALL)).settle(Usage(calls=1))
    outer = await refusal(item)
    assert not inner.exhaust(outer, item)
    assert (inner.exhausted, item.exhausted, run.exhausted) == ("calls(0)", None, None)
    assert item.exhaust(outer)
    assert (item.exhausted, run.exhausted) == ("calls(1)", "calls(1)")


async def refusal(scope: Scope) -> Refused:
    """Why a scope refuses one more call."""
    with pytest.raises(Refused) as refused:
        await scope.reserve(CALL)
    return refused.value


async def test_a_deadline_refuses_in_the_name_of_the_scope_that_set_it() -> None:
    run = Scope(Budget(seconds=10), now=100)
    inner = Scope(Budget(seconds=60), run, now=105)
    refused = inner.overdue()
    assert (refused.limit, refused.scope, run.exhausted) == ("seconds(10)", run, None)


async def test_a_cancelled_waiter_makes_way() -> None:
    scope = Scope(Budget(tokens=100))
    await scope.reserve(Amount(0, 0, 50))
    large = start(scope.reserve(Amount(0, 0, 90)))
    small = start(scope.reserve(Amount(0, 0, 40)))
    await settled_tasks()
    large.cancel()
    assert (await small).worst == Amount(0, 0, 40)


async def test_a_grant_that_arrives_with_the_cancellation_is_given_back() -> None:
    scope = Scope(Budget(calls=1))
    first = await scope.reserve(CALL)
    second = start(scope.reserve(CALL))
    await settled_tasks()
    first.settle()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert scope.reserved == ZERO


async def test_an_overrun_is_counted_and_stops_new_calls() -> None:
    scope = Scope(Budget(completion_tokens=10))
    (await scope.reserve(Amount(1, 0, 10))).settle(Usage(1, 0, 0, 25))
    assert scope.settled.completion == 25
    with pytest.raises(Refused):
        await scope.reserve(Amount(1, 0, 1))


async def test_the_deadline_is_the_earliest_of_all_scopes() -> None:
    run = Scope(Budget(seconds=10), now=100)
    assert Scope(Budget(seconds=60), run, now=105).deadline == 110
    assert Scope(Budget(seconds=1), run, now=105).deadline == 106
    assert Scope(Budget(), run).deadline == 110


async def test_room_is_what_the_tightest_limit_leaves() -> None:
    run = Scope(Budget(tokens=100))
    inner = Scope(Budget(completion_tokens=30), run)
    assert room(inner, 20) == 30
    assert room(inner, 90) == 10
    assert room(Scope(Budget(calls=3)), 5) is None
    assert room(Scope(Budget(usd=0.01), run), 5) == 20
    assert room(Scope(Budget(flops=1000), run), 5, flops=100) == 5


def room(scope: Scope, prompt: int, flops: int = 0) -> int | None:
    """At 0.0005 USD a token."""
    return scope.room(prompt, lambda money: money // (5 * PICO // 10**4), flops)


async def test_money_and_operations_are_limited_exactly() -> None:
    scope = Scope(Budget(usd=0.3, flops=1e15))
    tenth = Amount(1, cost=PICO // 10, flops=3 * 10**14)
    for _ in range(3):
        (await scope.reserve(tenth)).settle(Usage(1, cost=tenth.cost, flops=tenth.flops))
    with pytest.raises(Refused, match=r"usd\(0.3\)"):
        await scope.reserve(Amount(cost=1))
    with pytest.raises(Refused, match=r"flops\(1e\+15\)"):
        await scope.reserve(Amount(flops=10**14 + 1))


LIMITS = st.builds(
    Budget,
    calls=st.none() | st.integers(1, 6),
    tokens=st.none() | st.integers(1, 60),
    completion_tokens=st.none() | st.integers(1, 40),
    usd=st.none() | st.sampled_from([1e-12, 2e-11, 3e-11]),
    flops=st.none() | st.integers(1, 50),
)
AMOUNTS = st.builds(
    Amount,
    st.integers(0, 1),
    st.integers(0, 10),
    st.integers(0, 15),
    st.integers(0, 9),
    st.integers(0, 12),
)


class LedgerMachine(RuleBasedStateMachine):
    """Three nested scopes under random reservations, settlements and cancellations."""

    @initialize(outer=LIMITS, left=LIMITS, right=LIMITS)
    def begin(self, outer: Budget, left: Budget, right: Budget) -> None:
        self.loop = asyncio.new_event_loop()
        run = Scope(outer)
        self.scopes = [run, Scope(left, run), Scope(right, run)]
        self.asked: list[asyncio.Task[Reservation]] = []
        self.held: list[Reservation] = []

    def turn(self) -> None:
        """Let the loop run until nothing moves, and take what was granted."""
        self.loop.run_until_complete(settled_tasks())
        for task in [task for task in self.asked if task.done()]:
            self.asked.remove(task)
            if not task.cancelled() and task.exception() is None:
                self.held.append(task.result())

    @rule(which=st.integers(0, 2), amount=AMOUNTS)
    def reserve(self, which: int, amount: Amount) -> None:
        self.asked.append(self.loop.create_task(self.scopes[which].reserve(amount)))
        self.turn()

    @rule(at=st.integers(0, 50), share=st.floats(0, 1))
    def settle(self, at: int, share: float) -> None:
        if self.held:
            held = self.held.pop(at % len(self.held))
            worst = held.worst
            spent = Usage(
                worst.calls,
                int(worst.prompt * share),
                0,
                int(worst.completion * share),
                cost=int(worst.cost * share),
                flops=int(worst.flops * share),
            )
            held.settle(spent)
            self.check()
            self.turn()

    @rule(at=st.integers(0, 50), settle_first=st.booleans())
    def cancel(self, at: int, settle_first: bool) -> None:
        if settle_first and self.held:
            self.held.pop().settle()
        if self.asked:
            self.asked[at % len(self.asked)].cancel()
        self.turn()

    @invariant()
    def check(self) -> None:
        for scope in getattr(self, "scopes", []):
            assert excess(scope.limits, scope.settled + scope.reserved) is None

    @invariant()
    def nobody_waits_without_cause(self) -> None:
        if getattr(self, "asked", None):
            assert self.held, "all that is reserved was given back, yet someone waits"

    def teardown(self) -> None:
        for task in self.asked:
            task.cancel()
        self.turn()
        for held in self.held:
            held.settle()
        assert all(scope.reserved == ZERO for scope in self.scopes)
        self.loop.close()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_scope_is_limited_when_it_or_one_around_it_is() -> None:
    free, seconds = Scope(Budget()), Scope(Budget(seconds=1))
    assert not Scope(Budget(), free).limited
    assert [seconds.limited, Scope(Budget(), seconds).limited] == [True, True]
    assert Scope(Budget(calls=1), free).limited
