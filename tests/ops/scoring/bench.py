"""A context for scorers: replies and scores come from functions, everything asked is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from graphdsl.ops.concepts import Concept
from graphdsl.ops.context import Ask, Rated, ScoreAsk, Vectors
from graphdsl.ops.execution import Executed, Execution
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import MemorySpec, ModelSpec, PromptSpec
from graphdsl.values import Doc, Draft, Finish, LogprobStats, Usage
from tests.plans import model, question

JUDGE = model("judge")
META = model("meta")
ASKED = question("Why?")


def _no_reply(ask: Ask) -> str:
    raise AssertionError(f"nobody was to be asked: {ask.messages.text}")


def _no_rating(ask: ScoreAsk) -> Rated:
    raise AssertionError(f"nothing was to be rated: {ask.texts}")


@dataclass
class Bench:
    """Answers at once, and knows how many calls were in flight together at most."""

    reply: Callable[[Ask], str | Draft] = _no_reply
    rate: Callable[[ScoreAsk], Rated | None] = _no_rating
    seed: int = 0
    asks: list[Ask] = field(default_factory=list[Ask])
    rated: list[ScoreAsk] = field(default_factory=list[ScoreAsk])
    notes: list[str] = field(default_factory=list[str])
    flying: int = 0
    peak: int = 0

    @property
    def calls(self) -> int:
        """All that was asked for."""
        return len(self.asks) + len(self.rated)

    async def sample(self, ask: Ask) -> Draft:
        self.asks.append(ask)
        await self._fly()
        reply = self.reply(ask)
        return reply if isinstance(reply, Draft) else Draft(reply, prompt=ask.messages)

    async def score(self, ask: ScoreAsk) -> Rated | None:
        self.rated.append(ask)
        await self._fly()
        return self.rate(ask)

    async def _fly(self) -> None:
        self.flying += 1
        self.peak = max(self.peak, self.flying)
        await asyncio.sleep(0)
        self.flying -= 1

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        raise AssertionError("no scorer embeds")

    def chance(self, stream: str = "") -> Random:
        return Random(f"{self.seed} {stream}")

    def note(self, text: str) -> None:
        self.notes.append(text)

    def watch(self, watch: Watch) -> None:
        raise AssertionError("no scorer draws what it may not need")

    def count(self, asks: Iterable[Ask]) -> None:
        raise AssertionError("no scorer draws what it may not need")

    def spare(self, total: int) -> None:
        raise AssertionError("no scorer draws what it may not need")

    def keep(self) -> None:
        raise AssertionError("scores follow from their replies")

    async def execute(self, work: Execution) -> Executed:
        raise AssertionError("no scorer runs code")

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        raise AssertionError("no scorer reads memory")

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        raise AssertionError("no scorer reads memory")

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        raise AssertionError("no scorer writes memory")

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        raise AssertionError("no scorer writes memory")


def role(*params: str) -> PromptSpec:
    """A role prompt that shows all that it is given."""
    template = "|".join(f"{name}={{{{ {name} }}}}" for name in params)
    return PromptSpec("role", params, (("user", template),))


ROLES = {
    "judging": role("question", "candidates", "count"),
    "ranking": role("question", "candidates", "count"),
    "grading": role("question", "candidate", "reasoning"),
    "comparing": role("question", "first", "second"),
}


def arguments(method: str, *drafts: Draft, **given: Any) -> dict[str, Any]:
    """Arguments of `score` as the engine gives them, with their defaults."""
    usual = {"by": JUDGE, "repeats": 1, "aggregate": "mean", "retries": 0, "shuffle": "yes"}
    return {**usual, **ROLES, "drafts": drafts, "method": method, **given}


def written(*texts: str, **given: Any) -> tuple[Draft, ...]:
    """Complete drafts of one question."""
    return tuple(Draft(text, prompt=ASKED, **given) for text in texts)


CUT = Draft("cut", score=3.0, finish=Finish.LENGTH, prompt=ASKED)


def scores(drafts: Sequence[Draft]) -> list[float | None]:
    """Of each draft."""
    return [draft.score for draft in drafts]


def said(messages_text: str, name: str) -> str:
    """What a role prompt shows for one of its values."""
    shown = (part.partition("=") for part in messages_text.split("|"))
    return next(value for label, _, value in shown if label == name)


def failing(ask: Ask) -> Draft:
    """A call that failed."""
    return Draft("", finish=Finish.ERROR, error="no route", prompt=ask.messages)


def sized(draft: Draft, tokens: int) -> Draft:
    """The draft with so many completion tokens."""
    return replace(draft, usage=Usage(1, 0, 0, tokens))


def stats(*logprobs: float) -> LogprobStats:
    """Of tokens with these log-probabilities."""
    return LogprobStats(len(logprobs), sum(logprobs), min(logprobs, default=0.0))
