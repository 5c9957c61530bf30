"""Drawing one sample: its seed, its deadline, what is left of it in the trace."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import chain, count
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

from graphdsl.errors import BackendError, BudgetExceeded, GraphDslError
from graphdsl.executors.abc import Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.calling import Caller
from graphdsl.executors.crew import ItemCrew
from graphdsl.executors.draw import Draw
from graphdsl.executors.hush import Hush
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.executors.need import Need, exhaust
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.seeds import explicit_seed, sample_seed, stream_seed
from graphdsl.executors.trace import Call, Record
from graphdsl.ops.context import NOT_NEEDED, Ask, Rated, ScoreAsk
from graphdsl.plan import Budget, ModelSpec
from graphdsl.values import Draft, Finish, Message, Messages, Usage

if TYPE_CHECKING:
    from graphdsl.executors.journal.run_journal import RunJournal

Made = TypeVar("Made")

_START: Final = attrgetter("start")
"""Calls stand in a trace in the order in which they were asked for, not that of their ends."""


_DEFAULT: Final = RunOptions()


def call_name(ask: Ask, address: str) -> str:
    """What a sample is called in a journal: its node, model, place in the node, and prompt."""
    parts = (f"{turn.role}\x1f{turn.content}" for turn in ask.messages.turns)
    return f"{address} {ask.model.name} {ask.stream}.{ask.index} {_digest(parts)}"


def score_name(ask: ScoreAsk, address: str) -> str:
    """What a call for scores is called in a journal."""
    parts = (f"{turn.role}\x1f{turn.content}" for turn in ask.messages.turns)
    texts = (f"\x1f\x1f{text}" for text in ask.texts)
    return f"{address} {ask.model.name} {ask.kind} {_digest(chain(parts, texts))}"


def _digest(parts: Iterable[str]) -> str:
    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(f"{part}\x1e".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class Sampler:
    """Draws the samples of one run.

    `kept`: addresses of nodes that a journal keeps whole. `remembers`: samples may be known.
    """

    def __init__(
        self,
        backends: Backends,
        loop: asyncio.AbstractEventLoop,
        options: RunOptions = _DEFAULT,
        scope: Scope | None = None,
    ) -> None:
        self._caller = Caller(backends, loop, options, Scope(Budget()) if scope is None else scope)
        self._seed = options.seed
        self._loop = loop
        self._start = loop.time()
        self._content = options.content
        self._scripted = options.scripted
        self._numbers = count()
        self._stream: tuple[str, str, int] | None = None
        self._first = 0
        self.journal = options.journal
        self.sandbox = options.sandbox
        self.kept: set[str] = set()
        self.remembers = options.journal is not None or options.cache is not None
        self._hush = Hush()

    @property
    def usage(self) -> Usage:
        """What the run has spent so far."""
        return self._caller.usage

    @property
    def doubtful(self) -> Usage:
        """What part of it stands for calls whose end nobody saw, at its worst case."""
        return self._caller.doubtful

    @property
    def saved(self) -> Usage:
        """What the samples from the cache would have cost."""
        return self._caller.saved

    @property
    def fruitless(self) -> bool:
        """True when models were asked and none gave a completion."""
        return self._caller.fruitless

    def resume(self, journal: RunJournal) -> None:
        """Count what earlier lives of the run have spent."""
        self._caller.resume(journal)

    def replayed(self, spent: Usage, scope: Scope, record: Record | None) -> None:
        """A node's value came from the journal, and cost so much in an earlier life."""
        self._caller.replayed(spent, scope)
        if record is not None:
            record.notes.append("from the journal")
            now = self.now()
            record.calls.append(Call("", 0, None, "stop", spent, now, 0.0, origin="journal"))

    def now(self) -> float:
        """Seconds since the run began."""
        return self._loop.time() - self._start

    def clock(self) -> float:
        """The time by which deadlines are told."""
        return self._loop.time()

    async def draw(
        self,
        ask: Ask,
        address: str,
        scope: Scope,
        record: Record | None,
        rank: int = 0,
        need: Need | None = None,
    ) -> Draft:
        """One sample; a model's failure or a refusal of the budget is a draft that says so.

        `rank` are the model calls on the longest path that waits for it. `need` says what it is
        for; without one it is needed whatever comes.
        Raises `BackendError` when no model can be opened, which no value can stand for, and
        `InputError` when money is limited and nobody knows what a model costs.
        """
        need = Need() if need is None else need
        need.begun += 1
        draw = self._new_draw(ask, address, scope, rank)
        try:
            if not ask.messages.turns:
                draft = draw.failed(Finish.ERROR, "the prompt rendered to nothing")
            elif scope.deadline is None:
                draft = await self._caller.answer(draw)
            else:
                draft = await self._by(scope.deadline, draw)
            if draw.fresh and self.journal is not None:  # whatever the deadline: it is paid for
                await self.journal.completed(draw.attempt, draw.call, draft, draw.charged)
        except Refused as refusal:
            draft = draw.failed(Finish.CANCELLED, str(refusal))
            need.refuse(ask, refusal, scope, record)
        except asyncio.CancelledError as error:
            if record is not None:
                self._note_cancelled(record, draw, NOT_NEEDED in error.args or need.over)
            raise
        except GraphDslError as error:
            if record is not None and draw.spent.calls:
                draw.kind = type(error).__name__
                self._note(record, draw.failed(Finish.ERROR, str(error)), draw)
            raise
        if record is not None:
            self._note(record, draft, draw)
        return draft

    async def draw_in_turn(
        self, ask: Ask, address: str, scope: Scope, record: Record | None, rank: int, need: Need
    ) -> Draft:
        """`draw` where samples may turn out not to be needed.

        Those that are known, from an earlier life of the run or a cache, come first: they may
        decide that no model need be asked.
        """
        if await self._known(self._new_draw(ask, address, scope, rank), need, record):
            self._hush.begin()
            try:
                return await self.draw(ask, address, scope, record, rank, need)
            finally:
                self._hush.end()
        return await self.draw(ask, address, scope, record, rank, need)

    async def _known(self, draw: Draw, need: Need, record: Record | None) -> bool:
        """Whether a sample is known; where it is not, those that are have been told by then.

        Raises `CancelledError` when it is not needed any more.
        """
        try:
            async with asyncio.timeout_at(draw.scope.deadline):
                if await self._caller.knows(draw):
                    return True
                await self._hush.quiet()
            if need.over:
                raise asyncio.CancelledError(NOT_NEEDED)
        except TimeoutError:  # the draw finds that out, and says so
            return False
        except asyncio.CancelledError:
            need.begun += 1
            if record is not None:
                record.spared += need.over
            raise
        return False

    async def embed(
        self,
        model: ModelSpec,
        texts: Sequence[str],
        address: str,
        scope: Scope,
        record: Record | None,
        crew: ItemCrew | None = None,
    ) -> Sequence[Sequence[float]]:
        """A vector for each text, paid from the budget like a sample. Raises like `_beside`."""
        asked = Messages(tuple(Message("user", text) for text in texts))

        async def vectors(draw: Draw) -> tuple[Sequence[Sequence[float]], Usage]:
            made = await self._caller.embed(draw, tuple(texts))
            return made.vectors, made.usage

        ask = Ask(model, asked)
        call = "" if self.journal is None else call_name(ask, address)
        return await self._beside(ask, call, scope, record, crew, vectors)

    async def score(
        self,
        ask: ScoreAsk,
        address: str,
        scope: Scope,
        record: Record | None,
        crew: ItemCrew | None = None,
    ) -> Rated:
        """Scores of texts, paid from the budget like a sample. Raises like `_beside`."""

        async def rated(draw: Draw) -> tuple[Rated, Usage]:
            made = await self._caller.score(draw, ask)
            return Rated(made.values, made.logprobs), made.usage

        asked = Ask(ask.model, ask.messages)
        call = "" if self.journal is None else score_name(ask, address)
        return await self._beside(asked, call, scope, record, crew, rated)

    async def _beside(
        self,
        ask: Ask,
        call: str,
        scope: Scope,
        record: Record | None,
        crew: ItemCrew | None,
        work: Callable[[Draw], Awaitable[tuple[Made, Usage]]],
    ) -> Made:
        """What a model gives that is no sample; `call` is its name in the journal.

        The trace has it as a call when something was spent on it, or when it failed.
        Raises `BudgetExceeded` where the budget does not allow it, and `BackendError` where the
        model gives none.
        """
        draw = Draw(ask, 0, scope, next(self._numbers), self.now(), call, self._caller.share, 0)
        clock = asyncio.timeout_at(scope.deadline)
        ended: Draft | None = None
        try:
            async with clock:
                made, usage = await work(draw)
            ended = draw.answered(ask.model.name, Completion("", Finish.STOP, usage))
            return made
        except (TimeoutError, Refused) as error:
            if isinstance(error, TimeoutError) and not clock.expired():
                raise
            refusal = error if isinstance(error, Refused) else scope.overdue()
            exhaust(refusal, scope, crew, record)
            ended = draw.failed(Finish.CANCELLED, str(refusal))
            raise BudgetExceeded(str(refusal)) from None
        except BackendError as error:
            draw.kind = type(error).__name__
            ended = draw.failed(Finish.ERROR, str(error))
            raise
        except asyncio.CancelledError as error:
            if draw.spent.calls:
                reason = NOT_NEEDED if NOT_NEEDED in error.args else "the run was cancelled"
                reason = str(scope.overdue()) if clock.expired() else reason
                ended = draw.failed(Finish.CANCELLED, reason)
            raise
        finally:
            if record is not None and ended is not None:
                self._note(record, ended, draw)

    def chance(self, address: str, stream: str) -> Random:
        """Random numbers that follow from the run's seed, a node's address and a name."""
        return Random(stream_seed(self._seed, address, stream, 0))

    async def _by(self, deadline: float, draw: Draw) -> Draft:
        clock = asyncio.timeout_at(deadline)
        try:
            async with clock:
                return await self._caller.answer(draw)
        except TimeoutError:
            if not clock.expired():
                raise
            raise draw.scope.overdue() from None

    def _new_draw(self, ask: Ask, address: str, scope: Scope, rank: int) -> Draw:
        call = "" if self.journal is None else call_name(ask, address)
        seed = self._seed_of(ask, address)
        share = self._caller.share
        return Draw(ask, seed, scope, next(self._numbers), self.now(), call, share, rank)

    def _seed_of(self, ask: Ask, address: str) -> int:
        if self._scripted:
            return sample_seed(0, ask.index)
        if ask.seed is not None:
            return sample_seed(explicit_seed(int(ask.seed), ask.stream), ask.index)
        stream = address, ask.model.name, ask.stream
        if self._stream != stream:  # the samples of a stream mostly come one after another
            self._stream = stream
            self._first = stream_seed(self._seed, *stream)
        return sample_seed(self._first, ask.index)

    def _note_cancelled(self, record: Record, draw: Draw, unneeded: bool) -> None:
        """A deadline in the same turn of the loop takes the message away: hence `unneeded`."""
        record.spared += unneeded
        if draw.spent.calls:
            reason = NOT_NEEDED if unneeded else "the run was cancelled"
            self._note(record, draw.failed(Finish.CANCELLED, reason), draw)

    def _note(self, record: Record, draft: Draft, draw: Draw) -> None:
        if draw.notes:
            record.notes += draw.notes
        record.passes += draw.passes
        record.retries += draw.retries
        # what a journal takes to keep an answer is no time at the model
        ended = draw.back if draw.fresh and draw.origin == "model" else None
        seconds = (self._loop.time() if ended is None else ended) - self._start - draw.start
        sent = seconds if draw.sent is None else draw.sent - self._start - draw.start
        call = Call(
            draft.model,
            draft.sample,
            draft.seed,
            draft.finish.value,
            draw.usage,
            draw.start,
            seconds,
            draft.error,
            draw.ask.messages.turns if self._content else None,
            draft.text if self._content else None,
            draw.kind,
            draw.origin,
            draw.saved,
            sent,
        )
        insort(record.calls, call, key=_START)
