"""Drawing one sample: which backend, which defaults, which seed, within which budget."""

from __future__ import annotations

import asyncio
from bisect import insort
from dataclasses import replace
from operator import attrgetter
from types import CoroutineType
from typing import Any, Final

from graphdsl.errors import BackendError, BackendMissing, ModelCorrupt, ModelNotFound
from graphdsl.executors.abc import Capabilities, ChatRequest, Completion, Meter
from graphdsl.executors.backend_pool import Backends, Served
from graphdsl.executors.frame import Frame
from graphdsl.executors.ledger import Amount, Refused, Reservation, Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.seeds import explicit_seed, sample_seed, stream_seed
from graphdsl.executors.trace import Call, Record
from graphdsl.ops.context import Ask
from graphdsl.plan import MemorySpec, Step
from graphdsl.values import Doc, Draft, Finish, Messages, Usage

TEMPERATURE: Final = 0.7
"""Where neither the kernel nor the model block has one."""

_TEMPLATE_TOKENS: Final = 64
_TURN_TOKENS: Final = 16
"""Most that a chat template adds to a prompt: once (a default system turn), and per turn."""

_START: Final = attrgetter("start")
"""Calls stand in a trace in the order in which they were asked for, not that of their ends."""

_ONE_CALL: Final = Usage(calls=1)

_FATAL: Final = (BackendMissing, ModelNotFound, ModelCorrupt)
"""Errors after which no call of that model can work: they end the run."""


class Sampler:
    """Draws the samples of one run."""

    def __init__(
        self,
        backends: Backends,
        seed: int,
        loop: asyncio.AbstractEventLoop,
        *,
        content: bool = False,
    ) -> None:
        self.usage = Usage()
        self._completed = False
        self._backends = backends
        self._seed = seed
        self._loop = loop
        self._start = loop.time()
        self._content = content

    @property
    def fruitless(self) -> bool:
        """True when models were called and none gave a completion."""
        return self.usage.calls > 0 and not self._completed

    def now(self) -> float:
        """Seconds since the run began."""
        return self._loop.time() - self._start

    async def draw(self, ask: Ask, address: str, scope: Scope, record: Record | None) -> Draft:
        """One sample; a model's failure or a refusal of the budget is a draft that says so.

        Raises `BackendError` when the model cannot be opened, which no value can stand for.
        """
        seed = self._seed_of(ask, address)
        start = self.now()
        meter = Meter()
        try:
            if not ask.messages.turns:
                draft = _failed(ask, seed, Finish.ERROR, "the prompt rendered to nothing")
            elif scope.deadline is None:
                draft = await self._answer(ask, seed, scope, meter)
            else:
                draft = await self._in_time(ask, seed, scope, scope.deadline, meter)
        except Refused as refusal:
            draft = _failed(ask, seed, Finish.CANCELLED, str(refusal))
        except asyncio.CancelledError:
            if record is not None and meter.calls:
                cut = _failed(ask, seed, Finish.CANCELLED, "the run was cancelled", meter.usage)
                self._note(record, cut, ask, start)
            raise
        if record is not None:
            self._note(record, draft, ask, start)
        return draft

    async def _in_time(
        self, ask: Ask, seed: int, scope: Scope, deadline: float, meter: Meter
    ) -> Draft:
        clock = asyncio.timeout_at(deadline)
        try:
            async with clock:
                return await self._answer(ask, seed, scope, meter)
        except TimeoutError:
            if not clock.expired():
                raise
            reason = f"budget exhausted: {scope.run_out()}"
            return _failed(ask, seed, Finish.CANCELLED, reason, meter.usage)

    async def _answer(self, ask: Ask, seed: int, scope: Scope, meter: Meter) -> Draft:
        """The sample once a model is open, the budget grants it and the backend has room."""
        served = await self._backends.get(ask.model)
        request = _request(ask, seed, served.capabilities, meter)
        reservation = None
        if scope.limited:
            request, worst = bounded(request, served.capabilities, scope)
            reservation = await scope.reserve(worst)
        try:
            async with served.admission:
                return await self._send(served, ask, request, meter, reservation)
        finally:
            if reservation is not None:
                reservation.settle()

    async def _send(
        self,
        served: Served,
        ask: Ask,
        request: ChatRequest,
        meter: Meter,
        reservation: Reservation | None,
    ) -> Draft:
        """Call the backend and settle; a call without a completion costs what its meter shows."""
        meter.calls = 1
        spent = None
        try:
            completion = await served.backend.chat(request)
            spent = _counted(completion.usage)
            self._completed = True
            return _draft(ask, request, completion, spent)
        except _FATAL:
            raise
        except BackendError as error:
            return _failed(ask, request.seed, Finish.ERROR, str(error), meter.usage)
        finally:
            spent = spent or meter.usage
            if reservation is not None:
                reservation.settle(spent)
            self.usage += spent

    def _seed_of(self, ask: Ask, address: str) -> int:
        if ask.seed is not None:
            return sample_seed(explicit_seed(int(ask.seed), ask.stream), ask.index)
        first = stream_seed(self._seed, address, ask.model.name, ask.stream)
        return sample_seed(first, ask.index)

    def _note(self, record: Record, draft: Draft, ask: Ask, start: float) -> None:
        if draft.finish is Finish.CANCELLED:
            record.status = "exhausted"
        call = Call(
            draft.model,
            draft.sample,
            draft.seed,
            draft.finish.value,
            draft.usage,
            start,
            self.now() - start,
            draft.error,
            ask.messages.turns if self._content else None,
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


def bounded(
    request: ChatRequest, capabilities: Capabilities, scope: Scope
) -> tuple[ChatRequest, Amount]:
    """The request and the most that it can spend, so that a budget can set it aside.

    Prompt tokens are bounded by bytes (a byte-level token has at least one) and what templates
    add. Without `max_tokens` a reply is bounded by the context; where tokens are limited it is
    then held to what the budget could grant, so that it cannot overrun it.
    """
    prompt = prompt_bound(request.messages)
    if request.max_tokens is not None:
        return request, Amount(1, prompt, request.max_tokens)
    room = scope.room(prompt)
    if room is None:
        return request, Amount(1, prompt, 0)
    most = max(1, min(room, capabilities.context_tokens or room))
    limited = replace(request, max_tokens=most)
    return limited, Amount(1, prompt, most)


def prompt_bound(messages: Messages) -> int:
    """At most so many prompt tokens: UTF-8 bytes, and what a chat template adds."""
    sizes = (
        len(turn.content.encode("utf-8", "surrogatepass")) + _TURN_TOKENS for turn in messages.turns
    )
    return _TEMPLATE_TOKENS + sum(sizes)


def _request(ask: Ask, seed: int, capabilities: Capabilities, meter: Meter) -> ChatRequest:
    """The ask's own settings, else the model's, else the default."""
    options = ask.model.options
    temperature = ask.temperature
    if temperature is None:
        temperature = options.get("temperature", TEMPERATURE)
    limit = ask.max_tokens if ask.max_tokens is not None else options.get("max_tokens")
    return ChatRequest(
        ask.messages,
        float(temperature),
        None if limit is None else int(limit),
        options.get("top_p"),
        seed,
        ask.stop or tuple(options.get("stop", ())),
        capabilities.logprobs,
        ask.index,
        meter,
    )


def _counted(usage: Usage) -> Usage:
    """A completion is at least one call, whatever the backend says."""
    return usage if usage.calls else usage + _ONE_CALL


def _draft(ask: Ask, request: ChatRequest, completion: Completion, usage: Usage) -> Draft:
    return Draft(
        completion.text,
        finish=completion.finish,
        usage=usage,
        model=ask.model.name,
        sample=ask.index,
        seed=request.seed,
        logprobs=completion.logprobs,
        prompt=ask.messages,
    )


def _failed(
    ask: Ask,
    seed: int | None,
    finish: Finish,
    error: str,
    usage: Usage = Usage(),  # noqa: B008
) -> Draft:
    return Draft(
        "",
        finish=finish,
        usage=usage,
        model=ask.model.name,
        sample=ask.index,
        seed=seed,
        error=error,
        prompt=ask.messages,
    )
