"""Runs a program: inputs in, `Result` out; `graphdsl.executors.run` does the work."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.frame import Code, Operators
from graphdsl.executors.inputs import bind_inputs
from graphdsl.executors.ledger import Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.memory.origin import Origin, origin_of
from graphdsl.executors.result import Result, status_of
from graphdsl.executors.run import Run
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Trace
from graphdsl.plan import ModelSpec, Program
from graphdsl.values import Value, as_text

if TYPE_CHECKING:
    from graphdsl.executors.journal.run_journal import RunJournal

_DEFAULT: Final = RunOptions()

_PROGRAMS: Final = 64
"""Programs whose steps stay resolved between runs."""


async def execute(
    program: Program,
    inputs: Mapping[str, Any],
    *,
    backends: Backends,
    options: RunOptions = _DEFAULT,
) -> Result:
    """Run a program once, as soon as it may begin: `Backends.gate` says when that is.

    Its seconds, those of a budget too, count from there. Memories are written only by a run whose
    status is `ok`. Cancelling the call cancels every sample in flight and returns when they have
    ended. A run with a journal that holds an earlier life of it goes on from there.

    Raises `InputError` for inputs that do not fit, memories that cannot be used and a journal of
    another run, `OperatorError` (with the node's address) when an operator breaks, `BackendError`
    when a model cannot be opened, or a memory or journal cannot be written. A sample that fails
    is a value, and raises nothing.
    """
    values = bind_inputs(program, inputs)
    async with backends.gate.run(program.models.values()):
        return await _executed(program, inputs, values, backends, options)


async def _executed(
    program: Program,
    inputs: Mapping[str, Any],
    values: list[Value],
    backends: Backends,
    options: RunOptions,
) -> Result:
    code = _resolved(program, options.operators)
    record = _new_trace(program, inputs, options)
    run_id = options.run_id or (new_run_id() if record is None else record.run_id)
    loop, start, journal = asyncio.get_running_loop(), time.perf_counter(), options.journal
    outer = None if options.session is None else options.session.scope
    scope = Scope(options.budget, outer, loop.time())
    origin = _origin(program, inputs, options, run_id)
    async with Recollection(program.memories, options.stores, origin) as memory:
        sampler = Sampler(backends, loop, options, scope)
        if journal is not None:
            await journal.begin(program.graph_hash, inputs, options.seed, options.split)
            sampler.resume(journal)
        run = Run(sampler, memory, scope, record)
        with _left(journal), _traced(record, run, options.observe):
            output = await run.whole(code, values)
            status = status_of(output, scope.exhausted)
            if status == "ok" and sampler.fruitless:
                status = "failed"
            if status == "ok":
                await memory.commit(None if journal is None else journal.token)
            if journal is not None:
                await journal.end(status, sampler.usage)
            result = Result(
                output,
                status,
                sampler.usage,
                time.perf_counter() - start,
                run_id,
                record,
                scope.exhausted,
                sampler.doubtful,
                sampler.saved,
            )
            if record is not None:  # complete before it is shown, with the reason for a failure
                record.status, record.value, record.error = status, as_text(output), result.error
    return result


def _origin(
    program: Program, inputs: Mapping[str, Any], options: RunOptions, run_id: str
) -> Origin | None:
    """Where the run comes from, as far as a memory of it must know."""
    if not program.memories:
        return None
    return origin_of(inputs, split=options.split, item=options.item, run=run_id)


@contextmanager
def _left(journal: RunJournal | None) -> Generator[None, None, None]:
    """Tell the journal that the run needs it no more, however it ends; who closes it waits."""
    try:
        yield
    finally:
        if journal is not None:
            journal.leave()


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
        trace.error = str(error) or ("interrupted" if cancelled else type(error).__name__)
        raise
    finally:
        trace.seconds, trace.usage = run.sampler.now(), run.usage
        if observe is not None:
            observe(trace)


def new_run_id() -> str:
    """A new id that sorts by time: `20260131-235959-1f2e3d`."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def _new_trace(program: Program, inputs: Mapping[str, Any], options: RunOptions) -> Trace | None:
    if not (options.trace or options.observe):
        return None
    shown = {name: as_text(value) for name, value in inputs.items()}
    run_id, now = options.run_id or new_run_id(), time.time()
    trace = Trace(run_id, program.flow, program.graph_hash, now, options.seed, shown)
    trace.models = dict(_behind(program.models.values()))
    return trace


def _behind(models: Iterable[ModelSpec]) -> Iterator[tuple[str, str]]:
    """What is behind each name of a model, and behind those that it stands for."""
    for spec in models:
        yield spec.name, f"{spec.backend}:{spec.model}"
        yield from _behind((*spec.members, *spec.others))


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
