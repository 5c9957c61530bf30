"""From timings to bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.overhead_parts import bars as bar
from benchmarks.overhead_parts.bars import Bars
from benchmarks.overhead_parts.contender import (
    DURABLE,
    HAYSTACK,
    LANGGRAPH,
    MEMORY,
    OURS,
    PYDANTIC,
    RAW,
)
from benchmarks.overhead_parts.field import Found
from benchmarks.overhead_parts.shapes import Work
from benchmarks.overhead_parts.worker import Cannot, Timing

Cells = dict[tuple[str, int], Mapping[str, Found]]
"""By shape and size."""

_RIVALS: Final = (LANGGRAPH, PYDANTIC, HAYSTACK)

_PLAIN: Final = ("chain", "fan", "layers", "tree")
"""Shapes of which every node is one step (two of a diamond's four are whole samples)."""

_SHARING: Final = ("fan", "tree")
"""Shapes in which many nodes end together, and so share a commit of a durable journal."""


def overhead(timing: Timing, work: Work) -> float:
    """Microseconds per node beyond the critical path."""
    return (timing.wall - work.critical_path) / len(work.edges) / work.runs * 1e6


def efficiency(timing: Timing, work: Work) -> float:
    """The critical path over the wall time."""
    return work.critical_path / timing.wall


def judge_overhead(found: Cells, largest: int, bars: Bars) -> None:
    """Per node at the largest size, and beside the rivals at every size."""
    for name, limit, shapes, words in (
        (OURS, bar.BARE, _PLAIN, "nothing kept"),
        (MEMORY, bar.IN_MEMORY, _PLAIN, "journal in memory"),
        (DURABLE, bar.ON_DISK, _SHARING, "durable journal (fan, tree)"),
    ):
        costs = [
            cost
            for shape in shapes
            if (shape, largest) in found
            for cost in _least(found, shape, largest, name)
        ]
        bars.most(f"<= {limit:g} us per node at {largest} nodes, {words}", costs, limit, " us")
    times = _ratios(found, (LANGGRAPH,))
    promise = f">= {bar.TIMES_LANGGRAPH:g} times less per node than LangGraph"
    bars.least(promise, times, bar.TIMES_LANGGRAPH, " x")
    bars.least("no slower than any of the three on any shape", _ratios(found, _RIVALS), 1.0, " x")


def judge_efficiency(cell: Mapping[str, Found], work: Work, bars: Bars) -> None:
    """Of many runs at once; raw asyncio beside it, which is the limit."""
    best = {name: _best(cell.get(name, []), work) for name in (OURS, RAW)}
    what = f"{work.runs} runs at once, chain of {len(work.edges)} x {work.latency}"
    bars.least(f"efficiency >= {bar.EFFICIENCY}, {what}", best[OURS], bar.EFFICIENCY)
    bars.note("  raw asyncio there", best[RAW])
    bars.note("  share of that", [ours / raw for ours in best[OURS] for raw in best[RAW]])


def _best(known: Found, work: Work) -> list[float]:
    """The highest efficiency of a contender, if it was measured."""
    if isinstance(known, Cannot) or not known:
        return []
    return [max(efficiency(timing, work) for timing in known)]


def _least(found: Cells, shape: str, nodes: int, name: str) -> list[float]:
    """The least overhead of a contender in a cell, if it was measured."""
    known = found[shape, nodes].get(name, [])
    if isinstance(known, Cannot) or not known:
        return []
    work = Work(shape, nodes)
    return [min(overhead(timing, work) for timing in known)]


def _ratios(found: Cells, rivals: Sequence[str]) -> list[float]:
    """How many times what we need the rivals need, in every cell that both have."""
    return [
        theirs / ours
        for shape, nodes in found
        for ours in _least(found, shape, nodes, OURS)
        for rival in rivals
        for theirs in _least(found, shape, nodes, rival)
    ]
