"""What a trace costs per node, beside a bare asyncio executor in the same process.

    python benchmarks/tracing.py [--nodes 100 1000 10000] [--repeat 7]

Every node is a zero-latency coroutine, so that all of the time is overhead; shapes as in
`benchmarks/overhead.py`. `off`: the engine without a trace. `on`: with one. `kept`: its trace goes
into the store of past runs. `otel`: its spans go to an exporter that drops them. Both are done on
other threads: the run's own time is measured first, and then, as `+ …`, what is left to do when it
has ended. The minimum of interleaved repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

from benchmarks.overhead_parts.shapes import Edges, chain, dependents_of, fan, layers
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import Operators
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces.keeper import RunKeeper
from graphdsl.executors.traces.telemetry import exporter, flush, telemetry
from graphdsl.ir.types import UNKNOWN
from graphdsl.ops.context import Context
from graphdsl.plan import Plan, Program, Step

SHAPES: dict[str, Callable[[int], Edges]] = {
    "chain": chain,
    "fan-out 100 + join": fan,
    "layers of 10": layers,
}

Run = Callable[[], Awaitable[object]]
Times = tuple[float, float]
"""Seconds of the run itself, and what was left to do after it."""


async def _stub(_context: Context, _args: Mapping[str, Any]) -> int:
    return 1


STUBS = Operators({}, {"stub": _stub})


class Dropped(SpanExporter):
    """Takes spans and does nothing with them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Nothing."""
        return SpanExportResult.SUCCESS


async def bare(edges: Edges, after: Sequence[Sequence[int]]) -> None:
    """The least that a dataflow executor can do: counters, a task per node, one future."""
    loop = asyncio.get_running_loop()
    pending = [len(sources) for sources in edges]
    left = len(edges)
    ended: asyncio.Future[None] = loop.create_future()
    tasks: set[asyncio.Task[None]] = set()

    async def stub() -> int:
        return 1

    async def run(index: int) -> None:
        nonlocal left
        await stub()
        for following in after[index]:
            pending[following] -= 1
            if not pending[following]:
                launch(following)
        left -= 1
        if not left:
            ended.set_result(None)

    def launch(index: int) -> None:
        task = loop.create_task(run(index))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    for index in [at for at, count in enumerate(pending) if not count]:
        launch(index)
    await ended


def program_of(edges: Edges) -> Program:
    """The graph as a program whose every step is the stub."""
    after = dependents_of(edges)
    steps = tuple(
        Step(
            index,
            f"flow.n{index}",
            "stub",
            index,
            tuple((str(at), source) for at, source in enumerate(sources)),
            {},
            (),
            len(sources),
            tuple(after[index]),
        )
        for index, sources in enumerate(edges)
    )
    ready = tuple(step.index for step in steps if not step.pending)
    plan = Plan("flow", (), (), steps, (("return", len(edges) - 1),), len(edges), ready)
    return Program("flow", plan, (), UNKNOWN, {}, {}, {}, "")


def engine(program: Program, observe: Callable[[Trace], None] | None, *, trace: bool) -> Run:
    """One run of the engine."""
    options = RunOptions(trace=trace, operators=STUBS, observe=observe)
    return lambda: execute(program, {}, backends=Backends(), options=options)


def timed(work: Run, rest: Callable[[], object] | None = None) -> Times:
    """One run in a loop of its own, without garbage collection, and what is left to do then."""

    async def inside() -> float:
        start = time.perf_counter()
        await work()
        return time.perf_counter() - start

    gc.collect()
    gc.disable()
    try:
        seconds = asyncio.run(inside())
        start = time.perf_counter()
        if rest is not None:
            rest()
        return seconds, time.perf_counter() - start
    finally:
        gc.enable()


def kept(program: Program, folder: Path) -> Times:
    """A run whose trace is kept."""
    with RunKeeper(folder=folder) as keeper:
        return timed(engine(program, keeper, trace=True), keeper.close)


def told(program: Program) -> Times:
    """A run whose spans are made."""
    return timed(engine(program, exporter(), trace=True), flush)


def measure(edges: Edges, repeat: int, folder: Path) -> dict[str, Times]:
    """Microseconds per node of every contender."""
    program, after = program_of(edges), dependents_of(edges)
    contenders: dict[str, Callable[[], Times]] = {
        "bare": lambda: timed(lambda: bare(edges, after)),
        "off": lambda: timed(engine(program, None, trace=False)),
        "on": lambda: timed(engine(program, None, trace=True)),
        "kept": lambda: kept(program, folder),
        "otel": lambda: told(program),
    }
    best = {name: (float("inf"), float("inf")) for name in contenders}
    for _ in range(repeat + 1):  # the first round resolves the program and warms the caches
        for name, work in contenders.items():
            run, rest = work()
            best[name] = min(best[name][0], run), min(best[name][1], rest)
    scale = 1e6 / len(edges)
    return {name: (run * scale, rest * scale) for name, (run, rest) in best.items()}


def shown(name: str, times: Times, base: float) -> str:
    """`on 9.1 (1.4 x)`, with what was left to do after the run where that is something."""
    run, rest = times
    more = f" + {rest:.1f}" if rest >= 0.1 else ""
    return f"{name} {run:.2f}{more} ({run / base:.1f} x)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Dropped()))
    telemetry(provider=provider)
    print(f"Python {platform.python_version()}, {sys.platform}; microseconds per node (x bare)")
    with tempfile.TemporaryDirectory() as folder:
        for shape, make in SHAPES.items():
            for nodes in arguments.nodes:
                found = measure(make(nodes), arguments.repeat, Path(folder))
                base = found["bare"][0]
                row = "  ".join(shown(name, times, base) for name, times in found.items())
                print(f"{shape:<20} {nodes:>6}  {row}", flush=True)


if __name__ == "__main__":
    main()
