"""A flow of a loaded program: what it takes, what it would do, and running it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdsl.api.caches import Caching
from graphdsl.api.inputs import check_values
from graphdsl.api.lending import Journalling, Loan, Recording, beside
from graphdsl.api.memories import Memories
from graphdsl.api.reading import json_problem, read_input
from graphdsl.diagnostics import Diagnostic, Span
from graphdsl.errors import CompileError, InputError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.compiler.cost import Cost
    from graphdsl.compiler.program import Module as Checked
    from graphdsl.executors.result import Result
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.executors.session import Session
    from graphdsl.ir.nodes import Graph, Input
    from graphdsl.plan import Budget, Program

Assignment = Mapping[str, "str | float"]
"""Values of holes by address: a label, or a number."""

Change = Callable[["Graph"], "Graph"]


@dataclass(frozen=True, eq=False)
class Flow:
    """A flow with the values of its holes. Immutable, and safe to run from many tasks at once.

    Compiling happens once, at first use, and is kept. Two flows are equal when they are the same
    object; compare `graph_hash` of their plans to know whether they do the same.
    """

    module: Checked = field(repr=False)
    name: str
    assignment: Assignment = field(default_factory=dict[str, "str | float"])
    changes: tuple[Change, ...] = ()
    memories: Memories = field(default_factory=Memories, repr=False, compare=False)

    def with_(self, pins: Assignment | str | os.PathLike[str]) -> Flow:
        """The same flow with some holes set: a mapping, or the path of a JSON file of one.

        Raises `InputError` when the file holds no such mapping, `CompileError` when a hole or
        value does not exist.
        """
        if isinstance(pins, Mapping):
            return replace(self, assignment={**self.assignment, **pins})._compiled()
        path = Path(pins)
        try:
            return self.with_(_read_pins(path))
        except CompileError as error:
            raise CompileError([_at(path, one) for one in error.diagnostics]) from None

    def with_models(self, models: Mapping[str, str]) -> Flow:
        """The same flow with other models behind declared names.

        Values are catalogue names or paths of GGUF files, `simulated` for a model of a model, or
        `BACKEND:NAME,key=value,…`, such as `vllm:smollm2,base_url=http://127.0.0.1:8000/v1`.
        Raises `InputError` for a name that the flow does not use, a text that is wrong, and a
        model that lacks what the flow asks of it.
        """
        from graphdsl.api.models import overridden

        return self.changed(lambda graph: overridden(graph, models))._compiled()

    def changed(self, change: Change) -> Flow:
        """The same flow after a change of its open graph (which must stay valid)."""
        return replace(self, changes=(*self.changes, change))

    @cached_property
    def open_graph(self) -> Graph:
        """The flow as a graph, with its holes."""
        from graphdsl.compiler.lower import lower

        try:
            lowered = lower(self.module, self.name)
        except CompileError as error:
            source = self.module.source
            raise CompileError(error.diagnostics, {source.name: source}) from None
        return reduce(lambda graph, change: change(graph), self.changes, lowered)

    @cached_property
    def graph(self) -> Graph:
        """The graph that runs: every hole at its pinned value, else at its default."""
        from graphdsl.compiler.specialise import specialise

        return specialise(self.open_graph, dict(self.assignment))

    def _compiled(self) -> Flow:
        """Itself, once it is known to compile: a wrong pin is reported where it is set."""
        _ = self.graph
        return self

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The run-time parameters."""
        return self.open_graph.inputs

    @property
    def signature(self) -> str:
        """How it is called, for messages."""
        params = ", ".join(map(_param, self.inputs))
        return f"{self.name}({params}) -> {self.open_graph.result}"

    def plan(self) -> Program:
        """The plan that runs, after every pass."""
        return self._program

    def cost(self, prompt_tokens: int | None = None) -> Cost:
        """Bounds on what one run can cost: calls and tokens.

        With `prompt_tokens`, the length of the longest prompt, prices are looked up, and money
        and operations are bounded too.
        """
        from graphdsl.compiler.cost import cost

        return cost(self._program, prompt_tokens=prompt_tokens)

    @cached_property
    def _program(self) -> Program:
        from graphdsl.compiler.pipeline import optimise
        from graphdsl.compiler.planner import plan

        return plan(optimise(self.graph))

    # ---- running

    async def run(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        budget: Budget | None = None,
        seed: int = 0,
        content: bool = False,
        record: Recording | None = None,
        cache: Caching | None = None,
        journal: Journalling | None = None,
        session: Session | None = None,
        split: str | None = None,
        sandbox: str | None = None,
        **named: Any,
    ) -> Result:
        """Run once, from any event loop. Cancelling the task stops the run and its generations.

        Inputs go by name; a mapping may be given as well, for parameters that are called like an
        option. `content` keeps prompts and replies in the trace. The same seed gives the same
        samples on backends that have seeds. A budget that runs out, of the run or of the `session`
        that it belongs to, gives a partial result whose `status` says so.

        `record` is a bank that every completion goes into: a path, or a `Recorder` for many runs.
        `cache` keeps answers for later runs: True for the user's own, a path, or a `Cache`.
        `journal` makes the run resumable: run it again with the same path, and it goes on where it
        ended. `split` names the part of the data that the inputs belong to, for memories that must
        not learn from all of it. `sandbox` is the kind that runs code which models wrote, by
        default the strongest that works here.

        Raises `InputError` for inputs that do not fit and a file that is not what it should be,
        `BackendError` when a model cannot be opened or a file cannot be written, `OperatorError`
        for a defect.
        """
        import asyncio

        given = _given(inputs, named)
        options = self._options(budget, seed, content, session, split, sandbox)
        async with beside(Loan(record, cache, journal), options) as opened:
            return await asyncio.wrap_future(self.start(given, opened))

    def run_sync(
        self,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        budget: Budget | None = None,
        seed: int = 0,
        content: bool = False,
        record: Recording | None = None,
        cache: Caching | None = None,
        journal: Journalling | None = None,
        session: Session | None = None,
        split: str | None = None,
        sandbox: str | None = None,
        **named: Any,
    ) -> Result:
        """Run once and wait; works inside and outside of an event loop (which it then blocks).

        Ctrl-C stops the run. Otherwise like `run`.
        """
        from graphdsl.api.runtime import runtime

        if runtime().here:
            raise RuntimeError("run_sync cannot be called from inside a run; use `await run(…)`")
        given = _given(inputs, named)
        options = self._options(budget, seed, content, session, split, sandbox)
        with Loan(record, cache, journal).opened(options) as opened:
            future = self.start(given, opened)
            try:
                return future.result()
            except BaseException:
                future.cancel()
                raise

    def _options(
        self,
        budget: Budget | None,
        seed: int,
        content: bool,
        session: Session | None,
        split: str | None,
        sandbox: str | None,
    ) -> RunOptions:
        from graphdsl.executors.run_options import RunOptions
        from graphdsl.executors.session import Session
        from graphdsl.plan import Budget

        if budget is not None and not isinstance(budget, Budget):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("`budget` must be a `graphdsl.Budget`, such as `Budget(calls=16)`")
        if isinstance(seed, bool) or not isinstance(seed, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("`seed` must be a whole number")
        if session is not None and not isinstance(session, Session):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("`session` must be a `graphdsl.Session`")
        if split is not None and not isinstance(split, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("`split` must be the name of a part of the data")
        if sandbox is not None:
            from graphdsl.executors.sandbox.chosen import sandbox as known

            known(sandbox)
        return RunOptions(
            budget=budget or Budget(),
            seed=seed,
            content=content,
            session=session,
            split=split,
            sandbox=sandbox,
        )

    def start(self, inputs: Mapping[str, Any], options: RunOptions | None = None) -> Future[Result]:
        """Start a run in the background; cancelling the future stops it. Errors as in `run`.

        What the options lend (recorder, journal, cache) is the caller's to close, after the run.
        """
        from graphdsl.api.runtime import runtime
        from graphdsl.executors.engine import execute
        from graphdsl.executors.run_options import RunOptions
        from graphdsl.executors.traces.telemetry import observed

        options = options or RunOptions()
        recorder = options.recorder
        if recorder is not None and recorder.closed:
            raise InputError(f"the recorder of `{recorder.path}` is closed; open another one")
        program = self.fits(inputs)
        stores = options.stores or self.memories.stores()
        options = replace(options, stores=stores, observe=observed(options.observe))
        return runtime().submit(
            lambda backends: execute(program, inputs, backends=backends, options=options)
        )

    def fits(self, inputs: Mapping[str, Any]) -> Program:
        """The program, once the inputs are known to fit it. Raises `InputError`."""
        from graphdsl.executors.inputs import bind_inputs

        self._refuse_fixed(inputs)
        try:
            check_values(inputs)
            bind_inputs(self._program, inputs)
        except InputError as error:
            raise InputError(f"{error} ({self.signature})") from None
        return self._program

    def _refuse_fixed(self, inputs: Mapping[str, Any]) -> None:
        """A parameter that decides how the graph is built is no input of a run."""
        declared = {param.name.text for param in self.module.flows[self.name].params}
        runtime = {param.name for param in self.inputs}
        for name in inputs:
            if name in declared - runtime:
                raise InputError(f"`{name}` is fixed at compile time; {self._instead(name)}")

    def _instead(self, name: str) -> str:
        address = f"{self.name}.{name}"
        if any(hole.address == address for hole in self.open_graph.holes):
            return f'set its hole with pins: {{"{address}": …}} (`--with`, `Flow.with_`)'
        return "write its value in the program, or give it a hole there (`in …`)"


def _given(inputs: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a run, as a mapping and by name. Raises `InputError` for another shape."""
    if inputs is not None and not isinstance(inputs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError("inputs go by name, such as `run(question=…)`, or as a mapping of names")
    for name in inputs or ():
        if name in named:
            raise InputError(f"the input `{name}` is given twice")
    return {**(inputs or {}), **named}


def _at(path: Path, diagnostic: Diagnostic) -> Diagnostic:
    """A diagnostic about pins that names their file."""
    label = replace(diagnostic.primary, span=Span(str(path), 0, 0))
    return replace(diagnostic, primary=label)


def _param(param: Input) -> str:
    """`n: Number = 5`, or `hints: Docs` where it has to be given."""
    if param.required or param.default is None:
        return f"{param.name}: {param.type}"
    default = json.dumps(param.default, ensure_ascii=False)
    return f"{param.name}: {param.type} = {default}"


def _read_pins(path: Path) -> Assignment:
    """A JSON object of hole addresses to labels and numbers."""
    data = read_input(path, "a JSON file of pins")
    try:
        found: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"`{path}` is not JSON: {json_problem(error)}") from error
    if not isinstance(found, dict):
        raise InputError(f"`{path}` must hold an object: hole addresses and their values")
    pins: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]
    for address, value in pins.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(f"`{path}`: the value of `{address}` must be a label or a number")
    return pins
