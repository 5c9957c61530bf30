"""Graphs, points and distributions as short lines of text, for agents that may be small models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from graphdsl.drawing.build import draw
from graphdsl.drawing.lines import heading, remarks
from graphdsl.ir.nodes import Assignment, Graph
from graphdsl.search.agents.beliefs import Beliefs
from graphdsl.search.agents.meaning import EDGE
from graphdsl.search.agents.quoted import quoted
from graphdsl.search.strategy import Told

_MEMBER: Final = ("role", "model")
"""What a node of `collaborate` has beside its edges."""

_VALUES: Final = 24
"""Values of one distribution that are shown."""


def graph_lines(graph: Graph, most: int = 30) -> list[str]:
    """An open graph as one line per node: what it does, its holes, and what it reads.

    ``drafts = generate: ◇ samples 4 in 0..8 <- q``
    """
    if not graph.body.nodes:
        return []
    drawing = draw(graph)
    names = {box.id: box.title for box in drawing.boxes}
    lines: list[str] = []
    for box in drawing.boxes:
        if box.kind in ("input", "output"):
            continue
        reads = dict.fromkeys(
            names[arrow.source] for arrow in drawing.arrows if arrow.target == box.id
        )
        said = "; ".join(remarks(box))
        line = heading(box) + (f": {said}" if said else "")
        lines.append(line + (f" <- {', '.join(reads)}" if reads else ""))
    return limited(lines, most)


def point_lines(point: Assignment) -> list[str]:
    """A point as one line per node that has holes; edges that are off are left out.

    >>> point_lines({"f.t.role.1": "fuser", "f.t.edge.1.3": "on", "f.a.samples": 4, "f.b": "off"})
    ['f.t node 1: role = fuser, edges to 3', 'f.a: samples = 4', 'f: b = off']
    """
    settings: dict[str, list[str]] = {}
    targets: dict[str, list[str]] = {}
    for address, value in point.items():
        if edge := EDGE.fullmatch(address):
            place = f"{edge[1]} node {edge[2]}"
            settings.setdefault(place, [])
            if value == "on":
                targets.setdefault(place, []).append(edge[3])
            continue
        place, name = _place(address)
        settings.setdefault(place, []).append(f"{name} = {value_text(value)}")
    lines: list[str] = []
    for place, said in settings.items():
        edges = [f"edges to {' '.join(targets[place])}"] if place in targets else []
        if said or edges:
            lines.append(f"{place}: {', '.join([*said, *edges])}")
    return lines


def told_line(told: Told, minimise: Sequence[str]) -> str:
    """What a point was worth: ``quality 0.612 on 16 items, usd 0.0021``."""
    if not told.feasible or not math.isfinite(told.quality):
        return "not run"
    costs = [f"{name} {told.costs[name]:.3g}" for name in minimise if name in told.costs]
    items = f"{told.items} item{'' if told.items == 1 else 's'}"
    return ", ".join([f"quality {told.quality:.3f} on {items}", *costs])


def told_lines(number: int, told: Told, minimise: Sequence[str]) -> list[str]:
    """A point with what it was worth and what else was said of it, such as what went wrong."""
    note = [f"   note: {quoted(told.words)}"] if told.words else []
    points = [f"   {line}" for line in point_lines(told.assignment)]
    return [f"{number}. {told_line(told, minimise)}", *note, *points]


def chances_lines(beliefs: Beliefs, addresses: Iterable[str], most: int) -> list[str]:
    """The distributions of some parameters, the least certain ones where there are too many.

    ``main.team.model.1: tiny 0.33, coder 0.67``
    """
    named = list(dict.fromkeys(addresses))
    kept = sorted(named, key=lambda address: -_entropy(beliefs.table[address]))[:most]
    lines: list[str] = []
    for address in named:
        if address in kept:
            pairs = zip(beliefs.cells[address].labels, beliefs.table[address], strict=True)
            said = [f"{label} {chance:.2f}" for label, chance in list(pairs)[:_VALUES]]
            lines.append(f"{address}: {', '.join(said)}")
    more = len(named) - len(lines)
    return [*lines, f"(and {more} more)"] if more else lines


def value_text(value: str | float) -> str:
    """A label, or a number without a needless point."""
    return value if isinstance(value, str) else f"{value:g}"


def limited(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and how many there are beyond them."""
    more = len(lines) - most
    return [*lines[:most], f"(and {more} more)"] if more > 0 else list(lines)


def _place(address: str) -> tuple[str, str]:
    """The node that a hole belongs to, and its name there."""
    around, _, name = address.rpartition(".")
    node, _, kind = around.rpartition(".")
    return (f"{node} node {name}", kind) if kind in _MEMBER else (around, name)


def _entropy(chances: Sequence[float]) -> float:
    return -math.fsum(one * math.log(one) for one in chances if one > 0)
