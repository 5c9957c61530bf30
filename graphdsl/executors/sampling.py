"""Drawing one sample: which model, which defaults, which seed, within which budget.

Every attempt at a call is reserved, admitted and settled by itself. What it settles at: the usage
of its completion; nothing where no model worked on it; what its meter counted where the backend
counts exactly; else its worst case, marked as `unknown`.
"""

from __future__ import annotations

import asyncio
import secrets
from bisect import insort
from collections.abc import Iterator
from itertools import count
from operator import attrgetter
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from graphdsl.errors import BackendError, CircuitOpen
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.charging import bounded, counted, lost, priced
from graphdsl.executors.draw import Draw
from graphdsl.executors.frame import Frame
from graphdsl.executors.lane import FATAL, NOT_SENT, Lane
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.seeds import explicit_seed, sample_seed, stream_seed
from graphdsl.executors.tally import Tally
from graphdsl.executors.trace import Call, Record
from graphdsl.ops.context import Ask
from graphdsl.plan import MemorySpec, ModelSpec, Step
from graphdsl.values import Doc, Draft, Finish, Usage

if TYPE_CHECKING:
    from graphdsl.executors.recording import Recorder

TEMPERATURE: Final = 0.7
"""Where neither the kernel nor the model block has one."""

_START: Final = attrgetter("start")
"""Calls stand in a trace in the order in which they were asked for, not that of their ends."""

Settings = tuple[float, int | None, float | None, tuple[str, ...]]
"""Sampling defaults of a model: temperature, `max_tokens`, `top_p`, stop strings."""


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
        self._total = Tally()
        self._completed = False
        self._backends = backends
        self._seed = seed
        self._loop = loop
        self._start = loop.time()
        self._content = content
        self._item = item
        self._recorder = recorder
        self._token = secrets.token_hex(8)
        self._numbers = count()
        self._settings: dict[int, tuple[ModelSpec, Settings]] = {}

    @property
    def usage(self) -> Usage:
        """What the run has spent so far."""
        return self._total.usage

    @property
    def fruitless(self) -> bool:
        """True when models were called and none gave a completion."""
        return self._total.calls > 0 and not self._completed

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
                draft = await self._answer(draw)
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
                return await self._answer(draw)
        except TimeoutError:
            if not clock.expired():
                raise
            reason = f"budget exhausted: {draw.scope.run_out()}"
            return draw.failed(Finish.CANCELLED, reason)

    async def _answer(self, draw: Draw) -> Draft:
        """The sample of the first model that gives one: the ask's own, or its members in turn."""
        last = draw.ask.model
        if last.members:
            *others, last = _candidates(last, draw.seed)
            for spec in others:
                try:
                    return await self._from(spec, draw, patient=False)
                except BackendError as error:
                    draw.note(f"`{spec.name}` was passed over: {error}")
        try:
            return await self._from(last, draw, patient=True)
        except FATAL:
            raise
        except BackendError as error:
            return draw.failed(Finish.ERROR, str(error))

    async def _from(self, spec: ModelSpec, draw: Draw, *, patient: bool) -> Draft:
        """The sample of one model, after as many attempts as it deserves.

        Who is not patient has another model to ask, and does not wait for this one.
        """
        lane = await self._backends.get(spec)
        request = self._request(lane, draw)
        begin = self._loop.time()
        failure: BackendError | None = None
        for attempt in count(1):
            try:
                return await self._attempt(lane, request, draw)
            except CircuitOpen as error:
                raise failure or error from None
            except BackendError as error:
                failure = error
                waited = self._loop.time() - begin
                pause = lane.pause(error, attempt, waited) if patient else None
                if pause is None or self._too_late(draw.scope, pause):
                    raise
                draw.note(f"attempt {attempt} at `{spec.name}` failed: {error}")
            await asyncio.sleep(pause)
        raise AssertionError("attempts never run out by themselves")

    async def _attempt(self, lane: Lane, request: ChatRequest, draw: Draw) -> Draft:
        """One call, once the budget grants it and the model has room. Settled however it ends."""
        scope, reservation = draw.scope, None
        draw.begin()
        if scope.limited:
            request, worst = bounded(request, lane, scope)
            reservation = await scope.reserve(worst)
        try:
            admission = lane.served.admission
            if not admission.enter_now():
                await admission.enter()
            try:
                return await self._send(lane, request, draw)
            finally:
                admission.leave()
        finally:
            if reservation is not None:
                reservation.settle(draw.charged)

    async def _send(self, lane: Lane, request: ChatRequest, draw: Draw) -> Draft:
        """Call the model; `draw.charged` then says what this attempt has cost."""
        meter = draw.meter
        meter.calls = 1
        begin = self._loop.time()
        try:
            completion = await lane.chat(request)
        except NOT_SENT:
            raise
        except BaseException as error:
            unknown = (
                error.uncertain
                if isinstance(error, BackendError)
                else not lane.served.capabilities.metered
            )
            self._charge(draw, lost(lane, request, meter, self._loop.time() - begin, unknown))
            raise
        seconds = self._loop.time() - begin
        self._completed = True
        self._charge(draw, priced(counted(completion.usage), lane, seconds))
        if self._recorder is not None:
            self._recorder.note(lane.spec, request, completion, seconds)
        return draw.answered(lane.spec.name, completion)

    def _charge(self, draw: Draw, usage: Usage) -> None:
        draw.charge(usage)
        self._total.add(usage)

    def _request(self, lane: Lane, draw: Draw) -> ChatRequest:
        """The ask's own settings, else the declared model's, else the default."""
        ask = draw.ask
        temperature, limit, top_p, stop = self._settings_of(ask.model)
        return ChatRequest(
            ask.messages,
            temperature=temperature if ask.temperature is None else float(ask.temperature),
            max_tokens=limit if ask.max_tokens is None else int(ask.max_tokens),
            top_p=top_p,
            seed=draw.seed,
            stop=ask.stop or stop,
            logprobs=lane.served.capabilities.logprobs,
            sample=ask.index,
            item=self._item,
            key=f"{self._token}-{draw.number}",
            meter=draw.meter,
        )

    def _settings_of(self, spec: ModelSpec) -> Settings:
        """The sampling defaults of a declared model; remembered, since every call asks."""
        known = self._settings.get(id(spec))
        if known is not None and known[0] is spec:
            return known[1]
        limit = spec.setting("max_tokens")
        settings = (
            float(spec.setting("temperature", TEMPERATURE)),
            None if limit is None else int(limit),
            spec.setting("top_p"),
            tuple(spec.setting("stop", ())),
        )
        self._settings[id(spec)] = spec, settings
        return settings

    def _seed_of(self, ask: Ask, address: str) -> int:
        if ask.seed is not None:
            return sample_seed(explicit_seed(int(ask.seed), ask.stream), ask.index)
        first = stream_seed(self._seed, address, ask.model.name, ask.stream)
        return sample_seed(first, ask.index)

    def _too_late(self, scope: Scope, pause: float) -> bool:
        """True when the deadline comes before the next attempt could begin."""
        return scope.deadline is not None and self._loop.time() + pause >= scope.deadline

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


def _candidates(model: ModelSpec, seed: int) -> Iterator[ModelSpec]:
    """The models to ask, in order: the model itself, or its members, theirs in their place.

    Those of a `round_robin` begin with the one whose turn it is: seeds of samples are
    consecutive, so samples of one node take turns, whatever the schedule.
    """
    members = model.members
    if not members:
        yield model
        return
    first = seed % len(members) if model.backend == "round_robin" else 0
    for member in (*members[first:], *members[:first]):
        yield from _candidates(member, seed)
