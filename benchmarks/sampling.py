"""What a model call costs outside the model, beside bare asyncio doing the same calls.

    python benchmarks/sampling.py [--samples 1 10 100 1000] [--runs 1000] [--repeat 5]

First table: one `generate` of k samples from a model that answers at once, in microseconds per
sample (everything counts: the run, the prompt, seeds, budgets, answers). Second table: many
concurrent runs of a chain of model calls of 100 ms; efficiency is the critical path over wall
time, and `cpu` the microseconds of this process per call, which other load hardly changes. It is
given with Python's garbage collector off and on: the engine leaves no cycles, but the collector
looks at every live object again and again. Contenders are interleaved; times are minima of the
repeats. Bare asyncio is the limit: the ratio to it is what counts.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from graphdsl.api.module import load
from graphdsl.executors.abc import Backend, Capabilities, ChatRequest, Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.run_options import RunOptions
from graphdsl.plan import ModelSpec, Program
from graphdsl.values import Finish, Messages, Usage

LATENCY = 0.1
CALLS = 6
BAR = 0.98
"""Efficiency that the design asks for, at this latency and 1000 runs."""

QUESTION = "A farmer has 7 hens and buys 6 more. How many hens does the farmer have?"
REPLY = "She starts with 7 hens and buys 6 more, so there are 7 + 6 = 13 hens.\nAnswer: 13"
HEAD = """edition "2026"
model stub { backend = simulated }
prompt go_on(question: Text, before: Text) {
  user "{{ question }}\\n\\n{{ before }}\\n\\nThink, then write the answer on the last line."
}
"""

_ROOMY = Capabilities(max_in_flight=1_000_000, seeds=True)


class Stub(Backend):
    """A backend that gives the same reply after `latency` seconds (0: at once)."""

    def __init__(self, latency: float = 0.0) -> None:
        self._latency = latency

    @property
    def capabilities(self) -> Capabilities:
        """Room for every call."""
        return _ROOMY

    async def chat(self, request: ChatRequest) -> Completion:
        """The reply."""
        if self._latency:
            await asyncio.sleep(self._latency)
        return Completion(REPLY, Finish.STOP, Usage(1, 40, 0, 20))

    async def aclose(self) -> None:
        """There is nothing to close."""


def fan(samples: int) -> Program:
    """One `generate` of so many samples."""
    body = f"d = generate(go_on(question: question, before: ''), models: stub, samples: {samples})"
    return program(f"{body}\n  return d", "List[Draft]")


def chain(calls: int) -> Program:
    """So many model calls one after another, each with the reply before in its prompt."""
    lines = ["d0 = question"] + [
        f"d{at} = first(generate(go_on(question: question, before: d{at - 1}), models: stub))"
        for at in range(1, calls + 1)
    ]
    return program("\n  ".join([*lines, f"return d{calls}"]), "Draft")


def program(body: str, result: str) -> Program:
    """A flow of that body, compiled."""
    body = body.replace("''", '""')
    text = f"{HEAD}flow main(question: Text) -> {result} {{\n  {body}\n}}\n"
    return load(text).flow("main").plan()


def serving(stub: Backend) -> Backends:
    """Every model is the stub."""

    async def opener(_spec: ModelSpec) -> Backend:
        return stub

    return Backends(opener)


async def engine(code: Program, runs: int, latency: float, *, trace: bool = False) -> None:
    """So many runs at once, on one event loop."""
    backends = serving(Stub(latency))
    await backends.get(*code.models.values())
    inputs = {"question": QUESTION}
    work = [
        execute(code, inputs, backends=backends, options=RunOptions(trace=trace))
        for _ in range(runs)
    ]
    await asyncio.gather(*work)


async def engine_fan(code: Program, times: int, *, trace: bool = False) -> None:
    """So many runs one after another."""
    backends = serving(Stub())
    for _ in range(times):
        await execute(
            code, {"question": QUESTION}, backends=backends, options=RunOptions(trace=trace)
        )


async def bare_fan(samples: int, times: int) -> None:
    """The same calls, a task each."""
    stub, request = Stub(), ChatRequest(Messages.user(QUESTION))
    for _ in range(times):
        await asyncio.gather(*[stub.chat(request) for _ in range(samples)])


async def bare_chain(runs: int, calls: int) -> None:
    """The same chains, a task each."""
    stub, request = Stub(LATENCY), ChatRequest(Messages.user(QUESTION))

    async def one() -> None:
        for _ in range(calls):
            await stub.chat(request)

    await asyncio.gather(*[one() for _ in range(runs)])


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one measurement: on the wall and of this process."""

    wall: float
    cpu: float


def timed(work: Callable[[], Awaitable[None]], *, collecting: bool) -> Spent:
    """One measurement in a loop of its own; what lives before it is kept from the collector."""

    async def inside() -> Spent:
        gc.collect()
        gc.freeze()
        if not collecting:
            gc.disable()
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        spent = Spent(time.perf_counter() - wall, time.process_time() - cpu)
        gc.enable()
        gc.unfreeze()
        return spent

    return asyncio.run(inside())


def measure(
    contenders: dict[str, Callable[[], Awaitable[None]]], repeat: int, *, collecting: bool = False
) -> dict[str, Spent]:
    """The least of every contender over interleaved repeats; a first round warms up."""
    found = {name: Spent(float("inf"), float("inf")) for name in contenders}
    for _ in range(repeat + 1):
        for name, work in contenders.items():
            now, least = timed(work, collecting=collecting), found[name]
            found[name] = Spent(min(now.wall, least.wall), min(now.cpu, least.cpu))
    return found


def show_samples(counts: list[int], repeat: int) -> None:
    """The table of the cost per sample."""
    print("one `generate` of k samples, zero latency: microseconds per sample\n")
    print(f"{'samples':>8}{'bare':>8}{'engine':>8}{'ratio':>7}{'traced':>8}")
    for samples in counts:
        code, times = fan(samples), max(1, 1000 // samples)
        work = partial(engine_fan, code, times)
        traced = partial(work, trace=True)
        found = measure(
            {"bare": partial(bare_fan, samples, times), "engine": work, "traced": traced}, repeat
        )
        bare, own, seen = (spent.wall / samples / times * 1e6 for spent in found.values())
        print(f"{samples:>8}{bare:>8.2f}{own:>8.2f}{own / bare:>7.2f}{seen:>8.2f}")


def show_efficiency(runs: int, repeat: int) -> None:
    """The table of many concurrent chains."""
    code, path = chain(CALLS), CALLS * LATENCY
    work = partial(engine, code, runs, LATENCY)
    contenders: dict[str, Callable[[], Awaitable[None]]] = {
        "bare": partial(bare_chain, runs, CALLS),
        "engine": work,
        "traced": partial(work, trace=True),
    }
    print(f"\n{runs} concurrent runs of {CALLS} calls of {LATENCY * 1e3:g} ms (bar {BAR})\n")
    print(f"{'':<8}{'gc':>4}{'wall s':>8}{'efficiency':>12}{'of bare':>9}{'cpu':>8}")
    for collecting in (False, True):
        found = measure(contenders, repeat, collecting=collecting)
        for name, spent in found.items():
            share = found["bare"].wall / spent.wall
            cpu = spent.cpu / runs / CALLS * 1e6
            print(
                f"{name:<8}{'on' if collecting else 'off':>4}{spent.wall:>8.3f}"
                f"{path / spent.wall:>12.3f}{share:>9.3f}{cpu:>8.1f}"
            )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    load_now = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load_now:.2f}")
    show_samples(options.samples, options.repeat)
    show_efficiency(options.runs, options.repeat)


if __name__ == "__main__":
    main()
