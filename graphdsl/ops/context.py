"""What a kernel may ask of the engine. Kernels never see backends, budgets or tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphdsl.ir.entities import MemorySpec, ModelSpec
from graphdsl.values import Doc, Draft, Messages, Value


@dataclass(frozen=True, slots=True)
class Ask:
    """One sample to draw. `index` counts samples of one model and temperature within the node.

    `stream` tells apart sample streams of one node (for example the second temperature), so that
    two streams never share seeds and a larger number of samples repeats the first ones.
    """

    model: ModelSpec
    messages: Messages
    index: int = 0
    stream: int = 0
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


class Context(Protocol):
    """The engine as one node sees it."""

    async def sample(self, ask: Ask) -> Draft:
        """Draw one sample. Never raises for a model's failure: the draft says what happened.

        The draft has text, finish, usage, seed, model, sample, logprobs and prompt set; `answer`
        is left to the kernel.
        """
        ...

    def note(self, text: str) -> None:
        """Leave a remark on this node in the trace (for example a reply that did not parse)."""
        ...

    def recall(self, memory: MemorySpec, query: str, top: int) -> tuple[Doc, ...]:
        """The best entries of a memory as it was when the run began."""
        ...

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        """Keep a text in a memory once the run has ended well."""
        ...


Args = Mapping[str, Value]
"""Edges and attributes of a node by parameter name; an absent one is None."""

PureKernel = Callable[[Args], Value]
"""A pure operator: no model, no memory, no clock. Runs at once on the event loop."""

ModelKernel = Callable[[Context, Args], Awaitable[Any]]
"""An operator that asks the engine for samples or memory."""
