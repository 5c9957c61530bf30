"""A process in which one contender works, so that none suffers from another's imports or garbage.

It gets an order through a pipe and answers with a measurement; who is late can be killed.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import resource
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from benchmarks.overhead_parts.contender import CannotExpress, Contender, Run
from benchmarks.overhead_parts.shapes import Work
from benchmarks.overhead_parts.stub import Stub

_TICK: Final = 0.005
"""Seconds between looks at the loop's lag."""

_PAGE: Final = resource.getpagesize()


@dataclass(frozen=True)
class Order:
    """What to measure: the time of `work`, or (`live`) the memory of its nodes in flight."""

    work: Work
    live: bool = False
    collecting: bool = False
    lag: bool = False


@dataclass(frozen=True)
class Timing:
    """Seconds: of making the graph ready, of all runs together, of each run (sorted), and by which
    the loop was late; the highest resident memory of the process so far, in bytes."""

    build: float
    wall: float
    each: list[float]
    lags: list[float]
    peak: int


@dataclass(frozen=True)
class Live:
    """Bytes for each node in flight: as allocated by Python, and as resident memory."""

    allocated: float
    resident: float


@dataclass(frozen=True)
class Cannot:
    """Why there is no measurement; `broken` when nobody has foreseen it."""

    reason: str
    broken: bool = False


def percentile(values: list[float], share: int) -> float:
    """0 without values."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[share - 1]


@dataclass
class _Bench:
    contender: Contender
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    stub: Stub = field(default_factory=Stub)
    built: dict[Work, tuple[Run, float]] = field(default_factory=dict[Work, tuple[Run, float]])

    def run(self, order: Order) -> Timing | Live:
        work = order.work
        if work not in self.built:
            self.built.clear()
            start = time.perf_counter()
            run = self.contender.load()(work, self.stub)
            self.built[work] = run, time.perf_counter() - start
        run, build = self.built[work]
        if order.live:
            resident: float = self._loop(_resident(run, work, self.stub))
            return Live(self._loop(_allocated(run, work, self.stub)), resident)
        return self._loop(_timed(run, order, self.stub, build))

    def _loop(self, work: Awaitable[Any]) -> Any:
        async def inside() -> Any:
            return await work

        with asyncio.Runner(loop_factory=self.factory) as runner:
            return runner.run(inside())


async def _timed(run: Run, order: Order, stub: Stub, build: float) -> Timing:
    """Everything at once; what lived before is kept from the collector."""
    each: list[float] = []
    lags: list[float] = []
    stub.begun = 0
    gc.collect()
    gc.freeze()
    if not order.collecting:
        gc.disable()
    ticking = asyncio.ensure_future(_tick(lags)) if order.lag else None
    start = time.perf_counter()
    if order.work.runs == 1:
        await run()
    else:
        await asyncio.gather(*[_one(run, start, each) for _ in range(order.work.runs)])
    wall = time.perf_counter() - start
    gc.enable()
    gc.unfreeze()
    if ticking is not None:
        ticking.cancel()
    _check(order.work, stub.begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Timing(build, wall, each or [wall], lags, peak)


async def _one(run: Run, start: float, each: list[float]) -> None:
    await run()
    each.append(time.perf_counter() - start)


async def _tick(lags: list[float]) -> None:
    while True:
        due = time.perf_counter() + _TICK
        await asyncio.sleep(_TICK)
        lags.append(time.perf_counter() - due)


def _check(work: Work, begun: int) -> None:
    """Nobody wins by leaving nodes out (a branch that lost may have been cut before it began)."""
    least = len(work.edges) * work.runs
    if begun != least and not (work.early and 4 * begun >= 3 * least):
        raise AssertionError(f"{begun} of {least} nodes were run")


async def _allocated(run: Run, work: Work, stub: Stub) -> float:
    tracemalloc.start()
    try:
        return await _grown(run, work, stub, lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


async def _resident(run: Run, work: Work, stub: Stub) -> float:
    statm = Path("/proc/self/statm")
    return await _grown(run, work, stub, lambda: int(statm.read_text().split()[1]) * _PAGE)


async def _grown(run: Run, work: Work, stub: Stub, size: Callable[[], int]) -> float:
    """How much the memory has grown for each node when all of them wait."""
    waiting = len(work.edges) - 2
    stub.hold(waiting + 1)
    assert stub.gate is not None
    assert stub.reached is not None
    gc.collect()
    before = size()
    running = asyncio.ensure_future(run())
    await stub.reached.wait()
    gc.collect()
    grown = size() - before
    stub.gate.set()
    await running
    stub.gate = None
    return grown / waiting


def serve(contender: Contender, pipe: Connection, uvloop: bool) -> None:
    """Answer orders until the pipe is closed."""
    factory = importlib.import_module("uvloop").new_event_loop if uvloop else None
    bench = _Bench(contender, factory)
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(bench.run(order))
        except CannotExpress as error:
            pipe.send(Cannot(str(error)))
        except Exception as error:
            pipe.send(Cannot(f"{type(error).__name__}: {error}", broken=True))
