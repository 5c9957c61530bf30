"""Sessions and tenants: one budget over many runs."""

from __future__ import annotations

import asyncio

from graphdsl.errors import BackendError
from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.engine import execute
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.session import Session
from graphdsl.plan import Budget, Program
from graphdsl.values import Finish, Usage
from tests.plans import Fake, Graph, model, serving


def drafting(samples: int) -> Program:
    graph = Graph(("question",))
    drafts = graph.step(
        "generate",
        {"models": (model(),), "samples": samples, "max_tokens": 10},
        address="flow.drafts",
        prompt=graph.param("question"),
    )
    return graph.program(drafts)


def reply(_: ChatRequest) -> Completion:
    return Completion("x", Finish.STOP, Usage(1, 5, 0, 3))


async def ask(session: Session, samples: int = 2, *, fake: Fake | None = None) -> Result:
    backends = serving(m=fake or Fake(reply))
    options = RunOptions(session=session)
    return await execute(drafting(samples), {"question": "?"}, backends=backends, options=options)


async def test_runs_of_a_session_share_its_budget() -> None:
    session = Session(Budget(calls=3))
    assert (await ask(session)).status == "ok"
    second = await ask(session)
    assert (second.status, second.exhausted, second.usage.calls) == ("exhausted", "calls(3)", 1)
    assert (await ask(session)).usage.calls == 0
    assert session.usage.calls == 3


async def test_concurrent_runs_never_take_more_than_the_session_has() -> None:
    session = Session(Budget(calls=7))
    results = await asyncio.gather(*[ask(session) for _ in range(10)])
    assert sum(result.usage.calls for result in results) == 7
    assert session.reserved == Usage()


async def test_a_tenant_holds_for_all_of_its_sessions() -> None:
    tenant = Session(Budget(calls=3))
    mine, yours = Session(Budget(calls=2), within=tenant), Session(Budget(), within=tenant)
    assert (await ask(mine)).usage.calls == 2
    cut = await ask(yours)
    assert (cut.status, cut.exhausted, cut.usage.calls) == ("exhausted", "calls(3)", 1)
    assert (mine.usage.calls, yours.usage.calls, tenant.usage.calls) == (2, 1, 3)


async def test_a_session_without_limits_counts_all_the_same() -> None:
    session = Session(Budget())
    await ask(session, 4)
    assert session.usage == Usage(4, 20, 0, 12)


async def test_what_a_cancelled_run_had_reserved_goes_back_to_the_session() -> None:
    session = Session(Budget(completion_tokens=20))

    async def never(request: ChatRequest) -> Completion:
        await asyncio.Event().wait()
        return reply(request)

    fake = Fake(never)
    run = asyncio.create_task(ask(session, fake=fake))
    while session.reserved.completion_tokens < 20:
        await asyncio.sleep(0)
    run.cancel()
    await asyncio.wait([run])
    assert session.reserved == Usage()


async def test_a_run_that_fails_spends_of_its_session_what_it_was_charged() -> None:
    session = Session(Budget(calls=2))
    lost = Fake(lambda _: BackendError("gone"))
    assert (await ask(session, 1, fake=lost)).status == "failed"
    assert session.reserved == Usage()
    assert session.usage.calls <= 2
