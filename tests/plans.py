"""Hand-built plans and tiny backends, for tests of the engine that need no compiler.

graph = Graph()
a = graph.const("2")
b = graph.step("join", texts=graph.listed(a, a))
program = graph.program(b)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphdsl.executors.abc import Backend, Capabilities, ChatRequest, Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.ir.types import TEXT, UNKNOWN, Type
from graphdsl.plan import MemorySpec, ModelSpec, Plan, Program, PromptSpec, Step
from graphdsl.values import Draft, Finish, Message, Messages, Usage

Slot = int


@dataclass
class Graph:
    """Builds a plan step by step; names of steps are addresses under `flow`."""

    params: tuple[str, ...] = ()
    captures: tuple[Slot, ...] = ()
    name: str = "flow"
    _steps: list[Step] = field(default_factory=list[Step])
    _constants: dict[Slot, Any] = field(default_factory=dict[Slot, Any])
    _size: int = 0
    _made: dict[Slot, int] = field(default_factory=dict[Slot, int])

    def __post_init__(self) -> None:
        self._size = len(self.params) + len(self.captures)

    def param(self, name: str) -> Slot:
        """The slot of a parameter."""
        return self.params.index(name)

    def capture(self, outer: Slot) -> Slot:
        """The slot of a captured value of the enclosing plan."""
        return len(self.params) + self.captures.index(outer)

    def const(self, value: Any) -> Slot:
        """A slot that holds a literal."""
        slot = self._new()
        self._constants[slot] = value
        return slot

    def step(
        self,
        op: str,
        attrs: Mapping[str, Any] | None = None,
        regions: Mapping[str, Plan] | None = None,
        address: str | None = None,
        **inputs: Slot,
    ) -> Slot:
        """A step and the slot of its value."""
        needed = {*inputs.values()}
        for plan in (regions or {}).values():
            needed |= set(plan.captures)
        slot, index = self._new(), len(self._steps)
        sources = {self._made[s] for s in needed if s in self._made}
        for source in sources:
            before = self._steps[source]
            self._steps[source] = _with_dependent(before, index)
        self._steps.append(
            Step(
                index,
                address or f"{self.name}.{op}{index}",
                op,
                slot,
                tuple(inputs.items()),
                dict(attrs or {}),
                tuple((regions or {}).items()),
                len(sources),
                (),
            )
        )
        self._made[slot] = index
        return slot

    def listed(self, *items: Slot, address: str | None = None) -> Slot:
        """A list of these values."""
        inputs: Any = {str(number): slot for number, slot in enumerate(items)}
        return self.step("list", address=address, **inputs)

    def plan(self, **results: Slot) -> Plan:
        """The finished plan; a result `next_x` is named `next.x`, and `yield_` is `yield`."""
        named = tuple((_result_name(name), slot) for name, slot in results.items())
        ready = tuple(step.index for step in self._steps if not step.pending)
        constants = tuple(self._constants.items())
        return Plan(
            self.name,
            self.params,
            self.captures,
            tuple(self._steps),
            named,
            self._size,
            ready,
            constants,
        )

    def program(
        self,
        result: Slot,
        types: Sequence[Type] = (),
        defaults: Mapping[str, Any] | None = None,
        memories: Sequence[MemorySpec] = (),
    ) -> Program:
        """A program of this plan; parameters are texts unless `types` says otherwise."""
        kinds = tuple(types) or (TEXT,) * len(self.params)
        return Program(
            self.name,
            self.plan(**{"return": result}),
            tuple(zip(self.params, kinds, strict=True)),
            UNKNOWN,
            defaults or {},
            {},
            {memory.name: memory for memory in memories},
            "hash",
        )

    def _new(self) -> Slot:
        self._size += 1
        return self._size - 1


def _with_dependent(step: Step, index: int) -> Step:
    return Step(
        step.index,
        step.address,
        step.op,
        step.slot,
        step.inputs,
        step.attrs,
        step.regions,
        step.pending,
        (*step.dependents, index),
    )


def _result_name(name: str) -> str:
    if name.startswith("next_"):
        return "next." + name.removeprefix("next_")
    return name.rstrip("_")


Answers = Callable[[ChatRequest], "Completion | str | Exception | Awaitable[Completion | str]"]
"""What a fake model says: a completion, a text, an error to raise, or an awaitable of these."""


class Fake(Backend):
    """A backend whose replies are a function of the request; it remembers what it was asked."""

    def __init__(
        self, reply: Answers | Completion | str, slots: int = 1000, **capabilities: Any
    ) -> None:
        self._reply = reply
        self.asked: list[ChatRequest] = []
        self.running = 0
        self.most = 0
        self.cancelled = 0
        self.closed = 0
        able: dict[str, Any] = {"seeds": True, "metered": True, **capabilities}
        self._capabilities = Capabilities(max_in_flight=slots, **able)

    @property
    def capabilities(self) -> Capabilities:
        """Those it was made with."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """The reply, after whatever its function awaits."""
        self.asked.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            reply = self._reply(request) if callable(self._reply) else self._reply
            if isinstance(reply, Awaitable):
                reply = await reply
            if isinstance(reply, Exception):
                raise reply
            return said(reply) if isinstance(reply, str) else reply
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        """Count how often it was closed."""
        self.closed += 1


def said(text: str, tokens: int = 5, finish: Finish = Finish.STOP, prompt: int = 7) -> Completion:
    """A completion of that text."""
    return Completion(text, finish, Usage(1, prompt, 0, tokens))


def model(name: str = "m", **options: Any) -> ModelSpec:
    """A model of that name; its backend is whatever `serving` maps the name to."""
    return ModelSpec(name, "simulated", name, options)


def serving(**fakes: Backend) -> Backends:
    """Backends by model name; `_` serves every other name."""

    async def opener(spec: ModelSpec) -> Backend:
        return fakes[spec.name] if spec.name in fakes else fakes["_"]

    return Backends(opener)


def prompt(template: str, *params: str) -> PromptSpec:
    """A prompt of one user turn."""
    return PromptSpec("test", params, (("user", template),))


def draft(text: str, **known: Any) -> Draft:
    """A complete draft of that text."""
    return Draft(text, **known)


def question(text: str = "What?") -> Messages:
    """A prompt of one user turn, rendered."""
    return Messages((Message("user", text),))
