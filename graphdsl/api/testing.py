"""The `test` blocks of a program."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphdsl.api.flow import Flow
from graphdsl.api.literals import constant, evaluate
from graphdsl.api.module import Module
from graphdsl.api.runtime import runtime
from graphdsl.diagnostics import Span
from graphdsl.ir.backends import BACKENDS
from graphdsl.ir.entities import ModelSpec
from graphdsl.syntax import tree

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.executors.backend_pool import Backends
    from graphdsl.executors.result import Result
    from graphdsl.ir.nodes import Graph
    from graphdsl.plan import Program


@dataclass(frozen=True, slots=True)
class Case:
    """One test: a flow, its inputs, and what must hold of the result.

    `replies` make every model answer from that list, by sample index; None runs the real models.
    """

    title: str
    span: Span
    flow: Flow
    given: Mapping[str, Any]
    expect: tree.Expr
    replies: tuple[str, ...] | None

    def start(self, seed: int = 0) -> Future[Result]:
        """Run the flow in the background, with empty memories of its own.

        Raises `InputError` for inputs that do not fit.
        """
        program = self.flow.changed(self._apart).fits(self.given)
        return runtime().submit(lambda backends: self._run(program, backends, seed))

    async def _run(self, program: Program, backends: Backends, seed: int) -> Result:
        from graphdsl.executors.engine import execute
        from graphdsl.executors.memory import Stores
        from graphdsl.executors.run_options import RunOptions

        with closing(Stores()) as stores:
            options = RunOptions(seed=seed, stores=stores, scripted=self.replies is not None)
            return await execute(program, self.given, backends=backends, options=options)

    def _apart(self, graph: Graph) -> Graph:
        """The graph without files behind its memories, and with scripted models if there are."""
        memories = tuple(replace(spec, store=None, options={}) for spec in graph.memories)
        if self.replies is None:
            return replace(graph, memories=memories)
        models = tuple(_scripted(spec, self.replies) for spec in graph.models)
        return replace(graph, memories=memories, models=models)

    def holds(self, result: Result) -> bool:
        """Whether the expectation is true of a result."""
        names = {
            "answer": result.output,
            "calls": result.usage.calls,
            "tokens": result.usage.prompt_tokens + result.usage.completion_tokens,
            "seconds": result.seconds,
        }
        return evaluate(self.expect, names) is True


def cases(module: Module) -> list[Case]:
    """The tests of a program, in the order of its file."""
    items = module.program.file.items
    return [_case(module, item) for item in items if isinstance(item, tree.Test)]


def _case(module: Module, item: tree.Test) -> Case:
    entries = {entry.key.text: entry.value for entry in item.entries}
    given: dict[str, Any] = constant(entries["given"]) if "given" in entries else {}
    replies = tuple(constant(entries["replies"])) if "replies" in entries else None
    flow = module.flow(str(entries["flow"]))
    return Case(item.title.value, item.span, flow, given, entries["expect"], replies)


def _scripted(spec: ModelSpec, replies: tuple[str, ...]) -> ModelSpec:
    kind = BACKENDS["simulated"]
    kept = {option.name: spec.setting(option.name) for option in kind.options}
    known = {name: value for name, value in kept.items() if value is not None}
    options = {**known, "replies": replies, "context": 10_000_000, "latency": 0, "failures": 0}
    return ModelSpec(spec.name, "simulated", "", options)
