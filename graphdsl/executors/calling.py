"""Calling models for the samples of a run: again, or another one, until somebody answers.

Every attempt at a call is reserved, admitted and settled by itself. What it settles at: the usage
of its completion; nothing where no model worked on it; what its meter counted where the backend
counts exactly; else its worst case, marked as `unknown`.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphdsl.errors import BackendError, CircuitOpen, NotRecorded, RateLimited
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.admission import Paused
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.charging import bounded, counted, failed, priced
from graphdsl.executors.draw import Draw
from graphdsl.executors.lane import FATAL, Lane
from graphdsl.executors.ledger import Amount, Refused, Reservation, Scope
from graphdsl.executors.routing import Stop, route
from graphdsl.executors.tally import Tally
from graphdsl.plan import ModelSpec
from graphdsl.values import Draft, Finish, Usage

if TYPE_CHECKING:
    from graphdsl.executors.recording import Recorder

TEMPERATURE: Final = 0.7
"""Where neither the kernel nor the model block has one."""

Settings = tuple[float, int | None, float | None, tuple[str, ...]]
"""Sampling defaults of a model: temperature, `max_tokens`, `top_p`, stop strings."""


@dataclass(slots=True, eq=False)  # not frozen: one is made for every call, and freezing costs
class Leg:
    """One model asked for one sample. Until `patience`, in the loop's time, it is waited for."""

    lane: Lane
    request: ChatRequest
    draw: Draw
    stop: Stop
    last: bool
    patience: float


class Caller:
    """The calls of one run, and what they have cost together."""

    def __init__(
        self,
        backends: Backends,
        loop: asyncio.AbstractEventLoop,
        *,
        item: str | None,
        recorder: Recorder | None,
    ) -> None:
        self._backends = backends
        self._loop = loop
        self._item = item
        self._recorder = recorder
        self._total = Tally()
        self._failed = False
        self._completed = False
        self._dead: dict[int, ModelSpec] = {}
        self._token = secrets.token_hex(8)
        self._settings: dict[int, tuple[ModelSpec, Settings]] = {}

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        return self._total.usage

    @property
    def fruitless(self) -> bool:
        """True when models failed, or could not be opened, and none gave a completion."""
        return self._failed and not self._completed

    async def answer(self, draw: Draw) -> Draft:
        """The sample of the first model that gives one: the ask's own, or those it stands for.

        A draft that says so where none does. Raises `Refused` where the budget does not allow the
        last of them, and `BackendError` where none of them can work at all.
        """
        stops = self._stops(draw)
        fatal = 0
        for index, stop in enumerate(stops):
            last = index == len(stops) - 1
            try:
                return await self._ask(stop, draw, last=last)
            except Refused as refusal:
                if last:
                    raise
                draw.note(f"`{stop.spec.name}` was passed over: {refusal}")
            except BackendError as error:
                self._failed = True
                fatal += self._note_death(stop, error)
                if not last and isinstance(error, stop.passes):
                    draw.note(f"`{stop.spec.name}` was passed over: {error}")
                elif fatal > index:
                    raise
                else:
                    return draw.failed(Finish.ERROR, str(error))
        raise AssertionError("a route has a last stop")

    def _stops(self, draw: Draw) -> list[Stop]:
        """Who is asked, in order; those that cannot work are left out for the rest of the run."""
        model = draw.ask.model
        if not model.members and not model.others:
            return [Stop(model)]  # by far the most
        whole = list(route(model, draw.seed))
        return [stop for stop in whole if id(stop.spec) not in self._dead] or whole

    def _note_death(self, stop: Stop, error: BackendError) -> bool:
        """Remember a model that no call can work with; True when it is one."""
        if not isinstance(error, FATAL):
            return False
        if not isinstance(error, NotRecorded):
            self._dead[id(stop.spec)] = stop.spec
        return True

    async def _ask(self, stop: Stop, draw: Draw, *, last: bool) -> Draft:
        """The sample of one model, after as many attempts as it deserves.

        Who is not the last is not waited for.
        """
        lane = await self._backends.get(stop.spec)
        leg = Leg(
            lane, self._request(lane, draw), draw, stop, last, self._patience(lane, draw, last)
        )
        begin, failures = self._loop.time(), 1
        failure: BackendError | None = None
        while True:
            try:
                if lane.served.admission.pause:
                    await self._sit_out(leg)
                return await self._granted(leg)
            except Paused:
                continue
            except BackendError as error:
                now = self._loop.time()
                if failure is None or not isinstance(error, CircuitOpen):
                    failure = error
                left = leg.patience - now
                pause = lane.pause(error, failures, now - begin, left) if last else None
                if pause is None:
                    raise failure from None
                draw.note(f"`{stop.spec.name}` is asked again: {error}")
                failures += not lane.waits_out(error)
            await asyncio.sleep(pause)

    def _patience(self, lane: Lane, draw: Draw, last: bool) -> float:
        """Until when an endpoint that says when to come again is waited for."""
        if not last:
            return 0.0
        until = self._loop.time() + lane.patience
        deadline = draw.scope.deadline
        return until if deadline is None else min(until, deadline)

    async def _sit_out(self, leg: Leg) -> None:
        """Wait until an endpoint takes calls again; nothing is set aside for the call meanwhile.

        Raises `RateLimited` when that is too long.
        """
        pause = leg.lane.served.admission.pause
        if self._loop.time() + pause > leg.patience:
            name = leg.lane.spec.name
            raise RateLimited(
                f"`{name}` takes no calls for another {pause:.0f} s", model=name, retry_after=pause
            )
        await asyncio.sleep(pause)

    async def _granted(self, leg: Leg) -> Draft:
        """One call within the budget and with a place at the model, settled however it ends."""
        draw, request, reservation = leg.draw, leg.request, None
        draw.begin()
        if draw.scope.limited:
            request, reservation = await _reserved(leg.lane, request, draw.scope, final=leg.last)
        try:
            admission = leg.lane.served.admission
            if not admission.enter_now():
                await admission.enter()
            try:
                return await self._send(leg, request)
            finally:
                admission.leave()
        finally:
            if reservation is not None:
                reservation.settle(draw.charged)

    async def _send(self, leg: Leg, request: ChatRequest) -> Draft:
        """Call the model; `draw.charged` then says what this attempt has cost."""
        lane, draw = leg.lane, leg.draw
        draw.meter.calls = 1
        begin = self._loop.time()
        try:
            completion = await lane.chat(request)
        except BaseException as error:
            self._failed = True
            seconds = self._loop.time() - begin
            self._charge(draw, failed(lane, request, draw.meter, seconds, error))
            raise
        seconds = self._loop.time() - begin
        self._completed = True
        self._charge(draw, priced(counted(completion.usage), lane, seconds))
        if self._recorder is not None:
            self._recorder.note(leg.stop.recorded_as or lane.spec, request, completion, seconds)
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


async def _reserved(
    lane: Lane, request: ChatRequest, scope: Scope, *, final: bool
) -> tuple[ChatRequest, Reservation]:
    """The request as it may be sent, and its worst case, set aside.

    Without `max_tokens` a call takes what there is; who waits for others looks again then.
    """
    bound = bounded(request, lane, scope)

    def again() -> Amount:
        nonlocal bound
        bound = bounded(request, lane, scope)
        return bound[1]

    renew = again if request.max_tokens is None else None
    reservation = await scope.reserve(bound[1], renew, final=final)
    return bound[0], reservation
