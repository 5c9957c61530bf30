"""Calling models for the samples of a run: again, or another one, until somebody answers.

Every attempt at a call is reserved, admitted and settled by itself. What it settles at: the usage
of its completion; nothing where no model worked on it; what its meter counted where the backend
counts exactly; else its worst case, marked as `unknown`. What a journal has from an earlier life of
the run, or a cache from any run, is not asked for again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from graphdsl.errors import (
    BackendError,
    BrokenReply,
    CircuitOpen,
    GraphDslError,
    JournalFailed,
    NotRecorded,
    RateLimited,
)
from graphdsl.executors.abc import (
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
)
from graphdsl.executors.admission import Paused
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.charging import Request, bounded, counted, failed, priced, worst_usage
from graphdsl.executors.draw import Draw
from graphdsl.executors.lane import FATAL, Lane
from graphdsl.executors.ledger import Amount, Refused, Reservation, Scope
from graphdsl.executors.routing import Stop, route
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.share import Share
from graphdsl.executors.tally import Tally
from graphdsl.ops.context import ScoreAsk
from graphdsl.plan import ModelSpec
from graphdsl.values import Draft, Finish, Usage

if TYPE_CHECKING:
    from graphdsl.executors.cache.store import Cached
    from graphdsl.executors.journal.run_journal import RunJournal, Sampled

Reply = Completion | Embeddings | Scores
"""What a model gives back."""

TEMPERATURE: Final = 0.7
"""Where neither the kernel nor the model block has one."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What every call of a declared model has in common: its sampling defaults.

    `route` are the models to ask where it stands for itself alone, else None.
    """

    spec: ModelSpec
    temperature: float
    max_tokens: int | None
    top_p: float | None
    stop: tuple[str, ...]
    route: tuple[Stop] | None

    @staticmethod
    def of(spec: ModelSpec) -> Usual:
        """Those of a declared model."""
        limit = spec.setting("max_tokens")
        return Usual(
            spec,
            float(spec.setting("temperature", TEMPERATURE)),
            None if limit is None else int(limit),
            spec.setting("top_p"),
            tuple(spec.setting("stop", ())),
            None if spec.members or spec.others else (Stop(spec),),
        )


@dataclass(slots=True, eq=False)  # not frozen: one is made for every call, and freezing costs
class Leg:
    """One model asked for one sample, since `begin` in the loop's time.

    The attempt that succeeded took so many `seconds`.
    """

    lane: Lane
    request: Request
    draw: Draw
    stop: Stop
    last: bool
    begin: float = 0.0
    seconds: float = 0.0

    @property
    def patience(self) -> float:
        """Until when an endpoint that says when to come again is waited for."""
        if not self.last:
            return self.begin
        until, deadline = self.begin + self.lane.patience, self.draw.scope.deadline
        return until if deadline is None else min(until, deadline)


class Caller:
    """The calls of one run, and what they have cost together."""

    def __init__(
        self, backends: Backends, loop: asyncio.AbstractEventLoop, options: RunOptions, scope: Scope
    ) -> None:
        self._backends = backends
        self._loop = loop
        self._scope = scope
        self._item = options.item
        self._recorder = options.recorder
        self._cache = options.cache
        self._journal = options.journal
        self._session = options.session
        self.share = Share()
        self._total = Tally()
        self._doubtful = Tally()
        self._saved = Tally()
        self._failed = False
        self._completed = False
        self._dead: dict[int, ModelSpec] = {}
        self._token = secrets.token_hex(8)
        self._usual: dict[int, Usual] = {}

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        return self._total.usage

    @property
    def doubtful(self) -> Usage:
        """What part of it stands for calls whose end nobody saw, at its worst case."""
        return self._doubtful.usage

    @property
    def saved(self) -> Usage:
        """What the samples from the cache would have cost."""
        return self._saved.usage

    @property
    def fruitless(self) -> bool:
        """True when models failed, or could not be opened, and none gave a completion."""
        return self._failed and not self._completed

    def resume(self, journal: RunJournal) -> None:
        """Count what earlier lives of the run have spent, in its budget as well."""
        settled, doubtful = journal.spent
        self._completed = journal.answered
        known = None if self._session is None else self._session.count(journal.token)
        for usage in (settled, doubtful):
            self._total.add(usage)
            self._scope.charge(usage, inside=known)
        self._doubtful.add(doubtful)

    def replayed(self, spent: Usage, scope: Scope) -> None:
        """A node's value came from the journal; what it cost counts in the run already."""
        scope.charge(spent, inside=self._scope)

    async def answer(self, draw: Draw) -> Draft:
        """The sample of the first model that gives one: the ask's own, or those it stands for.

        A draft that says so where none does. Raises `Refused` where the budget does not allow the
        last of them, and `BackendError` where none of them can work at all.
        """
        if self._journal is not None:
            known = self._journal.sampled(draw.call)
            if known is not None:
                return self._replayed(draw, known)
            self._owe(draw, self._journal)
        stops = self._stops(draw)
        fatal = 0
        for index, stop in enumerate(stops):
            last = index == len(stops) - 1
            try:
                return await self._ask(stop, draw, last=last)
            except Refused as refusal:
                if last:
                    raise
                draw.pass_over(stop.spec.name, refusal)
            except JournalFailed:
                raise
            except BackendError as error:
                self._failed = True
                fatal += self._note_death(stop, error)
                if not last and isinstance(error, stop.passes):
                    draw.pass_over(stop.spec.name, error)
                elif fatal > index:
                    raise
                else:
                    draw.kind = type(error).__name__
                    return draw.failed(Finish.ERROR, str(error))
        raise AssertionError("a route has a last stop")

    async def knows(self, draw: Draw) -> bool:
        """True when the sample is there already, in the journal or in the cache for its model."""
        if self._journal is not None and self._journal.sampled(draw.call) is not None:
            return True
        if self._cache is None:
            return False
        try:
            lane = await self._backends.get(self._stops(draw)[0].spec)
        except GraphDslError:
            return False  # who asks it is told why
        named = self._cache.named(lane.spec, lane.served.capabilities)
        if named is None:
            return False
        key = self._cache.key(named.identity, self._request(lane, draw), seeded=named.seeded)
        return self._cache.holds(key)

    def _stops(self, draw: Draw) -> Sequence[Stop]:
        """Who is asked, in order; those that cannot work are left out for the rest of the run."""
        alone = self._usual_of(draw.ask.model).route
        if alone is not None:
            return alone  # by far the most
        whole = list(route(draw.ask.model, draw.seed))
        return [stop for stop in whole if id(stop.spec) not in self._dead] or whole

    def _note_death(self, stop: Stop, error: BackendError) -> bool:
        """Remember a model that no call can work with; True when it is one."""
        if not isinstance(error, FATAL):
            return False
        if not isinstance(error, NotRecorded):
            self._dead[id(stop.spec)] = stop.spec
        return True

    def _owe(self, draw: Draw, journal: RunJournal) -> None:
        """What earlier lives spent on it in vain counts in the run, not yet in scopes within."""
        owed = journal.owed(draw.call)
        if owed.calls:
            draw.owed = owed
            draw.scope.charge(owed, inside=self._scope)

    def _replayed(self, draw: Draw, known: Sampled) -> Draft:
        """A sample of an earlier life of the run; what it cost counts in the run already."""
        draw.remembered("journal")
        draw.charge(known.usage)
        draw.scope.charge(known.usage, inside=self._scope)
        self._completed = True
        return replace(known.draft, prompt=draw.ask.messages)

    async def _ask(self, stop: Stop, draw: Draw, *, last: bool) -> Draft:
        """The sample of one model, from the cache or by asking it.

        Who is not the last is not waited for.
        """
        lane = await self._backends.get(stop.spec)
        request = self._request(lane, draw)
        leg = Leg(lane, request, draw, stop, last)
        completion = await self._once(leg, request)
        assert isinstance(completion, Completion)
        draft = draw.answered(lane.spec.name, completion)
        draw.fresh = True
        return draft

    async def embed(self, draw: Draw, texts: tuple[str, ...]) -> Embeddings:
        """Vectors of texts by the model of the draw. Raises like `_beside`."""
        request = EmbedRequest(texts, f"{self._token}-{draw.number}", draw.meter)
        vectors = await self._beside(draw, request)
        assert isinstance(vectors, Embeddings)
        return vectors

    async def score(self, draw: Draw, ask: ScoreAsk) -> Scores:
        """Scores of texts by the model of the draw. Raises like `_beside`."""
        key = f"{self._token}-{draw.number}"
        request = ScoreRequest(ask.messages, ask.texts, ask.kind, self._item, key)
        scores = await self._beside(draw, request)
        assert isinstance(scores, Scores)
        return scores

    async def _beside(self, draw: Draw, request: EmbedRequest | ScoreRequest) -> Reply:
        """What is no sample, by the first model that gives it.

        Nothing replays it: a journal keeps the value of the node that wanted it. Raises `Refused`
        and `BackendError` where there is none.
        """
        if self._journal is not None:
            self._owe(draw, self._journal)
        *others, final = self._stops(draw)
        for stop in others:
            try:
                return await self._settled(stop, draw, request, last=False)
            except (Refused, BackendError) as error:
                if isinstance(error, JournalFailed):
                    raise
                draw.pass_over(stop.spec.name, error)
        return await self._settled(final, draw, request, last=True)

    async def _settled(
        self, stop: Stop, draw: Draw, request: EmbedRequest | ScoreRequest, *, last: bool
    ) -> Reply:
        """The reply of one model; a journal is told at once what it has cost."""
        lane = await self._backends.get(stop.spec)
        leg = Leg(lane, request, draw, stop, last)
        reply = await self._once(leg, request)
        if self._journal is not None and draw.attempt is not None:
            self._journal.failed(draw.attempt, draw.charged)
        return reply

    async def _once(self, leg: Leg, request: Request) -> Reply:
        """The answer of the cache; where it has none, the model's, which it then keeps."""
        cache, spec = self._cache, leg.lane.spec
        named = None if cache is None else cache.named(spec, leg.lane.served.capabilities)
        if cache is None or named is None:
            return await self._insist(leg)
        key = cache.key(named.identity, request, seeded=named.seeded)
        async with cache.claim(key, spec.model or spec.name) as claim:
            if claim.waited:
                leg.draw.note("waited for an equal call")
            if claim.found is not None:
                return self._hit(leg, claim.found)
            reply = await self._insist(leg)
            if cache.keepable(request, reply):
                claim.store(reply, leg.draw.charged, leg.seconds)
            return reply

    def _hit(self, leg: Leg, found: Cached) -> Reply:
        self._saved.add(found.usage)
        self._completed = self._completed or isinstance(found.reply, Completion)
        leg.draw.begin()
        leg.draw.remembered("cache", found.usage)
        self._record(leg, leg.request, found.reply, found.seconds)
        return found.reply

    async def _insist(self, leg: Leg) -> Reply:
        """The reply of one model, after as many attempts as it deserves."""
        lane, draw, last = leg.lane, leg.draw, leg.last
        begin = leg.begin = self._loop.time()  # waiting for an equal call took no patience
        failures = 1
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
                draw.ask_again(lane.spec.name, error)
                failures += not lane.waits_out(error)
            await asyncio.sleep(pause)

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

    async def _granted(self, leg: Leg) -> Reply:
        """One call within the budget and with a place at the model, settled however it ends."""
        draw, request, reservation = leg.draw, leg.request, None
        draw.begin()
        if draw.scope.limited:
            request, reservation = await _reserved(leg.lane, request, draw.scope)
        try:
            admission = leg.lane.served.admission
            if not admission.enter_now():
                await admission.enter(draw)
            try:
                return await self._send(leg, request)
            finally:
                admission.leave(draw.ask.messages)
        finally:
            if reservation is not None:
                reservation.settle(draw.charged)

    async def _send(self, leg: Leg, request: Request) -> Reply:
        """Call the model; `draw.charged` then says what this attempt has cost."""
        lane, draw, journal = leg.lane, leg.draw, self._journal
        if journal is not None:
            draw.attempt = await journal.intend(draw.call, worst_usage(lane, request))
        draw.meter.calls = 1
        begin = draw.sent = self._loop.time()
        chats = isinstance(request, ChatRequest)  # vectors and scores are no completions
        try:
            reply = await _reply(lane, request)
        except BaseException as error:
            self._failed = self._failed or chats
            draw.back = self._loop.time()
            self._charge(draw, failed(lane, request, draw.meter, draw.back - begin, error))
            if journal is not None and draw.attempt is not None:
                journal.failed(draw.attempt, draw.charged)
            raise
        draw.back = self._loop.time()
        leg.seconds = draw.back - begin
        self._completed = self._completed or chats
        self._charge(draw, priced(counted(reply.usage), lane, leg.seconds))
        self._record(leg, request, reply, leg.seconds)
        return reply

    def _record(self, leg: Leg, request: Request, completion: Reply, seconds: float) -> None:
        if self._recorder is None:
            return
        if isinstance(request, ChatRequest) and isinstance(completion, Completion):
            spec = leg.stop.recorded_as or leg.lane.spec
            self._recorder.note(spec, request, completion, seconds)

    def _charge(self, draw: Draw, usage: Usage) -> None:
        draw.charge(usage)
        self.share.attained += usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens
        self._total.add(usage)
        if usage.unknown:
            self._doubtful.add(usage)

    def _request(self, lane: Lane, draw: Draw) -> ChatRequest:
        """The ask's own settings, else the declared model's, else the default."""
        ask, usual = draw.ask, self._usual_of(draw.ask.model)
        able = lane.served.capabilities
        return ChatRequest(
            ask.messages,
            temperature=usual.temperature if ask.temperature is None else float(ask.temperature),
            max_tokens=usual.max_tokens if ask.max_tokens is None else int(ask.max_tokens),
            top_p=usual.top_p,
            seed=draw.seed,
            stop=ask.stop or usual.stop,
            logprobs=able.logprobs,
            priority=draw.share.priority if able.priorities else 0,
            sample=ask.index,
            item=self._item,
            key=f"{self._token}-{draw.number}",
            meter=draw.meter,
        )

    def _usual_of(self, spec: ModelSpec) -> Usual:
        """What calls of a declared model have in common; remembered, since every call asks."""
        known = self._usual.get(id(spec))
        if known is None or known.spec is not spec:
            known = self._usual[id(spec)] = Usual.of(spec)
        return known


async def _reply(lane: Lane, request: Request) -> Reply:
    """What the model is asked for. Scores are one call however an engine gets them."""
    match request:
        case ChatRequest():
            return await lane.chat(request)
        case EmbedRequest():
            vectors = await lane.embed(request)
            _check_count(lane, request, len(vectors.vectors))
            return vectors
        case ScoreRequest():
            scores = await lane.score(request)
            _check_count(lane, request, len(scores.values))
            return replace(scores, usage=replace(scores.usage, calls=1))


def _check_count(lane: Lane, request: EmbedRequest | ScoreRequest, found: int) -> None:
    """One thing for each text. Raises `BrokenReply`."""
    wanted = len(request.texts)
    if found != wanted:
        raise BrokenReply(
            f"`{lane.spec.name}` gave {found} values for {wanted} texts", model=lane.spec.name
        )


async def _reserved(lane: Lane, request: Request, scope: Scope) -> tuple[Request, Reservation]:
    """The request as it may be sent, and its worst case, set aside.

    Without `max_tokens` a call takes what there is; who waits for others looks again then.
    """
    bound = bounded(request, lane, scope)

    def again() -> Amount:
        nonlocal bound
        bound = bounded(request, lane, scope)
        return bound[1]

    unlimited = isinstance(request, ChatRequest) and request.max_tokens is None
    renew = again if unlimited else None
    reservation = await scope.reserve(bound[1], renew)
    return bound[0], reservation
