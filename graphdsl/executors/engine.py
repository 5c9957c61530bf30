"""Runs a program: inputs in, `Result` out; `graphdsl.executors.run` does the work."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.frame import STANDARD, Code, Operators
from graphdsl.executors.inputs import bind_inputs
from graphdsl.executors.memory import Recollection, Stores
from graphdsl.executors.result import Result, status_of
from graphdsl.executors.run import Run
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Trace
from graphdsl.plan import Budget, Program
from graphdsl.values import as_text

if TYPE_CHECKING:
    from graphdsl.executors.recording import Recorder

_PROGRAMS: Final = 64
"""Programs whose steps stay resolved between runs."""


async def execute(
    program: Program,
    inputs: Mapping[str, Any],
    *,
    backends: Backends,
    seed: int = 0,
    budget: Budget = Budget(),  # noqa: B008 (immutable)
    trace: bool = True,
    content: bool = False,
    stores: Stores | None = None,
    operators: Operators = STANDARD,
    observe: Callable[[Trace], None] | None = None,
    item: str | None = None,
    recorder: Recorder | None = None,
) -> Result:
    """Run a program once.

    `item` names the data item that the run is about, for recorded banks; `recorder` is told every
    completion. `content` keeps prompts and replies in the trace; `observe` gets the trace of a run
    that ended badly too. `stores` are the memories of the loaded program; without them a memory
    that has no file is empty. Memories are written only by a run whose status is `ok`. Cancelling
    the call cancels every sample in flight and returns when they have ended.

    Raises `InputError` for inputs that do not fit and memories that cannot be used,
    `OperatorError` (with the node's address) when an operator breaks, `BackendError` when a model
    cannot be opened or a memory cannot be written. A sample that fails is a value, and raises
    nothing.
    """
    values = bind_inputs(program, inputs)
    code = _resolved(program, operators)
    record = _new_trace(program, inputs, seed) if trace or observe else None
    start = time.perf_counter()
    async with Recollection(program.memories, stores) as memory:
        sampler = Sampler(
            backends,
            seed,
            asyncio.get_running_loop(),
            content=content,
            item=item,
            recorder=recorder,
        )
        run = Run(sampler, memory, budget, record)
        with _traced(record, run, observe):
            output = await run.whole(code, values)
            exhausted = run.scope.exhausted
            status = status_of(output, exhausted)
            if status == "ok" and run.sampler.fruitless:
                status = "failed"
            if status == "ok":
                await memory.commit()
            if record is not None:
                record.status, record.value = status, as_text(output)
    seconds = time.perf_counter() - start
    run_id = record.run_id if record is not None else new_run_id()
    return Result(output, status, run.usage, seconds, run_id, record, exhausted=exhausted)


@contextmanager
def _traced(
    trace: Trace | None, run: Run, observe: Callable[[Trace], None] | None
) -> Generator[None, None, None]:
    """Complete the trace however the run ends, and show it to the observer."""
    if trace is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        cancelled = isinstance(error, asyncio.CancelledError)
        trace.status = "cancelled" if cancelled else "failed"
        trace.error = str(error) or type(error).__name__
        raise
    finally:
        trace.seconds, trace.usage = run.sampler.now(), run.usage
        if observe is not None:
            observe(trace)


def new_run_id() -> str:
    """A new id that sorts by time: `20260131-235959-1f2e3d`."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def _new_trace(program: Program, inputs: Mapping[str, Any], seed: int) -> Trace:
    shown = {name: as_text(value) for name, value in inputs.items()}
    return Trace(new_run_id(), program.flow, program.graph_hash, time.time(), seed, shown)


_resolved_programs: dict[int, tuple[Program, Operators, Code]] = {}


def _resolved(program: Program, operators: Operators) -> Code:
    """The program's plan with its kernels; kept for programs that ran lately, by identity."""
    known = _resolved_programs.get(id(program))
    if known is not None and known[0] is program and known[1] is operators:
        return known[2]
    code = Code(program.plan, operators)
    if len(_resolved_programs) >= _PROGRAMS:
        _resolved_programs.clear()
    _resolved_programs[id(program)] = program, operators, code
    return code
