"""The tables."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.overhead_parts import bars as bar
from benchmarks.overhead_parts.bars import Bars
from benchmarks.overhead_parts.columns import Columns
from benchmarks.overhead_parts.contender import HAYSTACK, LANGGRAPH, OURS, PYDANTIC, RAW
from benchmarks.overhead_parts.field import Field, Found
from benchmarks.overhead_parts.judging import (
    Cells,
    efficiency,
    judge_efficiency,
    judge_overhead,
    overhead,
)
from benchmarks.overhead_parts.shapes import DIAMOND, SHAPES, Work
from benchmarks.overhead_parts.worker import Cannot, Live, Order, Timing, percentile

DEEP: Final = {"chain": 20, "fan": 1000, "layers": 200, "tree": 1000, "diamonds": 10 * DIAMOND}
"""Nodes for the tables with latencies: wide where a shape is wide, few steps one after another."""

AT_ONCE: Final = 1000
LONG: Final = 50
"""Runs at once, and nodes one after another, of the bar on efficiency: what comes before the first
reply and after the last is not hidden behind any latency, and the shorter a run, the more it is."""

LIVE: Final = 2000
"""Nodes in flight when memory is measured."""

_MODULES: Final = {
    OURS: "graphdsl",
    LANGGRAPH: "langgraph.graph",
    PYDANTIC: "pydantic_graph",
    HAYSTACK: "haystack",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    nodes: Sequence[int]
    runs: Sequence[int]
    latencies: Sequence[str]
    repeats: int


def show_overhead(field: Field, scale: Scale, bars: Bars) -> None:
    """Microseconds per node where nodes take no time: the least, and the median, of the repeats."""
    print(f"\nmicroseconds per node, no latency, one run: least, and median of {scale.repeats}")
    print("(collector off; graphs compiled once, which is not counted)\n")
    table = Columns(field.contenders)
    found: Cells = {}
    for shape in SHAPES:
        for nodes in scale.nodes:
            work = Work(shape, nodes)
            cell = field.race(Order(work), scale.repeats, shape)
            found[shape, nodes] = cell
            costs = {name: _overheads(known, work) for name, known in cell.items()}
            table.row(f"{shape} {len(work.edges)}", cell, costs, min)
            table.row("", cell, costs, median)
    table.explain()
    judge_overhead(found, max(scale.nodes), bars)


def _overheads(known: Found, work: Work) -> list[float]:
    return [] if isinstance(known, Cannot) else [overhead(timing, work) for timing in known]


def show_latency(field: Field, scale: Scale) -> None:
    """One run whose nodes take time: overhead per node, and efficiency, by the best repeat."""
    repeats = min(3, scale.repeats)
    for latency in (one for one in scale.latencies if one != "0"):
        print(f"\none run, latency {latency}: us per node beyond the critical path, efficiency\n")
        table = Columns(field.contenders)
        for shape, nodes in DEEP.items():
            work = Work(shape, nodes, latency)
            cell = field.race(Order(work), repeats, f"{shape} {latency}")
            costs = {name: _overheads(known, work) for name, known in cell.items()}
            table.row(f"{shape} {len(work.edges)}", cell, costs, min)
            shares = {name: _efficiencies(known, work) for name, known in cell.items()}
            table.row(f"  path {work.critical_path:.2f} s", cell, shares, max, ".3f")
        table.explain()


def _efficiencies(known: Found, work: Work) -> list[float]:
    return [] if isinstance(known, Cannot) else [efficiency(timing, work) for timing in known]


def show_runs(field: Field, scale: Scale, bars: Bars) -> None:
    """Many runs of seven nodes at once, and long ones."""
    repeats = min(3, scale.repeats)
    for latency in ("0", "100ms"):
        for shape in ("chain", "fan"):
            for runs in scale.runs:
                _runs(field, Work(shape, 7, latency, runs), repeats)
        field.rest()
    if AT_ONCE in scale.runs:
        for nodes in (7, LONG):
            work = Work("chain", nodes, "100ms", AT_ONCE)
            judge_efficiency(_runs(field, work, repeats, (RAW, OURS)), work, bars)


def _runs(
    field: Field, work: Work, repeats: int, names: Sequence[str] | None = None
) -> Mapping[str, Found]:
    """One cell, a line for each contender."""
    nodes = len(work.edges)
    print(f"\n{work.runs} runs at once, {work.shape} of {nodes} nodes, {work.latency}")
    print(f"  {'':<26}{'runs/s':>9}{'effic.':>8}{'p50 ms':>9}{'p99 ms':>9}", end="")
    print(f"{'lag p99 ms':>12}{'peak MB':>9}   (collector on)")
    order = Order(work, collecting=True, lag=True)
    cell = field.race(order, repeats, f"{work.shape} {work.latency} runs", names)
    for name, known in cell.items():
        said = f"  {known.reason}" if isinstance(known, Cannot) else _rate(known, work)
        print(f"  {name:<26}{said}", flush=True)
    return cell


def _rate(timings: list[Timing], work: Work) -> str:
    best = min(timings, key=lambda timing: timing.wall)
    return (
        f"{work.runs / best.wall:>9.0f}{efficiency(best, work):>8.3f}"
        f"{percentile(best.each, 50) * 1e3:>9.2f}{percentile(best.each, 99) * 1e3:>9.2f}"
        f"{percentile(sorted(best.lags), 99) * 1e3:>12.2f}{best.peak / 2**20:>9.0f}"
    )


def show_memory(field: Field, bars: Bars) -> None:
    """Bytes of every node that waits for its model, `LIVE` of them at once."""
    print(f"\nbytes per live node, {LIVE} at once: allocated by Python, resident\n")
    order = Order(Work("wide", LIVE + 2), live=True)
    found: list[float] = []
    for name in field.contenders:
        field.rest()
        live = field.ask(name, order)
        if isinstance(live, Live):
            print(f"  {name:<26}{live.allocated:>9.0f}{live.resident:>9.0f}", flush=True)
            found += [live.allocated] if name == OURS else []
        else:
            assert isinstance(live, Cannot)
            print(f"  {name:<26}  {live.reason}")
    bars.most(f"<= {bar.LIVE_BYTES:g} bytes per live node", found, bar.LIVE_BYTES, " B")


def show_imports(field: Field, repeats: int, bars: Bars) -> None:
    """Seconds that an import takes beyond those that Python takes to start: the least of some."""
    print("\nimport, seconds\n")
    bare = _import_seconds("pass", repeats)
    for name, module in _MODULES.items():
        if name in field.contenders:
            seconds = _import_seconds(f"import {module}", repeats) - bare
            print(f"  {name:<26}{seconds:>9.3f}", flush=True)
            if name == OURS:
                bars.most(f"<= {bar.IMPORT} s for `import graphdsl`", [seconds], bar.IMPORT, " s")


def _import_seconds(code: str, repeats: int) -> float:
    found: list[float] = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        found.append(time.perf_counter() - start)
    return min(found)


def load() -> str:
    """The load of the machine now."""
    return f"load {os.getloadavg()[0]:.2f}"
