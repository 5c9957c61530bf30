"""A context whose model writes: stop strings and token limits cut what a function says it writes.

One token is one character, each with a log-probability of -0.5 (the first of a text -1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.executors.seeds import sample_seed, stream_seed
from graphdsl.ops.concepts import Concept
from graphdsl.ops.context import Ask, Rated, ScoreAsk, Vectors
from graphdsl.ops.execution import Executed, Execution
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import MemorySpec, ModelSpec
from graphdsl.values import Doc, Draft, Finish, LogprobStats, Usage
from tests.plans import model

WRITER = model("writer")


@dataclass
class Writing:
    """Answers as `says`; keeps what was asked, and how many calls were in flight at most."""

    says: Callable[[Ask], str | Draft]
    asks: list[Ask] = field(default_factory=list[Ask])
    notes: list[str] = field(default_factory=list[str])
    flying: int = 0
    peak: int = 0

    async def sample(self, ask: Ask) -> Draft:
        self.asks.append(ask)
        self.flying += 1
        self.peak = max(self.peak, self.flying)
        await asyncio.sleep(0)
        self.flying -= 1
        said = self.says(ask)
        return said if isinstance(said, Draft) else written(said, ask)

    def note(self, text: str) -> None:
        self.notes.append(text)

    async def score(self, ask: ScoreAsk) -> Rated | None:
        raise AssertionError("a writer scores nothing")

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        raise AssertionError("a writer embeds nothing")

    def chance(self, stream: str = "") -> Random:
        raise AssertionError("a writer draws no random numbers of its own")

    def watch(self, watch: Watch) -> None:
        raise AssertionError("all samples are needed")

    def count(self, asks: Iterable[Ask]) -> None:
        raise AssertionError("all samples are needed")

    def spare(self, total: int) -> None:
        raise AssertionError("all samples are needed")

    def keep(self) -> None:
        raise AssertionError("what is written follows from the samples")

    async def execute(self, work: Execution) -> Executed:
        raise AssertionError("a writer runs no code")

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        raise AssertionError("a writer reads no memory")

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        raise AssertionError("a writer reads no memory")

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        raise AssertionError("a writer keeps nothing")

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        raise AssertionError("a writer keeps nothing")


def written(text: str, ask: Ask) -> Draft:
    """What an engine makes of the text that its model would write: cut, counted, seeded."""
    ends = [at for mark in ask.stop if mark and (at := text.find(mark)) >= 0]
    end = min(ends, default=len(text))
    finish = Finish.STOP_SEQ if ends else Finish.STOP
    if ask.max_tokens is not None and end > ask.max_tokens:
        end, finish = ask.max_tokens, Finish.LENGTH
    cut = text[:end]
    return Draft(
        cut,
        finish=finish,
        usage=Usage(1, len(ask.messages.text), 0, len(cut)),
        model=ask.model.name,
        sample=ask.index,
        seed=sample_seed(stream_seed(0, "here", ask.model.name, ask.stream), ask.index),
        logprobs=LogprobStats(len(cut), -0.5 * (len(cut) + 1), -1.0),
        prompt=ask.messages,
        temperature=ask.temperature,
    )


def begun_text(ask: Ask) -> str:
    """The reply that the ask begins with."""
    last = ask.messages.turns[-1]
    return last.content if last.role == "assistant" else ""
