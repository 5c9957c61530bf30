"""Whatever the order of calls and runs, results are the same and bounds hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from graphdsl.api.module import load
from graphdsl.executors.abc import Backend, ChatRequest, Completion
from graphdsl.executors.admission import Admission
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.backends import open_backend
from graphdsl.executors.engine import execute
from graphdsl.executors.result import Result
from graphdsl.executors.run_gate import RunGate
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import Budget, ModelSpec, Program
from graphdsl.testing.virtual_time import run_virtually
from graphdsl.values import as_text

Prepare = Callable[[Backends], object]

RUNS = 30
SLOTS = 3


def flow(one: str, two: str) -> Program:
    """Drafts of two models, criticised and fused."""
    text = f"""edition "2026"
model one {{ backend = simulated  seed = 1  slots = {SLOTS}  {one} }}
model two {{ backend = simulated  seed = 2  slots = {SLOTS}  {two} }}
prompt ask(question: Text) {{ user "{{{{ question }}}}" }}
flow main(question: Text) -> Draft {{
  drafts = generate(ask(question: question), models: one, samples: 4)
  notes = critique(drafts, by: two)
  return fuse(drafts, using: notes, by: one)
}}
"""
    return load(text).flow("main").plan()


class Watched(SimulatedBackend):
    """Counts the calls in it."""

    def __init__(self, spec: ModelSpec, watch: Watch) -> None:
        super().__init__(spec)
        self.watch = watch
        self.inside = 0

    async def chat(self, request: ChatRequest) -> Completion:
        self.inside += 1
        self.watch.most = max(self.watch.most, self.inside)
        self.watch.order.append(request.messages.text[:40])
        try:
            return await super().chat(request)
        finally:
            self.inside -= 1


class Watch:
    """What happened on the way to the results."""

    def __init__(self) -> None:
        self.most = 0
        self.order: list[str] = []
        self.switches = 0


class Everybody(RunGate):
    """A gate that lets everybody in."""

    async def enter(self, models: tuple[ModelSpec, ...]) -> None:
        self.active += 1


async def served(
    program: Program, prepare: Prepare | None = None, budget: Budget | None = None
) -> tuple[list[Result], Watch]:
    watch = Watch()

    async def opener(spec: ModelSpec) -> Backend:
        await open_backend(spec)
        return Watched(spec, watch)

    async with Backends(opener) as backends:
        for model in program.models.values():
            lane = await backends.get(model)
            if prepare is not None and lane.served.admission.device is None:
                lane.served.admission = Admission(SLOTS, patience=1)
        if prepare is not None:
            prepare(backends)
        work = [
            execute(
                program,
                {"question": f"What is {number} + 1? {'Think. ' * 60}"},
                backends=backends,
                options=RunOptions(seed=number, budget=budget or Budget()),
            )
            for number in range(RUNS)
        ]
        results = await asyncio.gather(*work)
        watch.switches = sum(device.switches for device in backends.devices.values())
    return results, watch


def answers(results: list[Result]) -> list[tuple[str, int | None]]:
    """All of the values but what they have cost."""
    return [(as_text(result.value), result.value.seed) for result in results]


def first_come(backends: Backends) -> None:
    backends.gate = Everybody(lambda _: None, lambda _model: False)


ENGINES: dict[str, str] = {
    "plain": "latency = 0.5",
    "slots": "cache = slots  prefill = 500  decode = 20",
    "blocks": "cache = blocks  prefill = 500  decode = 20",
}


@pytest.mark.parametrize("engine", ENGINES)
def test_no_order_changes_a_result(engine: str) -> None:
    program = flow(ENGINES[engine], "latency = 0.1")
    (naive, before), _ = run_virtually(served(program, first_come))
    (ours, after), _ = run_virtually(served(program))
    assert answers(naive) == answers(ours)
    assert all(result.status == "ok" for result in ours)
    assert before.most == after.most == SLOTS
    assert sorted(before.order) == sorted(after.order)


def test_runs_end_one_after_another_rather_than_all_at_the_end() -> None:
    program = flow(ENGINES["blocks"], "latency = 0.1")
    (naive, before), _ = run_virtually(served(program, first_come))
    (ours, after), _ = run_virtually(served(program))
    assert before.order != after.order

    def read(results: list[Result]) -> int:
        return sum(one.usage.prompt_tokens - one.usage.cached_tokens for one in results)

    assert read(ours) <= read(naive)


def test_models_of_one_device_are_run_stage_by_stage() -> None:
    plain = flow("latency = 1", "latency = 1")
    shared = flow('latency = 1  device = "gpu0"', 'latency = 1  device = "gpu0"')
    (apart, _), _ = run_virtually(served(plain))
    (together, watch), _ = run_virtually(served(shared))
    assert answers(apart) == answers(together)
    assert watch.switches == 2
    assert watch.most == SLOTS


def test_seconds_of_a_budget_count_from_the_beginning_of_a_run() -> None:
    program = flow("latency = 1", "latency = 1")
    (results, _), seconds = run_virtually(served(program, budget=Budget(seconds=15)))
    assert seconds > 30
    assert [result.status for result in results] == ["ok"] * RUNS


def test_other_devices_do_not_wait_for_each_other() -> None:
    program = flow('latency = 1  device = "gpu0"', 'latency = 1  device = "gpu1"')
    (_, watch), _ = run_virtually(served(program))
    assert watch.switches == 0


def options(**more: Any) -> ModelSpec:
    return ModelSpec("m", "simulated", "", more)


async def test_one_device_makes_two_backends_of_equal_models_on_two() -> None:
    async with Backends() as backends:
        one = await backends.get(options(device="gpu0"))
        other = await backends.get(options(device="gpu1"))
        same = await backends.get(options(device="gpu0", seed=4))
    assert one.served is not other.served
    assert one.served.admission.device is same.served.admission.device
