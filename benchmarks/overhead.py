"""What the engine costs per node, beside a bare asyncio executor in the same process.

    python benchmarks/overhead.py [--nodes 100 1000 10000 100000] [--repeat 5]

Shapes: a chain, fan-outs of 100 with a join, and layers of 10 x d where every node needs all of
the layer before. Every node is a zero-latency coroutine (a model step: one task each), or a
pure step (`pure`). Times are the minimum of the repeats; rows of one shape are interleaved. The
bars are those of the design: at most 10 microseconds and 2 KB per node.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import Operators
from graphdsl.ir.types import UNKNOWN
from graphdsl.ops.context import Context
from graphdsl.plan import Plan, Program, Step

BAR_MICROSECONDS = 10.0
BAR_BYTES = 2048

Edges = list[tuple[int, ...]]
"""For every node the nodes that it needs."""


def chain(nodes: int) -> Edges:
    """Each node needs the one before."""
    return [(index - 1,) if index else () for index in range(nodes)]


def fan_out_join(nodes: int) -> Edges:
    """One node, 100 that need it, one that needs those, and so on."""
    edges: Edges = [()]
    while len(edges) < nodes:
        source = len(edges) - 1
        width = min(100, max(1, nodes - len(edges) - 1))
        edges += [(source,)] * width
        edges.append(tuple(range(len(edges) - width, len(edges))))
    return edges[:nodes]


def layered(nodes: int) -> Edges:
    """Layers of ten; every node needs the whole layer before."""
    return [
        tuple(range(index // 10 * 10 - 10, index // 10 * 10)) if index >= 10 else ()
        for index in range(nodes)
    ]


SHAPES: dict[str, Callable[[int], Edges]] = {
    "chain": chain,
    "fan-out 100 + join": fan_out_join,
    "layers of 10": layered,
}


def dependents_of(edges: Edges) -> list[list[int]]:
    """For every node the nodes that need it."""
    found: list[list[int]] = [[] for _ in edges]
    for index, sources in enumerate(edges):
        for source in sources:
            found[source].append(index)
    return found


def program_of(edges: Edges, op: str) -> Program:
    """The shape as a program whose every step is `op`."""
    after = dependents_of(edges)
    steps = tuple(
        Step(
            index,
            f"flow.n{index}",
            op,
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
    result = (("return", len(edges) - 1),)
    plan = Plan("flow", (), (), steps, result, len(edges), ready)
    return Program("flow", plan, (), UNKNOWN, {}, {}, {}, "")


async def _stub(_context: Context, _args: Mapping[str, Any]) -> int:
    return 1


STUBS = Operators({"pure": lambda _args: 1}, {"stub": _stub})


async def bare(edges: Edges) -> None:
    """The least that a dataflow executor can do: counters, a task per node, one future."""
    loop = asyncio.get_running_loop()
    after = dependents_of(edges)
    pending = [len(sources) for sources in edges]
    values: list[int] = [0] * len(edges)
    left = len(edges)
    ended: asyncio.Future[None] = loop.create_future()
    tasks: set[asyncio.Task[None]] = set()

    async def stub() -> int:
        return 1

    async def run(index: int) -> None:
        nonlocal left
        values[index] = await stub()
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


async def engine(program: Program, *, trace: bool = False) -> None:
    """One run of the engine."""
    await execute(program, {}, backends=Backends(), trace=trace, operators=STUBS)


def timed(work: Callable[[], Awaitable[None]]) -> float:
    """Seconds of one run in a loop of its own, without garbage collection."""

    async def inside() -> float:
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        await work()
        seconds = time.perf_counter() - start
        gc.enable()
        return seconds

    return asyncio.run(inside())


def measure(edges: Edges, repeat: int) -> dict[str, float]:
    """Microseconds per node of every contender, the minimum of interleaved repeats."""
    model, pure = program_of(edges, "stub"), program_of(edges, "pure")
    contenders: dict[str, Callable[[], Awaitable[None]]] = {
        "bare": lambda: bare(edges),
        "engine": lambda: engine(model),
        "traced": lambda: engine(model, trace=True),
        "pure": lambda: engine(pure),
    }
    found = {name: float("inf") for name in contenders}
    for _ in range(repeat + 1):  # the first round resolves the program and warms the caches
        for name, work in contenders.items():
            found[name] = min(found[name], timed(work))
    return {name: seconds / len(edges) * 1e6 for name, seconds in found.items()}


def live_bytes(nodes: int) -> float:
    """Bytes per node while `nodes` nodes wait for their models at the same time."""
    program = program_of([(), *[(0,)] * nodes, tuple(range(1, nodes + 1))], "stub")
    first = last = waiting = 0

    async def stub(_context: Context, args: Mapping[str, Any]) -> int:
        nonlocal first, last, waiting
        if len(args) != 1:  # the source and the join
            first = first or tracemalloc.get_traced_memory()[0]
            return 1
        waiting += 1
        if waiting == nodes:
            last = tracemalloc.get_traced_memory()[0]
            gate.set()
        await gate.wait()
        return 1

    async def inside() -> None:
        await execute(program, {}, backends=Backends(), trace=False, operators=operators)

    gate = asyncio.Event()
    operators = Operators({}, {"stub": stub})
    tracemalloc.start()
    asyncio.run(inside())
    tracemalloc.stop()
    return (last - first) / nodes


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load:.2f}")
    print("microseconds per node\n")
    print(f"{'shape':<20}{'nodes':>8}{'bare':>8}{'engine':>8}{'ratio':>7}{'traced':>8}{'pure':>8}")
    worst = 0.0
    for name, shape in SHAPES.items():
        for nodes in options.nodes:
            edges = shape(nodes)
            found = measure(edges, options.repeat)
            ratio = found["engine"] / found["bare"]
            worst = max(worst, found["engine"]) if nodes == max(options.nodes) else worst
            print(
                f"{name:<20}{len(edges):>8}{found['bare']:>8.2f}{found['engine']:>8.2f}"
                f"{ratio:>7.2f}{found['traced']:>8.2f}{found['pure']:>8.2f}"
            )
    size = live_bytes(min(20_000, max(options.nodes)))
    print(f"\nworst at the largest size: {worst:.2f} us per node (bar {BAR_MICROSECONDS:g})")
    print(f"memory per live node: {size:.0f} bytes (bar {BAR_BYTES})")
    sys.exit(0 if worst <= BAR_MICROSECONDS and size <= BAR_BYTES else 1)


if __name__ == "__main__":
    main()
