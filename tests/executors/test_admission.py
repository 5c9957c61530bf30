"""How many calls at once: a fixed number, or one that an endpoint teaches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from graphdsl.executors import admission
from graphdsl.executors.admission import COOL_DOWN, START, Admission


async def entered(gate: Admission, calls: int) -> int:
    """How many of so many calls get in at once."""
    tasks = [asyncio.ensure_future(gate.__aenter__()) for _ in range(calls)]
    await asyncio.sleep(0)
    for task in tasks:
        if not task.done():
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return gate.in_flight


async def test_a_fixed_bound_lets_in_that_many() -> None:
    assert await entered(Admission(3), 9) == 3


async def test_an_adaptive_bound_starts_low_and_doubles_in_a_round_of_successes() -> None:
    gate = Admission(1000, adaptive=True)
    assert await entered(gate, 500) == START
    for _ in range(START):
        gate.succeeded()
        await gate.__aexit__()
        await entered(gate, 500)
    assert gate.in_flight == int(gate.limit) == 2 * START


async def test_it_does_not_grow_where_the_bound_is_not_in_use() -> None:
    gate = Admission(1000, adaptive=True)
    await gate.__aenter__()
    for _ in range(100):
        gate.succeeded()
    assert gate.limit == START


async def test_the_ceiling_is_never_exceeded() -> None:
    gate = Admission(25, adaptive=True)
    for _ in range(200):
        if gate.in_flight < int(gate.limit):
            await gate.__aenter__()
        gate.succeeded()
    assert (gate.limit, gate.in_flight) == (25, 25)


async def test_growing_lets_in_those_who_wait() -> None:
    gate = Admission(1000, adaptive=True)
    tasks = [asyncio.ensure_future(gate.__aenter__()) for _ in range(START + 1)]
    await asyncio.sleep(0)
    assert gate.in_flight == START
    gate.succeeded()
    await asyncio.gather(*tasks)
    assert gate.in_flight == START + 1


async def test_a_refusal_shrinks_it_once_in_a_cool_down(
    clock: Callable[[float], None],
) -> None:
    gate = Admission(100)
    for _ in range(10):
        gate.refused()
    assert gate.limit == 80
    clock(COOL_DOWN)
    gate.refused()
    assert gate.limit == 64


async def test_after_a_refusal_it_grows_by_one_a_round() -> None:
    gate = Admission(1000, adaptive=True)
    gate.refused()
    before = gate.limit
    await entered(gate, 50)
    for _ in range(int(before)):
        gate.succeeded()
        await gate.__aexit__()
        await gate.__aenter__()
    assert 0.9 < gate.limit - before <= 1.01


async def test_it_never_shrinks_below_one(clock: Callable[[float], None]) -> None:
    gate = Admission(2)
    for _ in range(50):
        gate.refused()
        clock(COOL_DOWN)
    assert gate.limit == 1
    assert await entered(gate, 5) == 1


async def test_nobody_enters_before_the_endpoint_s_pause_is_over() -> None:
    gate = Admission(5)
    gate.refused(0.02)
    waiting = asyncio.ensure_future(gate.__aenter__())
    await asyncio.sleep(0)
    assert not waiting.done()
    start = asyncio.get_running_loop().time()
    await asyncio.wait_for(waiting, 5)
    assert asyncio.get_running_loop().time() - start >= 0.01


async def test_the_longest_pause_counts(clock: Callable[[float], None]) -> None:
    gate = Admission(5)
    gate.refused(30.0)
    gate.refused(1.0)
    clock(2.0)
    assert await entered(gate, 1) == 0
    clock(29.0)
    assert await entered(gate, 1) == 1


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the time of the loop, as the admission sees it."""
    loop = asyncio.get_running_loop()
    offset = 0.0

    class Loop:
        def time(self) -> float:
            return loop.time() + offset

        def call_at(self, when: float, callback: Callable[[], None]) -> None:
            loop.call_at(when - offset, callback)

        def create_future(self) -> asyncio.Future[None]:
            return loop.create_future()

    fake = Loop()

    class Module:
        Future = asyncio.Future
        CancelledError = asyncio.CancelledError

        @staticmethod
        def get_running_loop() -> Loop:
            return fake

    monkeypatch.setattr(admission, "asyncio", Module)

    def move(seconds: float) -> None:
        nonlocal offset
        offset += seconds

    return move
