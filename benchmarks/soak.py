"""Many runs in one process: is anything lost, left over, late, or growing?

    python benchmarks/soak.py [--runs 10000] [--width 250] [--journal]

Every run samples, critiques, verifies in a loop and votes, on simulated models that take time and
fail at random; `width` of them run at once, under one session's budget, each with a trace. Looked
at: results (one for each run, the same as when it runs alone), tasks and places at the models
afterwards, the session's books, the loop's lag, and resident memory, whose slope over the second
half is fitted. Ends with status 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from statistics import linear_regression, quantiles
from typing import Final

from graphdsl.api.module import load
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.journal.store import Journal
from graphdsl.executors.ledger import ZERO, Amount
from graphdsl.executors.result import Result
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.session import Session
from graphdsl.executors.tally import Tally
from graphdsl.plan import Budget, Program
from graphdsl.values import Usage

SLOPE: Final = 128.0
LAG: Final = 0.25
"""The bars: bytes of resident memory for each run, and seconds by which the loop is late (p99)."""

ALONE: Final = 50
"""How many runs are repeated alone, to compare their results."""

LOOKS: Final = 100
"""How often memory is looked at."""

_TICK: Final = 0.01
_PAGE: Final = resource.getpagesize()

PROGRAM: Final = """edition "2026"
model small { backend = simulated  accuracy = 0.6  latency = 0.5  latency_spread = 0.5
              failures = 0.05  usd_per_mtok_in = 0.1  usd_per_mtok_out = 0.4 }
model judge { backend = simulated  accuracy = 0.9  latency = 0.2  seed = 1 }
flow main(question: Text) -> Answer {
  drafts = generate(question, models: small, samples: 4)
  notes = critique(drafts, by: judge)
  repeat up to 2 carrying best: List[Draft] = drafts {
    merged = fuse(best, using: notes, by: small)
    verdict = verify(merged, by: judge)
    next best = append(best, merged)
  } until verdict.passed
  return vote(best, by: number)
}
"""


@dataclass(slots=True)
class Soak:
    """What was seen. `memory` are pairs of runs ended and resident bytes."""

    runs: int
    seconds: float = 0.0
    ended: int = 0
    spent: Tally = field(default_factory=Tally)
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    memory: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    lags: list[float] = field(default_factory=list[float])
    wrong: list[str] = field(default_factory=list[str])
    digests: array[int] = field(init=False)

    def __post_init__(self) -> None:
        self.digests = array("q", bytes(8 * self.runs))

    def take(self, number: int, result: Result) -> None:
        """Count a result; after every hundredth part of the runs memory is looked at."""
        if self.digests[number]:
            self.wrong.append(f"run {number} ended twice")
        if added_up(result) != result.usage:
            self.wrong.append(f"run {number}: the calls of its trace are not its usage")
        self.digests[number] = digest(result)
        self.statuses[result.status] = self.statuses.get(result.status, 0) + 1
        self.spent.add(result.usage)
        self.ended += 1
        if self.ended % max(1, self.runs // LOOKS) == 0:
            self.memory.append((self.ended, resident()))

    @property
    def slope(self) -> float:
        """Bytes of resident memory that a run leaves behind, fitted over the second half."""
        late = [(float(ended), float(size)) for ended, size in self.memory if ended > self.runs / 2]
        return linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else 0.0

    @property
    def lag(self) -> float:
        """Seconds by which the loop was late, 99th percentile."""
        return quantiles(self.lags, n=100)[98] if len(self.lags) > 1 else 0.0


async def soak(runs: int, width: int, journal: Journal | None = None) -> Soak:
    """So many runs, `width` at once."""
    seen, program = Soak(runs), load(PROGRAM).flow("main").plan()
    session = Session(Budget(calls=10**9))
    before = asyncio.all_tasks()
    start = time.perf_counter()
    async with Backends() as backends:
        async with ticking(seen.lags):
            numbers = iter(range(runs))

            async def work() -> None:
                for number in numbers:
                    run = None if journal is None else journal.run(str(number))
                    options = RunOptions(seed=number, session=session, journal=run)
                    seen.take(number, await execute(program, asked(number), backends=backends,
                                                    options=options))  # fmt: skip

            await asyncio.gather(*[work() for _ in range(width)])
        seen.seconds = time.perf_counter() - start
        await check_places(seen, program, backends)
    async with Backends() as backends:
        quick = load(PROGRAM.replace("latency = 0.", "latency = 0.00000")).flow("main").plan()
        await check_alone(seen, quick, backends)
    check_books(seen, session)
    if left := asyncio.all_tasks() - before:
        seen.wrong.append(f"{len(left)} tasks are left over")
    return seen


def asked(number: int) -> dict[str, str]:
    """The inputs of a run."""
    return {"question": f"What is {number} + 7?"}


def digest(result: Result) -> int:
    """What a run gave and cost, in eight bytes, so that keeping all of them costs nothing."""
    said = f"{result.status} {result.output} {result.usage}".encode()
    return int.from_bytes(blake2b(said, digest_size=7).digest()) or 1


def added_up(result: Result) -> Usage:
    """The usages of all calls in the trace."""
    total = Tally()
    for record in () if result.trace is None else result.trace.walk():
        for call in record.calls:
            total.add(call.usage)
    return total.usage


def resident() -> int:
    """Bytes of memory that this process occupies."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * _PAGE if statm.exists() else 0


async def check_places(seen: Soak, program: Program, backends: Backends) -> None:
    """Every place at a model was given back."""
    for spec in program.models.values():
        inside = (await backends.get(spec)).served.admission.in_flight
        if inside:
            seen.wrong.append(f"{inside} calls of `{spec.name}` never ended")


async def check_alone(seen: Soak, program: Program, backends: Backends) -> None:
    """Nothing is lost, and a run gives what it gives alone and without waiting."""
    if missing := [number for number, found in enumerate(seen.digests) if not found]:
        seen.wrong.append(f"{len(missing)} results are lost, the first of run {missing[0]}")
    for number in range(0, seen.runs, max(1, seen.runs // ALONE)):
        options = RunOptions(seed=number)
        alone = await execute(program, asked(number), backends=backends, options=options)
        if digest(alone) != seen.digests[number]:
            seen.wrong.append(f"run {number} gives something else when it runs alone")


def check_books(seen: Soak, session: Session) -> None:
    """The session has what its runs have spent together, and holds nothing."""
    if session.scope.reserved != ZERO:
        seen.wrong.append(f"the session still holds {session.scope.reserved}")
    if session.scope.settled != Amount.of(seen.spent.usage):
        seen.wrong.append("the session has counted something else than its runs")


@asynccontextmanager
async def ticking(lags: list[float]) -> AsyncGenerator[None]:
    """Notes by how much the loop is late, again and again."""

    async def tick() -> None:
        while True:
            due = time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            lags.append(time.perf_counter() - due)

    task = asyncio.ensure_future(tick())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def show(seen: Soak) -> bool:
    """Print what was seen; True when all is well."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(seen.statuses.items()))
    calls = seen.spent.calls
    print(f"{seen.runs} runs ({statuses}), {calls} calls in {seen.seconds:.1f} s: ", end="")
    print(f"{seen.runs / seen.seconds:.0f} runs/s, {calls / seen.seconds:.0f} calls/s")
    first, last = seen.memory[0][1] / 2**20, seen.memory[-1][1] / 2**20
    print(f"resident memory {first:.1f} MiB at first, {last:.1f} MiB at last, ", end="")
    print(f"slope {seen.slope:.0f} bytes per run (bar {SLOPE:g})")
    print(f"the loop was late by {seen.lag * 1e3:.1f} ms (p99; bar {LAG * 1e3:g})")
    for problem in seen.wrong[:20]:
        print(f"WRONG: {problem}")
    return not seen.wrong and seen.slope <= SLOPE and seen.lag <= LAG


def main() -> int:
    """Soak, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=250)
    parser.add_argument("--journal", action="store_true", help="with a durable journal")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, ", end="")
    print(f"load {os.getloadavg()[0]:.2f}, {options.width} runs at once")
    if not options.journal:
        return 0 if show(asyncio.run(soak(options.runs, options.width))) else 1
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.create(Path(folder, "soak.journal")) as journal,
    ):
        return 0 if show(asyncio.run(soak(options.runs, options.width, journal))) else 1


if __name__ == "__main__":
    sys.exit(main())
