"""Whole runs against a server that fails: they end with a typed error or the declared fallback,
what was spent is accounted, and the message names model, host and what to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

import graphdsl
from graphdsl.errors import AccessDenied, BackendError, InputError, ModelNotFound
from graphdsl.executors import breaker, retry
from graphdsl.testing.faults import Body, Disconnect, Fault, Hang, Refusal, Truncated
from graphdsl.testing.faulty_server import MODEL, FaultyServer

CANARY = "canary-4f1b9d7e-never-shown"

PROGRAM = """
edition "2026"
model far {{
  backend = openai  name = "{model}"  base_url = "{url}"  api_key = env("FAR_KEY")
  max_tokens = 600  {options}
}}
model near {{ backend = simulated  accuracy = 1 }}
model safe {{ backend = fallback  models = [far, near] }}
flow sums(question: Text) -> Answer {{
  drafts = generate(question, models: {models}, samples: 4)
  winner = vote(drafts, by: number)
  return winner
}}
"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits between attempts; the models of this process are closed afterwards."""
    monkeypatch.setattr(retry, "BASE", 0.0)
    monkeypatch.setenv("FAR_KEY", CANARY)
    yield
    graphdsl.shutdown()


@pytest.fixture
async def server() -> AsyncIterator[FaultyServer]:
    async with FaultyServer() as running:
        yield running


def flow(url: str, models: str = "far", model: str = MODEL, options: str = "") -> graphdsl.Flow:
    text = PROGRAM.format(url=url, model=model, models=models, options=options)
    return graphdsl.load(text).flow("sums")


async def run(
    url: str, models: str = "far", model: str = MODEL, options: str = "", calls: int = 100
) -> graphdsl.Result:
    asked = flow(url, models, model, options)
    return await asked.run(question="What is 7 + 6?", budget=graphdsl.Budget(calls=calls))


async def test_a_server_that_works_is_called_once_for_each_sample(server: FaultyServer) -> None:
    result = await run(server.url)
    assert (result.status, result.usage.calls, len(server.asked)) == ("ok", 4, 4)
    assert result.usage.unknown == 0
    assert {asked.headers["Authorization"] for asked in server.asked} == {f"Bearer {CANARY}"}


@pytest.mark.parametrize(
    ("fault", "calls", "unknown"),
    [
        (Refusal(429, headers={"Retry-After": "0"}), 4, 0),
        (Refusal(429), 4, 0),
        (Refusal(503), 4, 0),
        (Refusal(500), 5, 0),
        (Disconnect(), 5, 1),
        (Truncated(), 5, 1),
        (Body('{"choices": [{'), 5, 1),
    ],
)
async def test_a_fault_that_passes_is_tried_again_and_accounted(
    server: FaultyServer, fault: Fault, calls: int, unknown: int
) -> None:
    server.script(fault)
    result = await run(server.url)
    assert (result.status, len(server.asked)) == ("ok", 5)
    assert (result.usage.calls, result.usage.unknown) == (calls, unknown)
    assert result.trace is not None
    assert any("`far` is asked again" in note for n in result.trace.walk() for note in n.notes)


async def test_a_storm_ends_the_run_with_a_message_and_an_account(server: FaultyServer) -> None:
    server.always = Refusal(500, "out of memory")
    result = await run(server.url)
    assert result.status == "failed"
    assert f"`far` at `{server.host}` failed (500): out of memory" in (result.error or "")
    assert result.usage.calls == len(server.asked) <= 12


async def test_attempts_never_exceed_the_budget(server: FaultyServer) -> None:
    server.always = Truncated()
    result = await run(server.url, calls=5)
    assert (result.status, result.usage.calls, len(server.asked)) == ("exhausted", 5, 5)
    assert result.usage.unknown == 5


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Refusal(401), AccessDenied, "put a valid one into `FAR_KEY`"),
        (Refusal(404, kind="model_not_found"), ModelNotFound, f"has no model `{MODEL}`"),
    ],
)
async def test_what_cannot_work_ends_the_run_at_once(
    server: FaultyServer, fault: Fault, error: type[BackendError], words: str
) -> None:
    server.always = fault
    with pytest.raises(error, match="`far` at `127") as caught:
        await run(server.url)
    assert words in str(caught.value)


async def test_a_server_that_is_down_is_named_with_its_host() -> None:
    result = await run("http://127.0.0.1:9/v1", options="attempts = 1")
    assert (result.status, result.usage.calls) == ("failed", 0)
    assert "`far` at `127.0.0.1:9` cannot be reached" in (result.error or "")


async def test_a_server_that_is_away_for_a_moment_costs_no_sample(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST", 0.05)
    monkeypatch.setattr(breaker, "PROBE", 0.01)
    monkeypatch.setattr(retry, "BASE", 0.02)
    asked = flow(server.url)
    assert (await asked.run(question="What is 1 + 1?")).status == "ok"
    await server.stop()
    running = [asyncio.ensure_future(asked.run(question=f"What is {n} + 2?")) for n in range(8)]
    await asyncio.sleep(0.3)
    assert not any(run.done() for run in running)
    await server.__aenter__()  # the same port again
    results = await asyncio.wait_for(asyncio.gather(*running), 30)
    assert [result.status for result in results] == ["ok"] * 8
    assert sum(result.usage.calls for result in results) == 8 * 4


async def test_one_of_two_replicas_may_die_in_the_middle(server: FaultyServer) -> None:
    dying = FaultyServer(pace=0.05)
    async with dying:
        both = f'["{dying.url}", "{server.url}"]'
        text = PROGRAM.format(url="X", model=MODEL, models="far", options="").replace('"X"', both)
        asked = graphdsl.load(text).flow("sums")
        running = [asyncio.ensure_future(asked.run(question=f"{n} + 2 =")) for n in range(8)]
        await dying.until(lambda: len(dying.asked) >= 4)
    results = await asyncio.wait_for(asyncio.gather(*running), 30)
    assert [result.status for result in results] == ["ok"] * 8


async def test_a_call_that_hangs_is_cut_at_its_timeout(server: FaultyServer) -> None:
    server.always = Hang()
    result = await run(server.url, options="timeout = 0.05  attempts = 1")
    assert (result.status, result.usage.unknown) == ("failed", 4)
    assert "`far` gave no reply within 0.05 s" in (result.error or "")
    await server.until(lambda: server.cut == 4)


async def test_a_deadline_reaches_every_call(server: FaultyServer) -> None:
    server.always = Hang()
    result = await flow(server.url).run(question="?", budget=graphdsl.Budget(seconds=0.1))
    assert (result.status, result.exhausted) == ("exhausted", "seconds(0.1)")
    await server.until(lambda: server.cut == 4)


async def test_cancelling_a_run_disconnects_its_calls(server: FaultyServer) -> None:
    server.always = Hang()
    running = asyncio.ensure_future(flow(server.url).run(question="?"))
    await server.until(lambda: len(server.asked) == 4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await server.until(lambda: server.cut == 4)


@pytest.mark.parametrize(
    "fault", [Refusal(401), Refusal(429, headers={"Retry-After": "60"}), Refusal(500), Truncated()]
)
async def test_a_declared_fallback_answers_instead(server: FaultyServer, fault: Fault) -> None:
    server.always = fault
    result = await run(server.url, "safe")
    assert (result.status, result.value, result.confidence) == ("ok", "13", 1.0)


async def test_wrong_usage_numbers_are_counted_as_they_come_but_never_negative(
    server: FaultyServer,
) -> None:
    server.always = Refusal(
        200,
        body='{"choices": [{"message": {"content": "13"}, "finish_reason": "stop"}],'
        ' "usage": {"prompt_tokens": -5, "completion_tokens": "x"}}',
    )
    result = await run(server.url)
    assert result.usage.prompt_tokens > 0
    assert result.usage.completion_tokens > 0


async def test_money_is_not_spent_on_a_model_without_a_price(server: FaultyServer) -> None:
    with pytest.raises(InputError, match="`far` has no known price"):
        await flow(server.url).run(question="?", budget=graphdsl.Budget(usd=0.5))
    assert server.asked == []


async def test_a_money_budget_is_never_exceeded(server: FaultyServer) -> None:
    prices = "usd_per_mtok_in = 100  usd_per_mtok_out = 400"
    asked = flow(server.url, options=prices)
    result = await asked.run(question="What is 7 + 6?", budget=graphdsl.Budget(usd=0.5))
    assert result.usd is not None
    assert 0 < result.usd <= 0.5
    assert result.status == "exhausted"


async def test_no_artefact_holds_the_key(server: FaultyServer) -> None:
    faults: list[Fault] = [Refusal(401, f"bad key {CANARY}"), Refusal(500, CANARY), Truncated()]
    for fault in faults:
        server.always = fault
        try:
            result = await run(server.url, options="attempts = 1")
            shown = repr(result) + repr(result.to_dict()) + repr(result.trace)
        except BackendError as error:
            shown = repr(error) + str(error)
        assert CANARY not in shown


SERVE = """
import asyncio, sys
from graphdsl.testing.faulty_server import FaultyServer

async def main():
    async with FaultyServer(pace=0.05) as server:
        print(server.port, flush=True)
        await server.until(lambda: len(server.asked) == 4)
        print("asked", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@dataclass
class Victim:
    """A slow server in another process."""

    process: subprocess.Popen[str]
    url: str

    async def kill_when_asked(self) -> None:
        """Kill it without a warning once four calls have come in."""
        assert self.process.stdout is not None
        assert await asyncio.to_thread(self.process.stdout.readline) == "asked\n"
        self.process.kill()


@pytest.fixture
def victim() -> Iterator[Victim]:
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Victim(process, f"http://127.0.0.1:{process.stdout.readline().strip()}/v1")
    process.kill()
    process.wait()
    process.stdout.close()


async def test_a_server_killed_in_the_middle_ends_the_run_with_an_account(victim: Victim) -> None:
    running = asyncio.ensure_future(run(victim.url))
    await victim.kill_when_asked()
    result = await asyncio.wait_for(running, 30)
    assert result.status == "failed"
    assert "`far` at `127.0.0.1" in (result.error or "")
    assert result.usage.unknown == result.usage.calls >= 4


async def test_a_server_killed_in_the_middle_leaves_the_fallback(victim: Victim) -> None:
    running = asyncio.ensure_future(run(victim.url, "safe"))
    await victim.kill_when_asked()
    result = await asyncio.wait_for(running, 30)
    assert (result.status, result.value) == ("ok", "13")
