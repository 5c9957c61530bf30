"""Drawing one sample: its seed, its deadline, what is left of it in the trace."""

from __future__ import annotations

import asyncio
from bisect import insort
from itertools import count
from operator import attrgetter
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.calling import Caller
from graphdsl.executors.draw import Draw
from graphdsl.executors.frame import Frame
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.seeds import explicit_seed, sample_seed, stream_seed
from graphdsl.executors.trace import Call, Record
from graphdsl.ops.context import Ask
from graphdsl.plan import MemorySpec, Step
from graphdsl.values import Doc, Draft, Finish, Usage

if TYPE_CHECKING:
    from graphdsl.executors.recording import Recorder

_START: Final = attrgetter("start")
"""Calls stand in a trace in the order in which they were asked for, not that of their ends."""


class Sampler:
    """Draws the samples of one run.

    `item` names the data item that the run is about; `recorder` is told every completion.
    """

    def __init__(
        self,
        backends: Backends,
        seed: int,
        loop: asyncio.AbstractEventLoop,
        *,
        content: bool = False,
        item: str | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._caller = Caller(backends, loop, item=item, recorder=recorder)
        self._seed = seed
        self._loop = loop
        self._start = loop.time()
        self._content = content
        self._numbers = count()

    @property
    def usage(self) -> Usage:
        """What the run has spent so far."""
        return self._caller.usage

    @property
    def fruitless(self) -> bool:
        """True when models were asked and none gave a completion."""
        return self._caller.fruitless

    def now(self) -> float:
        """Seconds since the run began."""
        return self._loop.time() - self._start

    async def draw(self, ask: Ask, address: str, scope: Scope, record: Record | None) -> Draft:
        """One sample; a model's failure or a refusal of the budget is a draft that says so.

        Raises `BackendError` when no model can be opened, which no value can stand for, and
        `InputError` when money is limited and nobody knows what a model costs.
        """
        draw = Draw(ask, self._seed_of(ask, address), scope, next(self._numbers), self.now())
        try:
            if not ask.messages.turns:
                draft = draw.failed(Finish.ERROR, "the prompt rendered to nothing")
            elif scope.deadline is None:
                draft = await self._caller.answer(draw)
            else:
                draft = await self._by(scope.deadline, draw)
        except Refused as refusal:
            draft = draw.failed(Finish.CANCELLED, str(refusal))
        except asyncio.CancelledError:
            if record is not None and draw.spent.calls:
                self._note(record, draw.failed(Finish.CANCELLED, "the run was cancelled"), draw)
            raise
        if record is not None:
            self._note(record, draft, draw)
        return draft

    async def _by(self, deadline: float, draw: Draw) -> Draft:
        clock = asyncio.timeout_at(deadline)
        try:
            async with clock:
                return await self._caller.answer(draw)
        except TimeoutError:
            if not clock.expired():
                raise
            reason = f"budget exhausted: {draw.scope.run_out()}"
            return draw.failed(Finish.CANCELLED, reason)

    def _seed_of(self, ask: Ask, address: str) -> int:
        if ask.seed is not None:
            return sample_seed(explicit_seed(int(ask.seed), ask.stream), ask.index)
        first = stream_seed(self._seed, address, ask.model.name, ask.stream)
        return sample_seed(first, ask.index)

    def _note(self, record: Record, draft: Draft, draw: Draw) -> None:
        if draft.finish is Finish.CANCELLED:
            record.status = "exhausted"
        if draw.notes:
            record.notes += draw.notes
        call = Call(
            draft.model,
            draft.sample,
            draft.seed,
            draft.finish.value,
            draft.usage,
            draw.start,
            self.now() - draw.start,
            draft.error,
            draw.ask.messages.turns if self._content else None,
            draft.text if self._content else None,
        )
        insort(record.calls, call, key=_START)


class NodeContext:
    """The engine as one step sees it (`graphdsl.ops.context.Context`)."""

    __slots__ = ("_frame", "_memory", "_record", "_sampler", "_step")

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

    def sample(self, ask: Ask) -> CoroutineType[Any, Any, Draft]:
        """Draw one sample; see `Sampler.draw`."""
        frame = self._frame
        address = self._step.address + frame.suffix
        return self._sampler.draw(ask, address, frame.scope, self._record)

    def note(self, text: str) -> None:
        """Leave a remark in the trace, if there is one."""
        if self._record is not None:
            self._record.notes.append(text)

    def recall(self, memory: MemorySpec, query: str, top: int) -> tuple[Doc, ...]:
        """The best entries as they were when the run began."""
        return self._memory.recall(memory, query, top)

    def remember(self, memory: MemorySpec, text: str, key: str | None) -> None:
        """Keep a text once the run has ended well; the program's order decides, not time."""
        position = (*self._frame.position, self._step.index)
        self._memory.remember(memory, text, key, position)
