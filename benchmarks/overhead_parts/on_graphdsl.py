"""Our engine: a plan whose every step is the stub, a model kernel (one task each).

The branches of a diamond are two samples of one `generate` with `enough: 1`, which the engine
draws from two models and cuts like any others.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.overhead_parts.contender import Run
from benchmarks.overhead_parts.shapes import DIAMOND, Edges, Work, dependents_of
from benchmarks.overhead_parts.stub import Stub
from graphdsl.executors.abc import Backend, Capabilities, ChatRequest, Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import Operators
from graphdsl.executors.journal.store import Journal, MemoryJournal
from graphdsl.executors.run_options import RunOptions
from graphdsl.ir.types import UNKNOWN
from graphdsl.ops.context import Context
from graphdsl.ops.generate import generate
from graphdsl.plan import ModelSpec, Plan, Program, Step
from graphdsl.values import Finish, Messages, Usage

_ROOMY: Final = Capabilities(max_in_flight=1_000_000, seeds=True)
_FAST: Final = ModelSpec("fast", "simulated", "")
_SLOW: Final = ModelSpec("slow", "simulated", "", {"seed": 1})


def build(work: Work, stub: Stub) -> Run:
    """Nothing is kept, no trace."""
    options = RunOptions(trace=False, operators=operators(stub))
    return _build(work, stub, lambda: options)


def traced(work: Work, stub: Stub) -> Run:
    """With a trace of every node."""
    options = RunOptions(operators=operators(stub))
    return _build(work, stub, lambda: options)


def in_memory(work: Work, stub: Stub) -> Run:
    """What every node gave is encoded and kept, in memory; a journal for every run."""
    known = operators(stub, keep=True)

    def options() -> RunOptions:
        journal = MemoryJournal().run("0")
        return RunOptions(trace=False, operators=known, journal=journal)

    return _build(work, stub, options)


def durable(work: Work, stub: Stub) -> Run:
    """What every node gave is on the disk before the next begins; a file for all runs of a loop."""
    known, numbers = operators(stub, keep=True), count()
    folder = Path(tempfile.mkdtemp())
    files: dict[asyncio.AbstractEventLoop, Journal] = {}

    def options() -> RunOptions:
        loop = asyncio.get_running_loop()
        if loop not in files:
            for old in files.values():
                old.close()
            files.clear()
            files[loop] = Journal.create(folder / f"{next(numbers)}.journal", {})
        journal = files[loop].run(str(next(numbers)))
        return RunOptions(trace=False, operators=known, journal=journal)

    return _build(work, stub, options)


def _build(work: Work, stub: Stub, options: Callable[[], RunOptions]) -> Run:
    program = racing(work) if work.early else program_of(work.edges, work.seconds)
    backends = serving(work, stub)

    async def run() -> object:
        return await execute(program, {}, backends=backends(), options=options())

    return run


def operators(stub: Stub, *, keep: bool = False) -> Operators:
    """`stub`, whose value a journal may `keep` whole, and the language's `generate`."""

    async def node(context: Context, args: Mapping[str, Any]) -> int:
        if keep:
            context.keep()
        return await stub.node(args["seconds"])

    return Operators({}, {"stub": node, "generate": generate})


class StubModel(Backend):
    """A branch of a diamond as a model: the prompt is the number of the fast branch."""

    def __init__(self, work: Work, stub: Stub, after: int) -> None:
        self._seconds = work.seconds[after:]
        self._stub = stub

    @property
    def capabilities(self) -> Capabilities:
        """Room for every call."""
        return _ROOMY

    async def chat(self, request: ChatRequest) -> Completion:
        """One branch."""
        await self._stub.node(self._seconds[int(request.messages.turns[0].content)])
        return Completion("1", Finish.STOP, Usage(1, 1, 0, 1))

    async def aclose(self) -> None:
        """There is nothing to close."""


def serving(work: Work, stub: Stub) -> Callable[[], Backends]:
    """Gives the models of the running loop, which keeps them for all its runs."""
    models = {spec.name: StubModel(work, stub, at) for at, spec in enumerate((_FAST, _SLOW))}
    known: dict[asyncio.AbstractEventLoop, Backends] = {}

    async def opener(spec: ModelSpec) -> Backend:
        return models[spec.name]

    def backends() -> Backends:
        loop = asyncio.get_running_loop()
        if loop not in known:
            known.clear()
            known[loop] = Backends(opener)
        return known[loop]

    return backends


def program_of(edges: Edges, seconds: list[float]) -> Program:
    """The graph as a program."""
    after = dependents_of(edges)
    return _program(
        tuple(
            _step(index, "stub", sources, tuple(after[index]), {"seconds": seconds[index]})
            for index, sources in enumerate(edges)
        )
    )


def racing(work: Work) -> Program:
    """Diamonds: a source, a `generate` that draws both branches, a step that follows."""
    steps: list[Step] = []
    for first in range(0, len(work.edges), DIAMOND):
        at = len(steps)
        both = {"prompt": Messages.user(str(first + 1)), "models": (_FAST, _SLOW), "enough": 1}
        ends = {"seconds": work.seconds[first]}, both, {"seconds": work.seconds[first + 3]}
        last = first + DIAMOND == len(work.edges)
        for offset, (op, attrs) in enumerate(zip(("stub", "generate", "stub"), ends, strict=True)):
            index = at + offset
            after = () if last and offset == 2 else (index + 1,)
            steps.append(_step(index, op, (index - 1,) if index else (), after, attrs))
    return _program(tuple(steps))


def _step(
    index: int,
    op: str,
    sources: tuple[int, ...],
    after: tuple[int, ...],
    attrs: Mapping[str, Any],
) -> Step:
    inputs = tuple((str(at), source) for at, source in enumerate(sources))
    return Step(index, f"flow.n{index}", op, index, inputs, attrs, (), len(sources), after)


def _program(steps: tuple[Step, ...]) -> Program:
    ready = tuple(step.index for step in steps if not step.pending)
    result = (("return", len(steps) - 1),)
    plan = Plan("flow", (), (), steps, result, len(steps), ready)
    return Program("flow", plan, (), UNKNOWN, {}, {}, {}, "")
