"""Haystack: a component per node, a variadic input where several are needed, `run_async`."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from benchmarks.overhead_parts.contender import CannotExpress, Run
from benchmarks.overhead_parts.shapes import Work
from benchmarks.overhead_parts.stub import Stub

_WIDE = 10**6
"""Components that may run at the same time: the stub limits nothing."""


def build(work: Work, stub: Stub) -> Run:
    """The pipeline; its inputs are those of the nodes that need nothing."""
    if work.early:
        raise CannotExpress("a component that is not needed any more cannot be cancelled")
    api: Any = importlib.import_module("haystack")
    one, many = _components(api)
    pipeline = api.Pipeline()
    for index, sources in enumerate(work.edges):
        kind = many if len(sources) > 1 else one
        pipeline.add_component(f"n{index}", kind(stub, work.seconds[index]))
        for source in sources:
            pipeline.connect(f"n{source}.value", f"n{index}.value")
    pipeline.warm_up()
    data = {f"n{index}": {"value": 0} for index, sources in enumerate(work.edges) if not sources}

    async def run() -> object:
        return await pipeline.run_async(data, concurrency_limit=_WIDE)

    return run


def _components(api: Any) -> tuple[Any, Any]:
    """Classes for nodes with one input, and with several."""
    variadic = importlib.import_module("haystack.core.component.types").Variadic[int]

    class One:
        """A node that needs one value."""

        def __init__(self, stub: Stub, seconds: float) -> None:
            self.stub, self.seconds = stub, seconds

        @api.component.output_types(value=int)
        def run(self, value: int) -> dict[str, int]:
            """Without a loop."""
            return {"value": asyncio.run(self.stub.node(self.seconds))}

        @api.component.output_types(value=int)
        async def run_async(self, value: int) -> dict[str, int]:
            """Within a loop, which is what is measured."""
            return {"value": await self.stub.node(self.seconds)}

    class Many(One):
        """A node that needs several."""

        @api.component.output_types(value=int)
        def run(self, value: int) -> dict[str, int]:
            """Without a loop."""
            return {"value": asyncio.run(self.stub.node(self.seconds))}

        @api.component.output_types(value=int)
        async def run_async(self, value: int) -> dict[str, int]:
            """Within a loop, which is what is measured."""
            return {"value": await self.stub.node(self.seconds)}

    for kind, taken in ((One, int), (Many, variadic)):
        for method in (kind.run, kind.run_async):
            method.__annotations__["value"] = taken  # a text would not be understood
    return api.component(One), api.component(Many)
