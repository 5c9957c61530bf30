"""One run's part of a journal: what it has from earlier lives, and what it adds in this one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graphdsl.executors.journal.past import Past, digests
from graphdsl.executors.journal.records import JournalRecord
from graphdsl.values import Draft, Usage, Value

_NOTHING: Final = Usage()


class Sink(Protocol):
    """Where records go. `id` names the journal among all others."""

    @property
    def id(self) -> str: ...

    def put(self, record: JournalRecord) -> None:
        """Write a record with those that follow; nobody waits for it."""
        ...

    async def commit(self, record: JournalRecord) -> None:
        """Write a record, and return when it is durable. Raises `JournalFailed`."""
        ...

    def entered(self) -> None:
        """A run begins to use the journal."""
        ...

    def left(self) -> None:
        """A run needs the journal no more, however it ended."""
        ...

    def reached(self, point: str) -> None:
        """A named point of a run; tests end the process there."""
        ...


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample of an earlier life, without its prompt. `usage` is what all attempts at it cost."""

    draft: Draft
    usage: Usage


class RunJournal:
    """The journal as one run sees it; `begin` first, `leave` last.

    A call is a text that names a sample in the run: its node, model, place and prompt.
    """

    __slots__ = ("_attempts", "_past", "_sink", "_spent", "_told", "_using", "name")

    def __init__(self, name: str, sink: Sink, past: Past) -> None:
        self.name = name
        self._sink = sink
        self._past = past
        self._told: set[str] = set()
        self._spent = past.fold()
        self._attempts = past.attempts
        self._using = False

    async def begin(
        self, graph_hash: str, inputs: Mapping[str, Any], seed: int, split: str | None = None
    ) -> None:
        """Say what runs, and of which split of the data, which decides what memories show it.

        Raises `InputError` when an earlier life ran something else.
        """
        self._past.check(graph_hash, inputs, seed, split)
        if self._past.begun is None:
            self._sink.put(("begin", self.name, graph_hash, digests(inputs), seed, split or None))
        self._using = True
        self._sink.entered()

    @property
    def spent(self) -> tuple[Usage, Usage]:
        """What earlier lives have spent for certain, and the worst case of what nobody knows."""
        return self._spent

    @property
    def token(self) -> str:
        """A name of the run, the same in all its lives and that of no other run."""
        return token_of(self._sink.id, self.name)

    @property
    def answered(self) -> bool:
        """True when an earlier life has completed a sample."""
        return bool(self._past.drafts)

    @property
    def status(self) -> str | None:
        """How an earlier life of the run ended; None where none has."""
        return self._past.status

    def sampled(self, call: str) -> Sampled | None:
        """A completed sample of an earlier life."""
        draft = self._past.drafts.get(call)
        return None if draft is None else Sampled(draft, self._past.spent_on[call])

    def owed(self, call: str) -> Usage:
        """What earlier lives have spent on a sample that none of them got.

        It is told once, since calls of one name may be many: the same text, asked for twice.
        """
        if call in self._told:
            return _NOTHING
        self._told.add(call)
        return self._past.spent_on.get(call, _NOTHING)

    async def intend(self, call: str, worst: Usage) -> int:
        """Say that a call is about to be sent, durably. Gives the number of the attempt.

        Cancelled, it is not sent, and that is noted. Raises `JournalFailed`: do not send.
        """
        self._attempts = attempt = self._attempts + 1
        self._sink.reached("before intent")
        try:
            await self._sink.commit(("intent", self.name, attempt, call, worst))
        except asyncio.CancelledError:
            self.failed(attempt, _NOTHING)
            raise
        self._sink.reached("after intent")
        return attempt

    def failed(self, attempt: int, usage: Usage) -> None:
        """Say what an attempt has cost that gave no completion. Does not wait for the disk."""
        self._sink.put(("failed", self.name, attempt, usage))

    async def completed(self, attempt: int | None, call: str, draft: Draft, usage: Usage) -> None:
        """Keep a sample, durably. `usage` is what the attempt cost; None: nobody was asked.

        Raises `JournalFailed`: the sample must not be used.
        """
        self._sink.reached("before result")
        await self._sink.commit(("sample", self.name, attempt, call, draft, usage))
        self._sink.reached("after result")

    def node(self, address: str) -> tuple[Value] | None:
        """The value of a node that an earlier life has kept whole, in a tuple of one."""
        return self._past.nodes.get(address)

    def spent_on(self, address: str, *, inside: bool) -> Usage:
        """What earlier lives have spent on the samples of a node; with `inside` on those of the
        nodes in its regions as well."""
        return self._past.spent_at(address, inside=inside)

    async def keep(self, address: str, value: Value) -> None:
        """Keep a node's value, durably. Raises `JournalFailed`: it must not be used.

        Raises `TypeError` for what is no value of a graph.
        """
        await self._sink.commit(("node", self.name, address, value))

    async def end(self, status: str, usage: Usage) -> None:
        """Say how the run ended, durably. Raises `JournalFailed`."""
        self._sink.reached("before end")
        await self._sink.commit(("end", self.name, status, usage))
        self._sink.reached("after end")

    def leave(self) -> None:
        """The run needs the journal no more, however it ended; may be called twice."""
        if self._using:
            self._using = False
            self._sink.left()


def token_of(journal: str, name: str) -> str:
    """What names a run among those of all journals."""
    return f"{journal}/{name}"
