"""Runs begin when their models have room, in order, and nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from graphdsl.executors.admission import Admission
from graphdsl.executors.device import Device
from graphdsl.executors.run_gate import RunGate
from graphdsl.plan import ModelSpec

A = ModelSpec("a", "simulated", "")
B = ModelSpec("b", "simulated", "")


class House:
    """A gate before a few open models; runs that are inside say so in `begun`."""

    def __init__(self, **limits: int) -> None:
        self.models = {name: Admission(limit) for name, limit in limits.items()}
        self.opening = set[str]()
        self.gate = RunGate(
            lambda spec: self.models.get(spec.name), lambda spec: spec.name in self.opening
        )
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, work: Callable[[], Awaitable[object]], *models: ModelSpec) -> None:
        async def run() -> None:
            async with self.gate.run(models):
                self.begun.append(name)
                await work()

        self.tasks.append(asyncio.create_task(run()))

    async def end(self) -> None:
        await asyncio.wait_for(asyncio.gather(*self.tasks), 5)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def calling(
    admission: Admission, done: asyncio.Event, times: int = 1
) -> Callable[[], Awaitable[None]]:
    """The work of a run: calls one after another, the last of which ends with `done`."""

    async def work() -> None:
        for left in reversed(range(times)):
            async with admission:
                await (asyncio.sleep(0) if left else done.wait())

    return work


async def test_as_many_runs_begin_at_once_as_there_are_places() -> None:
    house, done = House(a=1000), asyncio.Event()
    for number in range(1001):
        house.start(str(number), calling(house.models["a"], done), A)
    await asyncio.sleep(0)
    assert len(house.begun) == house.gate.active == 1000
    assert house.gate.waiting == 1
    done.set()
    await house.end()
    assert len(house.begun) == 1001
    assert house.gate.active == house.gate.waiting == 0


async def test_runs_begin_in_the_order_in_which_they_came() -> None:
    house, done = House(a=1), asyncio.Event()
    for name in "abcde":
        house.start(name, calling(house.models["a"], done), A)
    done.set()
    await house.end()
    assert "".join(house.begun) == "abcde"


async def test_a_run_with_more_to_call_keeps_its_place() -> None:
    house, done = House(a=1), asyncio.Event()
    house.start("a", calling(house.models["a"], done, times=10), A)
    house.start("b", calling(house.models["a"], done), A)
    await settle()
    assert house.begun == ["a"]
    done.set()
    await house.end()


async def test_no_run_begins_where_calls_wait() -> None:
    house, done = House(a=2), asyncio.Event()

    async def wide() -> None:
        await asyncio.gather(*[calling(house.models["a"], done)() for _ in range(5)])

    house.start("wide", wide, A)
    await settle()
    house.start("next", calling(house.models["a"], done), A)
    await settle()
    assert house.begun == ["wide"]
    done.set()
    await house.end()


async def test_a_run_begins_while_others_do_something_else() -> None:
    house, done, rest = House(a=1), asyncio.Event(), asyncio.Event()
    house.start("thinking", rest.wait, A)
    await settle()
    house.start("next", calling(house.models["a"], done), A)
    await settle()
    assert house.begun == ["thinking", "next"]
    rest.set()
    done.set()
    await house.end()


async def test_runs_of_another_model_do_not_wait() -> None:
    house, done = House(a=1, b=1), asyncio.Event()
    house.start("a1", calling(house.models["a"], done), A)
    await settle()
    house.start("a2", calling(house.models["a"], done), A)
    house.start("b1", calling(house.models["b"], done), B)
    await settle()
    assert house.begun == ["a1", "b1"]
    house.start("ab", calling(house.models["b"], done), A, B)
    done.set()
    await house.end()
    assert house.begun == ["a1", "b1", "a2", "ab"]


async def test_runs_without_models_begin_at_once() -> None:
    house, done = House(a=1), asyncio.Event()
    house.start("a", calling(house.models["a"], done), A)
    await settle()
    house.start("pure", lambda: asyncio.sleep(0))
    await settle()
    assert house.begun == ["a", "pure"]
    done.set()
    await house.end()


async def test_while_the_model_of_the_first_is_opened_others_wait() -> None:
    house, done = House(), asyncio.Event()
    house.start("first", done.wait, A)
    await asyncio.sleep(0)
    house.opening.add("a")
    house.start("second", done.wait, A)
    await settle()
    assert house.begun == ["first"]
    house.opening, house.models["a"] = set(), Admission(8)
    house.gate.pump()
    await settle()
    assert house.begun == ["first", "second"]
    done.set()
    await house.end()


async def test_while_one_model_is_opened_runs_of_others_begin() -> None:
    house, done = House(b=1), asyncio.Event()
    house.start("first", done.wait, A)
    await asyncio.sleep(0)
    house.opening.add("a")
    await settle()
    house.start("second", done.wait, A)
    house.start("b", done.wait, B)
    house.start("both", done.wait, B, A)
    await settle()
    assert house.begun == ["first", "b"]
    house.opening, house.models["a"] = set(), Admission(8)
    house.gate.pump()
    done.set()
    await house.end()
    assert house.begun == ["first", "b", "second", "both"]


async def test_a_stream_of_runs_keeps_nobody_from_opening_another_model() -> None:
    house = House(b=4)
    ended = asyncio.Event()

    async def stream() -> None:
        while not ended.is_set():
            async with house.gate.run([B]):
                await asyncio.sleep(0)

    flood = asyncio.create_task(stream())
    await settle()
    house.start("a", lambda: asyncio.sleep(0), A)
    await settle()
    assert house.begun == ["a"]
    ended.set()
    await flood
    await house.end()


async def test_where_no_model_opens_runs_begin_one_after_another() -> None:
    house = House()
    for name in "abc":
        house.start(name, lambda: asyncio.sleep(0), A)
    await house.end()
    assert "".join(house.begun) == "abc"


async def test_runs_that_wait_for_runs_inside_of_them_end() -> None:
    house = House(a=1)

    async def outer() -> None:
        async with house.gate.run([A]), house.models["a"]:
            await asyncio.sleep(0)

    for number in range(6):
        house.start(str(number), outer, A)
    await house.end()
    assert len(house.begun) == 6


@pytest.mark.parametrize("moment", [0, 1, 20])
async def test_a_run_that_is_cancelled_at_the_gate_lets_others_pass(moment: int) -> None:
    house, done = House(a=1), asyncio.Event()
    house.start("a", calling(house.models["a"], done), A)
    await settle()
    house.start("b", calling(house.models["a"], done), A)
    house.start("c", calling(house.models["a"], done), A)
    for _ in range(moment):
        await asyncio.sleep(0)
    cancelled = house.tasks.pop(1)
    cancelled.cancel()
    done.set()
    await house.end()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert house.begun == ["a", "c"]
    assert house.gate.active == 0


async def test_models_of_one_device_let_every_run_begin() -> None:
    house, done = House(), asyncio.Event()
    device = Device()
    house.models = {name: Admission(1, device=device) for name in "ab"}
    for number in range(10):
        house.start(str(number), calling(house.models["a"], done), A, B)
    await settle()
    assert len(house.begun) == 10
    done.set()
    await house.end()
