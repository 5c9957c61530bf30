"""What an engine costs beside the model: ours, raw asyncio, LangGraph, pydantic-graph, Haystack.

    python benchmarks/overhead.py [--quick] [--nodes 100 1000 10000 100000] [--runs 1 100 1000]
                                  [--repeat 5] [--cap 30] [--only graphdsl "raw asyncio"] [--uvloop]

All of them run the same graphs of the same stub in turns, each in a process of its own, so that
load from elsewhere hits all and none suffers from another's garbage. Shapes: a chain, fan-outs of
100 with a join, layers of ten, a tournament tree, and diamonds in which the first of two branches
decides. A graph is compiled once; who cannot express one says why. A measurement (making the graph
ready, then the run) that takes longer than the cap is ended, reported as `cap`, and larger ones of
that kind are left out. In row A nothing is kept; the journal and the memory saver are row B.

The rivals are those that are installed: `make bench-overhead` makes an environment with them.
Ends with status 1 when a bar is missed or somebody broke. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys

from benchmarks.overhead_parts.bars import Bars
from benchmarks.overhead_parts.contender import CONTENDERS, Contender
from benchmarks.overhead_parts.field import Field
from benchmarks.overhead_parts.shapes import LATENCIES
from benchmarks.overhead_parts.tables import (
    Scale,
    load,
    show_imports,
    show_latency,
    show_memory,
    show_overhead,
    show_runs,
)

FULL = Scale((100, 1000, 10_000, 100_000), (1, 100, 1000, 10_000), LATENCIES, 5)
QUICK = Scale((100, 1000), (100,), ("0", "10ms"), 2)
TABLES = ("overhead", "latency", "runs", "memory", "imports")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, two repeats")
    parser.add_argument("--nodes", type=int, nargs="+")
    parser.add_argument("--runs", type=int, nargs="+")
    parser.add_argument("--latency", nargs="+", choices=LATENCIES)
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--cap", type=float, help="seconds for one measurement")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in CONTENDERS])
    parser.add_argument("--table", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--uvloop", action="store_true", help="uvloop instead of asyncio's loop")
    parser.add_argument("--cpu", type=int, help="run on this CPU alone")
    return parser.parse_args()


def entered(only: list[str] | None) -> list[Contender]:
    """Who takes part; says who does, and who is not installed."""
    chosen = [one for one in CONTENDERS if only is None or one.name in only]
    for one in chosen:
        version = one.version
        said = "not installed (make bench-overhead)" if version is None else version
        print(f"  {one.name:<26}{said}")
    return [one for one in chosen if one.version is not None]


def main() -> int:
    """Print the tables, and judge."""
    options = parsed()
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    base = QUICK if options.quick else FULL
    scale = Scale(
        options.nodes or base.nodes,
        options.runs or base.runs,
        options.latency or base.latencies,
        options.repeat or base.repeats,
    )
    cap = options.cap or (5.0 if options.quick else 30.0)
    loop = "uvloop" if options.uvloop else "asyncio's loop"
    pinned = "" if options.cpu is None else f", pinned to CPU {options.cpu}"
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs{pinned}, {load()}, {loop}")
    print(f"cap {cap:g} s for one measurement\n")
    bars = Bars()
    with Field(entered(options.only), cap, uvloop=options.uvloop) as field:
        if "overhead" in options.table:
            show_overhead(field, scale, bars)
        if "latency" in options.table:
            show_latency(field, scale)
        if "runs" in options.table:
            show_runs(field, scale, bars)
        if "memory" in options.table:
            show_memory(field, bars)
        if "imports" in options.table:
            show_imports(field, scale.repeats, bars)
    print(f"\n{load()} at the end")
    return 0 if bars.show() and not field.broken else 1


if __name__ == "__main__":
    sys.exit(main())
