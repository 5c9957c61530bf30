"""Models of one device are drained in turns."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.executors.admission import Admission
from graphdsl.executors.device import Device
from graphdsl.testing.virtual_time import run_virtually


def pair(device: Device, limit: int = 2) -> tuple[Admission, Admission]:
    return Admission(limit, device=device), Admission(limit, device=device)


async def call(model: Admission, log: list[Admission], seconds: float = 1.0) -> None:
    if not model.enter_now():
        await model.enter()
    try:
        log.append(model)
        await asyncio.sleep(seconds)
    finally:
        model.leave()


def changes(log: list[Admission]) -> int:
    return sum(one is not other for one, other in pairwise(log))


async def chains(models: tuple[Admission, ...], runs: int) -> list[Admission]:
    """Runs that call one model after another; who was let in, in order."""
    log: list[Admission] = []

    async def run() -> None:
        for model in models:
            await call(model, log)

    await asyncio.gather(*[run() for _ in range(runs)])
    return log


def test_a_model_is_drained_over_all_runs_before_the_next_begins() -> None:
    device = Device()
    one, two = pair(device)
    log, seconds = run_virtually(chains((one, two), 20))
    assert changes(log) == device.switches == 1
    assert seconds == 20


def test_a_run_that_comes_back_at_once_keeps_the_device() -> None:
    device = Device()
    one, two = pair(device)
    log, _ = run_virtually(chains((one, one, two), 10))
    assert changes(log) == device.switches == 1


def test_two_models_never_run_at_the_same_time() -> None:
    device = Device(calls=3)
    one, two = pair(device)

    async def watched(model: Admission, other: Admission) -> None:
        if not model.enter_now():
            await model.enter()
        for _ in range(3):
            assert not other.in_flight
            await asyncio.sleep(0.5)
        model.leave()

    async def main() -> None:
        both = [(one, two), (two, one)] * 20
        await asyncio.gather(*[watched(*models) for models in both])

    run_virtually(main())
    assert device.switches > 2


def test_who_waits_gets_the_device_after_so_many_calls() -> None:
    device = Device(calls=10)
    one, two = pair(device)
    log: list[Admission] = []

    async def main() -> None:
        await asyncio.gather(*[call(one, log) for _ in range(100)], call(two, log))

    run_virtually(main())
    assert log.index(two) == 10
    assert len(log) == 101


def test_who_waits_gets_the_device_after_so_many_seconds() -> None:
    device = Device(seconds=5.0)
    one, two = pair(device)
    log: list[Admission] = []

    async def main() -> None:
        await asyncio.gather(*[call(one, log) for _ in range(100)], call(two, log))

    run_virtually(main())
    assert log.index(two) == 10


def test_without_others_a_model_is_never_stopped() -> None:
    device = Device(calls=1, seconds=0.001)
    one, _ = pair(device)
    _, seconds = run_virtually(chains((one,), 100))
    assert (seconds, device.switches) == (50, 0)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 8), st.integers(1, 5), st.booleans()),
        max_size=40,
    ),
    st.integers(1, 5),
)
def test_whatever_comes_and_goes_everybody_has_a_turn(
    calls: list[tuple[int, int, int, bool]], most: int
) -> None:
    device = Device(calls=most, seconds=6.0)
    models = [Admission(limit, device=device) for limit in (1, 2, 3)]
    log: list[Admission] = []

    async def one(model: int, start: int, seconds: int, cut: bool) -> None:
        await asyncio.sleep(start)
        task = asyncio.create_task(call(models[model], log, seconds))
        if cut:
            await asyncio.sleep(1.5)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def main() -> None:
        await asyncio.wait_for(asyncio.gather(*[one(*each) for each in calls]), 10_000)

    run_virtually(main())
    assert len(log) >= sum(not cut for *_, cut in calls)
    assert all(not model.in_flight and not model.waiting for model in models)
