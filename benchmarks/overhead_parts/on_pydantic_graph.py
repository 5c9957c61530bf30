"""pydantic-graph by its `GraphBuilder`: steps, broadcasts, and a join where several are needed."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.overhead_parts.contender import Run
from benchmarks.overhead_parts.shapes import Work, dependents_of, sinks
from benchmarks.overhead_parts.stub import Stub


def build(work: Work, stub: Stub) -> Run:
    """Nodes that need the same several share the join of these."""
    graph = _Builder(work, stub).built()

    async def run() -> object:
        return await graph.run(inputs=0)

    return run


class _Builder:
    def __init__(self, work: Work, stub: Stub) -> None:
        self.api: Any = importlib.import_module("pydantic_graph")
        self.graph = self.api.GraphBuilder(input_type=int, output_type=int)
        self.work = work
        self.steps = [
            self.graph.step(_step(stub, seconds), node_id=f"n{index}")
            for index, seconds in enumerate(work.seconds)
        ]
        self.joins: dict[tuple[int, ...], Any] = {}

    def built(self) -> Any:
        """The graph."""
        edges = self.work.edges
        starts = [self.steps[index] for index, sources in enumerate(edges) if not sources]
        self._broadcast(self.graph.start_node, starts)
        self._join_up()
        for index, after in enumerate(dependents_of(edges)):
            alone = [self.steps[one] for one in after if len(edges[one]) == 1]
            joined = {edges[one] for one in after if len(edges[one]) > 1}
            self._broadcast(self.steps[index], [*alone, *(self.joins[one] for one in joined)])
        self._end(sinks(edges))
        return self.graph.build()

    def _join_up(self) -> None:
        """A join for every set of several, and what follows it."""
        following: dict[tuple[int, ...], list[Any]] = {}
        for index, sources in enumerate(self.work.edges):
            if len(sources) > 1:
                following.setdefault(sources, []).append(self.steps[index])
        for sources, steps in following.items():
            self.joins[sources] = self._join(f"j{sources[0]}-{sources[-1]}")
            self._broadcast(self.joins[sources], steps)

    def _join(self, name: str) -> Any:
        """Closest fork: a diamond's own; the sum of what came, or (early) the first of it."""
        if self.work.early:
            reducer, close = self.api.ReduceFirstValue(), "closest"
        else:
            reducer, close = self.api.reduce_sum, "farthest"
        return self.graph.join(reducer, initial=0, node_id=name, preferred_parent_fork=close)

    def _broadcast(self, source: Any, destinations: list[Any]) -> None:
        if destinations:
            self.graph.add(self.graph.edge_from(source).to(*destinations))

    def _end(self, last: list[int]) -> None:
        if len(last) == 1:
            self.graph.add(self.graph.edge_from(self.steps[last[0]]).to(self.graph.end_node))
            return
        join = self._join("end")
        self.graph.add(self.graph.edge_from(*(self.steps[index] for index in last)).to(join))
        self.graph.add(self.graph.edge_from(join).to(self.graph.end_node))


def _step(stub: Stub, seconds: float) -> Callable[[Any], Awaitable[int]]:
    async def step(_context: Any) -> int:
        return await stub.node(seconds)

    return step
