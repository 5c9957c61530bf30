"""The graphs that every contender runs, and how long no executor could be faster than.

A graph is a list: for every node the nodes that it needs. What a node does is the same everywhere:
it waits for its latency and gives a number.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

Edges = list[tuple[int, ...]]
"""For every node the nodes that it needs, all of them earlier in the list."""

FAN: Final = 100
LAYER: Final = 10
DIAMOND: Final = 4
SLOW: Final = 10
"""How many times longer the slow branch of a diamond takes."""

TAIL_MEDIAN: Final = 0.01
TAIL_SIGMA: Final = 1.0
"""The heavy tail: log-normal with this median in seconds; one in a thousand takes 22 times that."""


def chain(nodes: int) -> Edges:
    """S1: each node needs the one before."""
    return [(index - 1,) if index else () for index in range(nodes)]


def fan(nodes: int) -> Edges:
    """S2: one node, up to 100 that need it, one that needs those, and so on."""
    edges: Edges = [()]
    while len(edges) + 2 < nodes:
        source = len(edges) - 1
        width = min(FAN, nodes - len(edges) - 1)
        edges += [(source,)] * width
        edges.append(tuple(range(len(edges) - width, len(edges))))
    return edges


def layers(nodes: int) -> Edges:
    """S3: layers of ten; every node needs the whole layer before."""
    return [
        tuple(range(index // LAYER * LAYER - LAYER, index // LAYER * LAYER))
        if index >= LAYER
        else ()
        for index in range(nodes // LAYER * LAYER)
    ]


def tree(nodes: int) -> Edges:
    """S4: a tournament: players, then matches of two winners each, down to one."""
    players = 2 ** max(1, round(math.log2((nodes + 1) / 2)))
    edges: Edges = [()] * players
    level = list(range(players))
    while len(level) > 1:
        first = len(edges)
        edges += zip(level[::2], level[1::2], strict=True)
        level = list(range(first, len(edges)))
    return edges


def diamonds(nodes: int) -> Edges:
    """S5: a source, a fast and a slow branch, and a node that needs only the first of both."""
    edges: Edges = []
    for first in range(0, max(DIAMOND, nodes // DIAMOND * DIAMOND), DIAMOND):
        edges += [(first - 1,) if first else (), (first,), (first,), (first + 1, first + 2)]
    return edges


def wide(nodes: int) -> Edges:
    """One node, all others that need it, and one that needs those: all of them live at once."""
    return [(), *[(0,)] * (nodes - 2), tuple(range(1, nodes - 1))]


SHAPES: Final[dict[str, Callable[[int], Edges]]] = {
    "chain": chain,
    "fan": fan,
    "layers": layers,
    "tree": tree,
    "diamonds": diamonds,
}
"""By name; each makes a graph of about so many nodes."""

LATENCIES: Final = ("0", "10ms", "100ms", "tail")


@dataclass(frozen=True)
class Work:
    """What is measured: a graph with latencies, and how many runs of it start at once."""

    shape: str
    nodes: int
    latency: str = "0"
    runs: int = 1

    @cached_property
    def edges(self) -> Edges:
        """The graph."""
        return wide(self.nodes) if self.shape == "wide" else SHAPES[self.shape](self.nodes)

    @property
    def early(self) -> bool:
        """Whether a node that needs two goes on with the first of both."""
        return self.shape == "diamonds"

    @cached_property
    def seconds(self) -> list[float]:
        """How long every node takes; the same in every process."""
        count = len(self.edges)
        if self.latency == "tail":
            draws = random.Random(7)
            found = [draws.lognormvariate(math.log(TAIL_MEDIAN), TAIL_SIGMA) for _ in range(count)]
        else:
            found = [int(self.latency.removesuffix("ms")) / 1000] * count
        if self.early:
            found[2::DIAMOND] = [SLOW * fast for fast in found[1::DIAMOND]]
        return found

    @cached_property
    def critical_path(self) -> float:
        """Seconds below which nobody can be."""
        ends: list[float] = []
        for sources, seconds in zip(self.edges, self.seconds, strict=True):
            before = [ends[source] for source in sources] or [0.0]
            ends.append((min(before) if self.early else max(before)) + seconds)
        return max(ends[-1:]) if self.early else max(ends)


def dependents_of(edges: Edges) -> list[list[int]]:
    """For every node the nodes that need it."""
    found: list[list[int]] = [[] for _ in edges]
    for index, sources in enumerate(edges):
        for source in sources:
            found[source].append(index)
    return found


def sinks(edges: Edges) -> list[int]:
    """The nodes that nobody needs."""
    return [index for index, after in enumerate(dependents_of(edges)) if not after]
