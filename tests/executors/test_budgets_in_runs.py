"""No budget is exceeded at any instant of whole runs: random programs, faults, cancellations.

Several runs of one random program share a session. Every change of every scope is watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdsl.api.module import load
from graphdsl.errors import GraphDslError
from graphdsl.executors import retry
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.ledger import ZERO, Amount, Reservation, Scope, excess
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.session import Session
from graphdsl.executors.trace import Trace
from graphdsl.plan import Budget, Plan, Program, Step
from graphdsl.values import Usage
from tests.programs import programs

COSTS: Final = (
    "usd_per_mtok_in = 1  usd_per_mtok_out = 4  usd_per_call = 0.0001  flops_per_token = 10"
)
FAULTS: Final = (
    "",
    "failures = 0.5",
    "latency = 0.001",
    "latency = 0.002  latency_spread = 1  failures = 0.2  slots = 2",
    "truncations = 0.5  max_tokens = 5",
    'lacks = ["cancellation", "seeds"]  latency = 0.001',
)
BUDGETS = st.builds(
    Budget,
    calls=st.none() | st.integers(0, 12),
    tokens=st.none() | st.integers(20, 2000),
    prompt_tokens=st.none() | st.integers(20, 2000),
    completion_tokens=st.none() | st.integers(1, 400),
    usd=st.none() | st.sampled_from([0.0001, 0.001, 0.01]),
    flops=st.none() | st.integers(100, 20_000),
    seconds=st.none() | st.sampled_from([0.002, 60.0]),
)


@st.composite
def faulty_programs(draw: st.DrawFn) -> Program:
    """A random program whose models fail and cost money, and whose scopes are tight.

    The limits are changed in the plan, since the compiler refuses those that are too low.
    """
    text = draw(programs(most=4))
    for model in ("sim", "alt"):
        block = f"model {model} {{ backend = simulated "
        text = text.replace(block, f"{block} {COSTS}  {draw(st.sampled_from(FAULTS))} ")
    program = load(text).flow("main").plan()
    return replace(program, plan=tightened(draw, program.plan))


def tightened(draw: st.DrawFn, plan: Plan) -> Plan:
    """The plan with other limits in its `within` blocks."""
    steps: list[Step] = []
    for step in plan.steps:
        regions = tuple((role, tightened(draw, inner)) for role, inner in step.regions)
        attrs = {**step.attrs, "budget": draw(BUDGETS)} if step.op == "within" else step.attrs
        steps.append(replace(step, attrs=attrs, regions=regions))
    return replace(plan, steps=tuple(steps))


class Watch:
    """Looks at the scopes around every grant, settlement and charge."""

    def __init__(self) -> None:
        self.changes = 0

    def check(self, scope: Scope) -> None:
        self.changes += 1
        for one in scope.chain():
            assert excess(one.limits, one.settled + one.reserved) is None, one.limits
            assert min(amounts(one.reserved)) >= 0


def amounts(amount: Amount) -> tuple[int, ...]:
    return amount.calls, amount.prompt, amount.completion, amount.cost, amount.flops


@contextmanager
def watching() -> Generator[Watch]:
    """Every scope of this process is watched; nobody waits between attempts."""
    watch = Watch()
    grant: Any = getattr(Scope, "_grant")  # noqa: B009 (private)
    settle, charge = Reservation.settle, Scope.charge

    def watched_grant(scope: Scope, worst: Amount) -> Reservation:
        granted: Reservation = grant(scope, worst)
        watch.check(scope)
        return granted

    def watched_settle(reservation: Reservation, usage: Usage = Usage()) -> None:  # noqa: B008
        settle(reservation, usage)
        watch.check(getattr(reservation, "_scope"))  # noqa: B009 (private)

    def watched_charge(scope: Scope, usage: Usage, inside: Scope | None = None) -> None:
        charge(scope, usage, inside)
        watch.check(scope)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "BASE", 0.0)
        patch.setattr(Scope, "_grant", watched_grant)
        patch.setattr(Reservation, "settle", watched_settle)
        patch.setattr(Scope, "charge", watched_charge)
        yield watch


async def several(
    program: Program, budgets: list[Budget], session: Session, cancel: list[int | None]
) -> list[tuple[Result | None, Trace]]:
    """A run for each budget, all at once, some cancelled after so many turns of the loop."""
    traces: list[Trace] = []

    async def one(budget: Budget, after: int | None) -> Result | None:
        options = RunOptions(budget=budget, session=session, observe=traces.append)
        work = execute(
            program, {"question": "What is 17 + 25?"}, backends=backends, options=options
        )
        task = asyncio.ensure_future(work)
        for _ in range(after or 0):
            await asyncio.sleep(0)
        if after is not None:
            task.cancel()
        try:
            return await task
        except (asyncio.CancelledError, GraphDslError):
            return None

    async with Backends() as backends:
        pairs = zip(budgets, cancel, strict=True)
        results = await asyncio.gather(*[one(budget, after) for budget, after in pairs])
        for spec in program.models.values():
            if not spec.members:
                assert (await backends.get(spec)).served.admission.in_flight == 0
    assert len(asyncio.all_tasks()) == 1
    by_run = {result.run_id: result for result in results if result is not None}
    return [(by_run.get(trace.run_id), trace) for trace in traces]


def total(trace: Trace) -> Usage:
    """What the calls of a trace add up to."""
    return sum((call.usage for record in trace.walk() for call in record.calls), Usage())


@given(
    program=faulty_programs(),
    budgets=st.lists(BUDGETS, min_size=1, max_size=4),
    shared=BUDGETS,
    data=st.data(),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_no_budget_is_exceeded_at_any_instant_and_all_calls_add_up(
    program: Program, budgets: list[Budget], shared: Budget, data: st.DataObject
) -> None:
    cancel = [data.draw(st.none() | st.integers(1, 40)) for _ in budgets]
    session = Session(shared)
    with watching():
        runs = asyncio.run(several(program, budgets, session, cancel))
    assert cancel.count(None) <= len(runs) <= len(budgets)  # some were cancelled before they began
    for result, trace in runs:
        assert total(trace) == trace.usage
        if result is not None:
            assert (result.usage, result.status) == (trace.usage, trace.status)
    assert session.scope.reserved == ZERO
    spent = sum((trace.usage for _, trace in runs), Usage())
    assert session.scope.settled == Amount.of(spent)


def test_the_watch_sees_a_budget_that_is_exceeded() -> None:
    """Else the test above could not fail."""

    async def overrun() -> None:
        reservation = await Scope(Budget(calls=1)).reserve(Amount(1))
        with pytest.raises(AssertionError):
            reservation.settle(Usage(calls=2))

    with watching() as watch:
        asyncio.run(overrun())
    assert watch.changes == 2
