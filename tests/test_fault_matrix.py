"""Every fault of a server or model through whole runs: with and without a fallback, and under every
kind of limit. What a single call makes of a fault is tested with the backends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from graphdsl.api.module import load
from graphdsl.errors import AccessDenied, BackendError, ModelNotFound
from graphdsl.executors import lane, retry
from graphdsl.executors.abc import Backend
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.executors.trace import Trace
from graphdsl.plan import Budget, ModelSpec, Program
from graphdsl.prices import pico
from graphdsl.testing.faults import (
    Body,
    CutStream,
    Disconnect,
    Drip,
    Duplicate,
    Fault,
    Hang,
    Overflow,
    Refusal,
    Truncated,
    with_content,
    with_finish,
    with_usage,
)
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.values import Usage

SAMPLES: Final = 4
QUESTION: Final = "Take your time. " * 20 + "What is 7 + 6?"
PRICES: Final = "usd_per_mtok_in = 1  usd_per_mtok_out = 4"
PROGRAM: Final = """
edition "2026"
model far {{ {far}  max_tokens = 50  {prices} }}
model near {{ backend = simulated  accuracy = 1  max_tokens = 50  {prices} }}
model safe {{ backend = fallback  models = [far, near] }}
flow main(question: Text) -> Answer {{
  return vote(generate(question, models: {models}, samples: {samples}), by: number)
}}
"""

BUDGETS: Final = {
    "nothing": Budget(),
    "calls": Budget(calls=6),
    "tokens": Budget(tokens=1500),
    "money": Budget(usd=0.002),
    "time": Budget(seconds=0.3),
}


@dataclass(frozen=True)
class Case:
    """A fault and how a run ends whose model does nothing else: a status, or an error.

    `worked` says whether a provider might charge for the call; `stream` how replies are read.
    """

    name: str
    fault: Fault
    ends: str | type[BackendError]
    worked: bool = True
    stream: bool = False


CASES: Final = (
    Case("wrong key", Refusal(401), AccessDenied, worked=False),
    Case("no credit", Refusal(402), AccessDenied, worked=False),
    Case("no such model", Refusal(404, kind="model_not_found"), ModelNotFound, worked=False),
    Case("bad request", Refusal(400, "no"), "failed", worked=False),
    Case("overflow", Overflow(), "failed", worked=False),
    Case("busy", Refusal(429), "failed", worked=False),
    Case("busy for long", Refusal(429, headers={"Retry-After": "60"}), "failed", worked=False),
    Case("overloaded", Refusal(503), "failed", worked=False),
    Case("broken", Refusal(500), "failed", worked=False),
    Case("gateway page", Refusal(502, body="<h1>Bad</h1>"), "failed", worked=False),
    Case("gateway timeout", Refusal(504), "failed"),
    Case("hangs", Hang(), "failed"),
    Case("drips", Drip(0.0001, 200), "ok"),
    Case("truncated", Truncated(), "failed"),
    Case("disconnects", Disconnect(), "failed"),
    Case("resets", Disconnect(reset=True), "failed"),
    Case("answers twice", Duplicate(), "ok"),
    Case("no JSON", Body("<html>", "text/html"), "failed"),
    Case("an error under 200", Body('{"error": "it broke"}'), "failed"),
    Case("nothing", Body("{}"), "failed"),
    Case("no usage", with_usage(None), "ok"),
    Case("absurd usage", with_usage({"prompt_tokens": -1, "completion_tokens": "x"}), "ok"),
    Case("no content", with_content(None), "failed"),
    Case("a number", with_content(7), "failed"),
    Case("withheld", with_finish("content_filter"), "failed"),
    Case("gave up", with_finish("abort"), "failed"),
    Case("stream is cut", CutStream(2), "failed", stream=True),
    Case("stream just ends", CutStream(2, clean=True), "failed", stream=True),
    Case("stream of nothing", Body("", "text/event-stream"), "failed", stream=True),
)

SIMULATED: Final = (
    ("failures = 1", "failed", "ok"),
    ("truncations = 1", "failed", "failed"),  # a reply that is too long is one
    ("context = 64", "failed", "ok"),
    ("latency = 60  timeout = 0.02  attempts = 1", "failed", "ok"),
    ('latency = 60  timeout = 0.02  attempts = 1  lacks = ["cancellation"]', "failed", "ok"),
    ('lacks = ["seeds", "logprobs", "stop_strings"]', "ok", "ok"),
)
"""Options of a simulated model, and how a run ends without and with a fallback."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts, nor for an endpoint that is away."""
    monkeypatch.setattr(retry, "BASE", 0.0)
    monkeypatch.setattr(lane, "OUTAGE", 0.0)
    monkeypatch.setenv("FAR_KEY", "key-of-the-matrix")


@dataclass
class Ended:
    """How a run ended: a result, or an error that speaks for itself; and its trace."""

    result: Result | None
    error: BackendError | None
    trace: Trace

    @property
    def usage(self) -> Usage:
        return self.trace.usage


def right() -> Backend:
    """What answers where the server does not fail."""
    return SimulatedBackend(ModelSpec(MODEL, "simulated", "", {"accuracy": 1}))


def block(server: FaultyServer, case: Case) -> str:
    """A model of that server, which is waited for no longer than a test should take."""
    timeout = 0.2 if case.ends == "failed" else 20
    return (
        f'backend = openai  name = "{MODEL}"  base_url = "{server.url}"  timeout = {timeout}  '
        f'api_key = env("FAR_KEY")  stream = {str(case.stream).lower()}'
    )


def program(far: str, models: str) -> Program:
    text = PROGRAM.format(far=far, prices=PRICES, models=models, samples=SAMPLES)
    return load(text).flow("main").plan()


async def run(code: Program, budget: Budget) -> Ended:
    """One run with models of its own, of which nothing is left afterwards."""
    traces: list[Trace] = []
    options = RunOptions(budget=budget, observe=traces.append)
    result, error = None, None
    async with nothing_left(), Backends() as backends:
        work = execute(code, {"question": QUESTION}, backends=backends, options=options)
        try:
            result = await asyncio.wait_for(work, 30)
        except BackendError as caught:
            error = caught
        for spec in code.models.values():
            if not spec.members:
                assert (await backends.get(spec)).served.admission.in_flight == 0
    (trace,) = traces
    return Ended(result, error, trace)


@asynccontextmanager
async def nothing_left() -> AsyncGenerator[None]:
    """No task more than before, and (where the system tells) no socket of ours."""
    tasks = asyncio.all_tasks()
    yield
    async with asyncio.timeout(10):
        while left := [task for task in asyncio.all_tasks() - tasks if not of_server(task)]:
            await asyncio.wait(left)


def of_server(task: asyncio.Task[object]) -> bool:
    """A connection's task in the server, which shares this loop."""
    return "aiohttp" in repr(task.get_coro())


def sockets() -> int:
    """Open sockets of this process."""
    found = Path("/proc/self/fd")
    if not found.exists():
        pytest.skip("the system does not tell which files are open")
    return sum(is_socket(entry) for entry in found.iterdir())


def is_socket(entry: Path) -> bool:
    try:
        return os.readlink(entry).startswith("socket:")
    except FileNotFoundError:  # the folder itself, as it was read
        return False


def check_end(ended: Ended, ends: str | type[BackendError], budget: Budget) -> None:
    """It ended as it must, or by its budget; either way with an account."""
    if not isinstance(ends, str):
        assert isinstance(ended.error, ends) or limited(ended, budget)
    else:
        assert ended.error is None
        assert ended.result is not None
        assert ended.result.status == ends or limited(ended, budget)
    if ended.error is not None:
        assert "`far`" in str(ended.error)
    if ended.result is not None and ended.result.status == "failed":
        assert ended.result.error


def limited(ended: Ended, budget: Budget) -> bool:
    result = ended.result
    return result is not None and result.status == "exhausted" and budget != Budget()


def check_spending(ended: Ended, budget: Budget) -> None:
    """The calls add up to the total, which no limit is below."""
    calls = [call.usage for record in ended.trace.walk() for call in record.calls]
    assert sum(calls, Usage()) == ended.usage
    spent = ended.usage
    assert spent.calls <= (budget.calls or spent.calls)
    assert spent.prompt_tokens + spent.completion_tokens <= (budget.tokens or 10**9)
    assert spent.cost is not None
    assert spent.cost <= pico(budget.usd or 1.0)
    if ended.result is not None:
        assert ended.result.usage == spent
        doubtful = ended.result.doubtful
        assert (doubtful.unknown, doubtful.calls) == (spent.unknown, spent.unknown)


def check_interval(ended: Ended, server: FaultyServer, before: int, *, worked: bool) -> None:
    """What the provider may charge for lies between what is certain and what is possible."""
    asked = len(server.asked) - before
    charged = asked if worked else 0
    assert ended.usage.calls - ended.usage.unknown <= asked
    assert charged <= ended.usage.calls


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
async def test_a_fault_ends_a_run_as_documented_whatever_its_limits(case: Case) -> None:
    open_before = sockets()
    async with FaultyServer(right()) as server:
        server.always = case.fault
        far = block(server, case)
        for budget in BUDGETS.values():
            before = len(server.asked)
            ended = await run(program(far, "far"), budget)
            check_end(ended, case.ends, budget)
            check_spending(ended, budget)
            check_interval(ended, server, before, worked=case.worked)
    assert sockets() == open_before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
async def test_a_fallback_answers_unless_a_limit_forbids_it(case: Case) -> None:
    async with FaultyServer(right()) as server:
        server.always = case.fault
        far = block(server, case)
        for name, budget in BUDGETS.items():
            ended = await run(program(far, "safe"), budget)
            check_spending(ended, budget)
            assert ended.error is None
            assert ended.result is not None
            answered = case.name not in ("no content", "withheld")
            if name == "nothing" and answered:
                assert (ended.result.status, ended.result.value) == ("ok", "13")
            else:
                assert ended.result.status in ("ok", "exhausted", "failed")


@pytest.mark.parametrize(("options", "alone", "safe"), SIMULATED)
@pytest.mark.parametrize("limit", BUDGETS)
async def test_a_simulated_fault_ends_a_run_as_documented(
    options: str, alone: str, safe: str, limit: str
) -> None:
    budget = BUDGETS[limit]
    for models, ends in (("far", alone), ("safe", safe)):
        code = program(f"backend = simulated  accuracy = 1  {options}", models)
        ended = await run(code, budget)
        check_end(ended, ends, budget)
        check_spending(ended, budget)


async def test_a_run_cancelled_amid_faults_leaves_nothing_behind() -> None:
    async with FaultyServer(pace=0.01) as server:
        server.script(Refusal(500), Truncated(), Hang(), Disconnect())
        far = f'backend = openai  name = "{MODEL}"  base_url = "{server.url}"'
        code, traces = program(far, "far"), list[Trace]()
        async with nothing_left(), Backends() as backends:
            options = RunOptions(observe=traces.append)
            work = execute(code, {"question": "1 + 1"}, backends=backends, options=options)
            running = asyncio.ensure_future(work)
            await server.until(lambda: len(server.asked) >= 6)
            running.cancel()
            assert isinstance(
                (await asyncio.gather(running, return_exceptions=True))[0], asyncio.CancelledError
            )
            served = (await backends.get(code.models["far"])).served
            assert served.admission.in_flight == 0
    (trace,) = traces
    assert trace.status == "cancelled"
    calls = [call.usage for record in trace.walk() for call in record.calls]
    assert sum(calls, Usage()) == trace.usage
    assert trace.usage.calls >= 5  # those that began, but for one that surely did not
