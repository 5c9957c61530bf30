"""The least that a dataflow executor can do: counters, a task per node, one future."""

from __future__ import annotations

import asyncio

from benchmarks.overhead_parts.contender import Run
from benchmarks.overhead_parts.shapes import Work, dependents_of
from benchmarks.overhead_parts.stub import Stub


def build(work: Work, stub: Stub) -> Run:
    """The graph as lists."""
    after = dependents_of(work.edges)
    needed = [min(len(s), 1) if work.early else len(s) for s in work.edges]

    async def run() -> None:
        await _Executor(work, stub, after, needed.copy()).whole()

    return run


class _Executor:
    def __init__(self, work: Work, stub: Stub, after: list[list[int]], pending: list[int]) -> None:
        self.edges, self.seconds, self.early = work.edges, work.seconds, work.early
        self.stub, self.after, self.pending = stub, after, pending
        self.left = len(pending)
        self.values = [0] * len(pending)
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def whole(self) -> None:
        for index in [at for at, count in enumerate(self.pending) if not count]:
            self.launch(index)
        await self.ended

    def launch(self, index: int) -> None:
        self.tasks[index] = self.loop.create_task(self.node(index))

    async def node(self, index: int) -> None:
        self.values[index] = await self.stub.node(self.seconds[index])
        for following in self.after[index]:
            self.pending[following] -= 1
            if not self.pending[following]:
                if self.early:
                    self.cut(following, index)
                self.launch(following)
        del self.tasks[index]
        self.left -= 1
        if not self.left and not self.ended.done():
            self.ended.set_result(None)

    def cut(self, following: int, first: int) -> None:
        """End the branch that came second."""
        for other in self.edges[following]:
            if other != first and other in self.tasks:
                self.tasks.pop(other).cancel()
                self.left -= 1
