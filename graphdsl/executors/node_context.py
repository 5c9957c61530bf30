"""The engine as the kernel of one step sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from random import Random
from types import CoroutineType
from typing import Any

from graphdsl.errors import BackendError, BudgetExceeded
from graphdsl.executors.frame import Frame
from graphdsl.executors.lane import FATAL
from graphdsl.executors.ledger import Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.need import Need, exhaust
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Record
from graphdsl.ops.concepts import Concept
from graphdsl.ops.context import Ask, Rated, ScoreAsk, Vectors
from graphdsl.ops.execution import Executed, Execution, Outcome, unanswered
from graphdsl.ops.quorum_watch import Watch
from graphdsl.plan import Budget, MemorySpec, ModelSpec, Step
from graphdsl.values import Doc, Draft


class NodeContext:
    """The engine as one step sees it (`graphdsl.ops.context.Context`)."""

    __slots__ = (
        "_frame",
        "_memory",
        "_own_need",
        "_record",
        "_sampler",
        "_scope",
        "_spoiled",
        "_step",
    )

    def __init__(
        self,
        sampler: Sampler,
        memory: Recollection,
        frame: Frame,
        step: Step,
        record: Record | None,
    ) -> None:
        self._sampler = sampler
        self._memory = memory
        self._frame = frame
        self._step = step
        self._record = record
        self._own_need: Need | None = None
        self._spoiled = False
        self._scope = frame.scope
        seconds = step.attrs.get("deadline")
        if seconds is not None:
            self._scope = Scope(Budget(seconds=seconds), frame.scope, sampler.clock())

    @property
    def _need(self) -> Need:
        """Made when first asked for, since many nodes draw no sample."""
        if self._own_need is None:
            self._own_need = Need(self._frame.crew)
        return self._own_need

    def keep(self) -> None:
        """Have the journal keep this node's value whole, if it is the best that can be had."""
        if not self._spoiled:
            self._sampler.kept.add(self._address)

    def _spoil(self) -> None:
        """Something is missing in the value, which a later life of the run may have."""
        self._spoiled = True
        self._sampler.kept.discard(self._address)

    def watch(self, watch: Watch) -> None:
        """Have the rule of that watch say which samples are needed."""
        self._need.watch = watch

    def count(self, asks: Iterable[Ask]) -> None:
        """Have the budget exhausted by what it refused among these."""
        self._need.count(asks, self._record)

    def spare(self, total: int) -> None:
        """Note in the trace, if there is one, how many of so many samples have never begun."""
        if self._record is not None and self._need.over:
            self._record.spared += total - self._need.begun

    def sample(self, ask: Ask) -> CoroutineType[Any, Any, Draft]:
        """Draw one sample; see `Sampler.draw`."""
        address = self._address
        rank = self._frame.rank + self._step.rank
        sampler, need = self._sampler, self._need
        draw = sampler.draw_in_turn if sampler.remembers and need.watched else sampler.draw
        return draw(ask, address, self._scope, self._record, rank, need)

    async def score(self, ask: ScoreAsk) -> Rated | None:
        """Score texts; a failure or refusal is None, and stands in the trace."""
        self.keep()
        crew, scope, address = self._frame.crew, self._scope, self._address
        try:
            return await self._sampler.score(ask, address, scope, self._record, crew)
        except FATAL:
            raise
        except (BudgetExceeded, BackendError) as reason:
            self._spoil()
            self.note(f"not scored: {reason}")
            return None

    async def embed(self, model: ModelSpec, texts: Sequence[str]) -> Vectors | None:
        """A vector for each text; a failure or refusal is None, and stands in the trace."""
        self.keep()
        try:
            return await self._embed(model, texts)
        except FATAL:
            raise
        except (BudgetExceeded, BackendError) as reason:
            self._spoil()
            self.note(f"no vectors: {reason}")
            return None

    def chance(self, stream: str = "") -> Random:
        """Random numbers of this node and round."""
        return self._sampler.chance(self._address, stream)

    async def execute(self, work: Execution) -> Executed:
        """Run code in the sandbox that the run names, else the one that works best here.

        The budget's deadline ends it, also while it waits for its turn.
        """
        from graphdsl.executors.sandbox.chosen import sandbox  # few runs need one

        clock = asyncio.timeout_at(self._scope.deadline)
        try:
            async with clock:
                return await sandbox(self._sampler.sandbox).execute(work)
        except TimeoutError:
            if not clock.expired():
                raise
        refusal = self._scope.overdue()
        exhaust(refusal, self._scope, self._frame.crew, self._record)
        self._spoil()  # a longer budget is to run it again
        return unanswered(work, Outcome.TIMEOUT, str(refusal))

    def note(self, text: str) -> None:
        """Leave a remark in the trace, if there is one."""
        if self._record is not None:
            self._record.notes.append(text)

    async def recall(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        """The best entries as they were when the run began.

        Where a model is to compare meanings and does not, words are compared, and a note says so;
        a journal does not keep that, since a later life of the run may do better.
        """
        if method == "bm25":
            return await self._memory.recall(memory, query, top, method)
        try:
            return await self._by_meaning(memory, query, top, method)
        except FATAL:
            raise
        except (BudgetExceeded, BackendError) as reason:
            self.note(f"ranked by words: {reason}")
        self._spoil()
        return await self._memory.recall(memory, query, top, "bm25")

    async def _by_meaning(
        self, memory: MemorySpec, query: str, top: int, method: str
    ) -> tuple[Doc, ...]:
        """Raises `BudgetExceeded` at the deadline, also where another run makes the vectors."""
        clock = asyncio.timeout_at(self._scope.deadline)
        try:
            async with clock:
                return await self._memory.recall(memory, query, top, method, self._embed)
        except TimeoutError:
            if not clock.expired():
                raise
        refusal = self._scope.overdue()
        exhaust(refusal, self._scope, self._frame.crew, self._record)
        raise BudgetExceeded(str(refusal))

    async def _embed(self, model: ModelSpec, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        crew, scope = self._frame.crew, self._scope
        return await self._sampler.embed(model, texts, self._address, scope, self._record, crew)

    @property
    def _address(self) -> str:
        """The node's place in the graph, with the rounds that lead to it."""
        return self._step.address + self._frame.suffix

    def concepts(
        self, memory: MemorySpec, query: str, most: int
    ) -> CoroutineType[Any, Any, tuple[Concept, ...]]:
        """The concepts as they were when the run began."""
        return self._memory.concepts(memory, query, most)

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        """Keep a text once the run has ended well; the program's order decides, not time."""
        self._refused(self._memory.remember(memory, text, key, self._position))

    def remember_concepts(self, memory: MemorySpec, concepts: Sequence[Concept]) -> None:
        """Keep concepts once the run has ended well; the program's order decides, not time."""
        self._refused(self._memory.remember_concepts(memory, concepts, self._position))

    @property
    def _position(self) -> tuple[int, ...]:
        return (*self._frame.position, self._step.index)

    def _refused(self, reason: str | None) -> None:
        if reason is not None:
            self.note(reason)
