"""Several servers of one model: balance, affinity, and servers that are gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from graphdsl.errors import BackendError, BrokenReply, Overloaded, RateLimited, Unreachable
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.openai import OpenAIBackend
from graphdsl.executors.replicas import PREFIX, Replicas, prefix_of
from graphdsl.plan import ModelSpec
from graphdsl.testing import FaultyServer
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Message, Messages


class Farm:
    """Servers `a`, `b`, … that hold every call until `finish`, and a clock that stands still."""

    def __init__(self, names: str = "abc") -> None:
        self.now = 0.0
        self.gone: set[str] = set()
        self.full: set[str] = set()
        self.error: BackendError | None = None
        self.got: list[str] = []
        self.refused = 0
        self.replicas = Replicas(tuple(names), lambda: self.now)
        self._gate = asyncio.Event()
        self._calls: list[asyncio.Task[str]] = []

    async def send(self, endpoint: str) -> str:
        if endpoint in self.gone:
            self.refused += 1
            raise Unreachable(f"{endpoint} is gone")
        if endpoint in self.full:
            raise Overloaded(f"{endpoint} is full")
        self.got.append(endpoint)
        await self._gate.wait()
        if self.error is not None:
            raise self.error
        return endpoint

    async def start(self, prefix: str = "", work: int = 10) -> str | None:
        """Begin a call; the server that has it."""
        before = len(self.got)
        self._calls.append(asyncio.create_task(self.replicas.call(prefix, work, self.send)))
        await asyncio.sleep(0)
        return self.got[-1] if len(self.got) > before else None

    async def finish(self) -> None:
        self._gate.set()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._gate.clear()
        self._calls.clear()


@pytest.fixture
async def farm() -> AsyncIterator[Farm]:
    farm = Farm()
    yield farm
    await farm.finish()


async def test_calls_without_a_prefix_are_spread_evenly(farm: Farm) -> None:
    for _ in range(9):
        await farm.start()
    assert Counter(farm.got) == {"a": 3, "b": 3, "c": 3}


async def test_work_counts_and_not_calls(farm: Farm) -> None:
    assert await farm.start(work=100) == "a"
    assert await farm.start(work=10) == "b"
    assert await farm.start(work=10) == "c"
    assert [await farm.start(work=10) for _ in range(4)] == ["b", "c", "b", "c"]


async def test_work_that_is_done_counts_no_more(farm: Farm) -> None:
    assert await farm.start(work=100) == "a"
    await farm.finish()
    assert await farm.start(work=10) == "a"


async def test_one_prefix_stays_with_one_server(farm: Farm) -> None:
    homes = {prefix: await farm.start(prefix) for prefix in ("x", "y", "z")}
    assert set(homes.values()) == {"a", "b", "c"}
    for prefix in ("z", "x", "y", "x"):
        assert await farm.start(prefix) == homes[prefix]


async def test_a_clearly_busier_home_is_left_for_the_least_busy(farm: Farm) -> None:
    placed = [await farm.start("x") for _ in range(12)]
    assert placed[:5] == ["a"] * 5
    assert {"b", "c"} <= set(placed)
    assert max(Counter(placed).values()) <= 8
    await farm.finish()
    assert await farm.start("x") == "a"


async def test_an_unreachable_server_hands_its_call_on(farm: Farm) -> None:
    farm.gone = {"a"}
    assert await farm.start("x") == "b"
    farm.gone = set()
    assert "a" not in [await farm.start() for _ in range(6)]


async def test_an_unreachable_server_comes_back_after_a_while(farm: Farm) -> None:
    farm.gone = {"a"}
    await farm.start()
    farm.gone = set()
    farm.now = 1.9
    assert await farm.start() == "c"
    farm.now = 2.0
    assert await farm.start() == "a"


async def test_a_server_that_stays_away_is_asked_less_and_less(farm: Farm) -> None:
    farm.gone = {"a"}
    for second in range(120):
        farm.now = float(second)
        await farm.start()
        await farm.finish()
    assert 4 <= farm.refused <= 7


async def test_nobody_reachable_is_unreachable_and_all_were_tried(farm: Farm) -> None:
    farm.gone = {"a", "b", "c"}
    with pytest.raises(Unreachable):
        await farm.replicas.call("x", 1, farm.send)
    farm.gone = {"a", "b"}
    assert await farm.start("x") == "c"


async def test_a_full_server_hands_its_call_on_and_rests(farm: Farm) -> None:
    farm.full = {"a"}
    assert await farm.start("x") == "b"
    farm.full = set()
    assert "a" not in [await farm.start() for _ in range(6)]


async def failed(farm: Farm, error: BackendError) -> None:
    """Let a call of the first server fail."""

    async def fail(endpoint: str) -> str:
        assert endpoint == "a"
        raise error

    with pytest.raises(type(error)):
        await farm.replicas.call("", 1, fail)


async def test_a_server_that_breaks_rests_but_its_call_is_not_handed_on(farm: Farm) -> None:
    await failed(farm, BrokenReply("it broke"))
    assert "a" not in [await farm.start() for _ in range(6)]


@pytest.mark.parametrize("error", [BackendError("a bad request"), RateLimited("429")])
async def test_what_is_not_the_server_s_fault_does_not_count(
    farm: Farm, error: BackendError
) -> None:
    await failed(farm, error)
    assert await farm.start() == "a"


async def test_calls_that_fail_together_count_as_one_failure(farm: Farm) -> None:
    for _ in range(20):
        await farm.start("x")
    farm.error = BrokenReply("killed")
    await farm.finish()
    farm.error = None
    farm.now = 2.0
    assert await farm.start() == "a"


async def test_a_cancelled_call_gives_its_work_back(farm: Farm) -> None:
    call = asyncio.create_task(farm.replicas.call("", 100, farm.send))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert await farm.start(work=50) == "b"
    assert await farm.start(work=50) == "c"
    assert await farm.start(work=50) == "a"


async def test_a_server_whose_calls_are_given_up_is_not_the_first_choice(farm: Farm) -> None:
    """One that hangs gives no other sign; a prefix does not bind its calls to it."""
    for expected in ("a", "b"):
        call = asyncio.create_task(farm.replicas.call("start", 100, farm.send))
        await asyncio.sleep(0)
        assert farm.got[-1] == expected
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)


def test_prompts_that_begin_alike_have_one_prefix() -> None:
    start = Message("system", "x" * PREFIX)
    one, other = (Messages((start, Message("user", text))) for text in ("one", "other"))
    assert prefix_of(one) == prefix_of(other)
    assert prefix_of(Messages.user("one")) != prefix_of(Messages.user("other"))
    assert len(prefix_of(one)) == PREFIX


async def test_replicas_share_the_calls_of_a_model_and_survive_one_that_dies() -> None:
    async with FaultyServer(pace=0.001) as one, FaultyServer(pace=0.001) as other:
        options = {"base_url": (one.url, other.url)}
        backend = await OpenAIBackend.open(ModelSpec("m", "openai", MODEL, options))
        requests = [ChatRequest(Messages.user(f"{n} + 1"), max_tokens=8) for n in range(8)]
        await asyncio.gather(*map(backend.chat, requests))
        assert len(one.asked) == len(other.asked) == 4
        await one.stop()
        await asyncio.gather(*map(backend.chat, requests))
        assert len(other.asked) == 12
        await backend.aclose()
