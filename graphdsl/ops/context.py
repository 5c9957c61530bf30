"""What a kernel may ask of the engine. Kernels never see backends, budgets or tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from graphdsl.ir.entities import MemorySpec, ModelSpec
from graphdsl.ops.concepts import Concept
from graphdsl.ops.execution import Executed, Execution
from graphdsl.values import Doc, Draft, LogprobStats, Messages, Value

if TYPE_CHECKING:
    from graphdsl.ops.quorum_watch import Watch


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


@dataclass(frozen=True, slots=True)
class ScoreAsk:
    """Texts to score as replies to `messages`, in one call.

    `label`: the probability in [0, 1] that the reply begins with each of the short texts, among
    them. `text`: the log-probability of each whole text as the reply. `relevance`: what a reward
    model or reranker says, on its own scale.
    """

    model: ModelSpec
    messages: Messages
    texts: tuple[str, ...]
    kind: Literal["label", "text", "relevance"] = "label"


@dataclass(frozen=True, slots=True)
class Rated:
    """One value per text, in order; higher is better. `logprobs` only for the kind `text`."""

    values: tuple[float, ...]
    logprobs: tuple[LogprobStats, ...] = ()


Vectors = Sequence[Sequence[float]]
"""One vector per text, in order, all of one length."""

NOT_NEEDED: Final = "not needed"
"""The message with which a sample is cancelled that cannot change the outcome any more:
`task.cancel(NOT_NEEDED)`. The engine refunds it and does not call the run exhausted."""


class Context(Protocol):
    """The engine as one node sees it."""

    async def sample(self, ask: Ask) -> Draft:
        """Draw one sample. Never raises for a model's failure: the draft says what happened.

        The draft has text, finish, usage, seed, model, sample, logprobs and prompt set; `answer`
        is left to the kernel.
        """
        ...

    async def score(self, ask: ScoreAsk) -> Rated | None:
        """Score texts; None where the model failed or the budget refused it, which the trace says.

        A journal keeps the value of a node that scores whole, since nothing replays scores.
        """
        ...

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        """A vector for each text; None where the model failed or the budget refused it.

        A journal keeps the value of a node that embeds whole.
        """
        ...

    def chance(self, stream: str = "") -> Random:
        """Random numbers of this node: they follow from the run's seed, the node's address and
        `stream` alone, and begin anew whenever they are asked for."""
        ...

    async def execute(self, work: Execution) -> Executed:
        """Run code in the run's sandbox. What the code does is a result, never an exception.

        Raises `SandboxError` when there is no sandbox that works.
        """
        ...

    def note(self, text: str) -> None:
        """Leave a remark on this node in the trace (for example a reply that did not parse)."""
        ...

    def watch(self, watch: Watch) -> None:
        """Say that the samples to come are needed until that watch is over.

        What the budget refuses of them counts only where `count` says so.
        """
        ...

    def count(self, asks: Iterable[Ask]) -> None:
        """Say that these samples, of those that are watched, have had a part in the outcome."""
        ...

    def spare(self, total: int) -> None:
        """Note that of `total` samples those that have not begun were not needed, if that is why
        they have not. Those that had begun are counted anyway."""
        ...

    def keep(self) -> None:
        """Say that this node's value cannot be computed again from its samples: it depends on
        the order of their arrival, or on something outside. A journal then keeps it whole."""
        ...

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        """The best entries of a memory as it was when the run began. `method` is one of
        `graphdsl.ops.registry.METHODS`."""
        ...

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        """The concepts of a memory as it was when the run began, by name; of more than `most`
        those that fit the query best."""
        ...

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        """Keep a text in a memory once the run has ended well."""
        ...

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        """Merge concepts into those of a memory once the run has ended well."""
        ...


Args = Mapping[str, Value]
"""Edges and attributes of a node by parameter name; an absent one is None."""

PureKernel = Callable[[Args], Value]
"""A pure operator: no model, no memory, no clock. Runs at once on the event loop."""

ModelKernel = Callable[[Context, Args], Awaitable[Any]]
"""An operator that asks the engine for samples or memory."""
