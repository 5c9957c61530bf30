"""What a journal knows of a run's earlier lives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from graphdsl.errors import InputError
from graphdsl.executors.journal.records import JournalRecord
from graphdsl.executors.journal.value_codec import encode_value
from graphdsl.values import Draft, Usage, Value

_NOTHING: Final = Usage()


@dataclass(slots=True)
class Past:
    """The earlier lives of one run, as its records tell.

    `begun` is its graph hash, digests of its inputs, seed, and split. `open` are attempts whose end
    is not known, with their call and worst case; `spent_on` is what the other attempts have cost,
    by call, and `by_node` the same by node, once somebody asked. `settled` is what was spent for
    certain, `unseen` the worst case of attempts that did end, but nobody saw how.
    """

    begun: tuple[str, Mapping[str, str], int, str | None] | None = None
    status: str | None = None
    attempts: int = 0
    settled: Usage = _NOTHING
    unseen: Usage = _NOTHING
    drafts: dict[str, Draft] = field(default_factory=dict[str, Draft])
    nodes: dict[str, tuple[Value]] = field(default_factory=dict[str, tuple[Value]])
    spent_on: dict[str, Usage] = field(default_factory=dict[str, Usage])
    by_node: dict[str, Usage] = field(default_factory=dict[str, Usage])
    open: dict[int, tuple[str, Usage]] = field(default_factory=dict[int, tuple[str, Usage]])

    @property
    def valuable(self) -> bool:
        """True when something may have been paid for."""
        return bool(self.attempts or self.drafts or self.nodes)

    @property
    def spent(self) -> Usage:
        """What all attempts have cost, those whose end nobody saw at their worst case."""
        lost = (worst for _, worst in self.open.values())
        return sum(lost, self.settled + self.unseen)

    def take(self, record: JournalRecord) -> None:
        """Note one more record of the run."""
        note = _NOTES.get(record[0])
        if note is not None:
            note(self, *record[2:])

    def check(
        self, graph_hash: str, inputs: Mapping[str, Any], seed: int, split: str | None
    ) -> None:
        """Raise `InputError` when this is not what an earlier life of the run was about."""
        begun = self.begun
        if begun is None:
            return
        if begun[0] != graph_hash:
            raise InputError(f"the program or its models have changed since {_AGAIN}")
        for name, digest in digests(inputs).items():
            if begun[1].get(name) != digest:
                raise InputError(f"input `{name}` has changed since {_AGAIN}")
        if missing := begun[1].keys() - inputs.keys():
            raise InputError(f"input `{min(missing)}` was given when {_AGAIN}")
        if begun[2] != seed:
            raise InputError(f"the seed was {begun[2]}, not {seed}, when {_AGAIN}")
        if begun[3] != (split or None):  # what it has seen of memories may not be for others to see
            before, now = (f"`{one}`" if one else "none" for one in (begun[3], split))
            raise InputError(f"the split was {before}, not {now}, when {_AGAIN}")

    def fold(self) -> tuple[Usage, Usage]:
        """No more records come: what is still open counts in `spent_on`, and stays so.

        Gives what was spent for certain, and the worst case of every attempt whose end nobody saw.
        """
        doubtful = self.unseen
        for call, worst in self.open.values():
            doubtful += worst
            self.spent_on[call] = self.spent_on.get(call, _NOTHING) + worst
        self.open.clear()
        return self.settled, doubtful

    def spent_at(self, address: str, *, inside: bool) -> Usage:
        """What was spent on the samples of a node, and of those inside of it."""
        if not self.by_node:
            for call, usage in self.spent_on.items():
                node = call.partition(" ")[0]
                self.by_node[node] = self.by_node.get(node, _NOTHING) + usage
        total = self.by_node.get(address, _NOTHING)
        if inside:
            within = (usage for node, usage in self.by_node.items() if _inside(node, address))
            total = sum(within, total)
        return total

    def _begin(
        self, graph_hash: str, inputs: Mapping[str, str], seed: int, split: str | None = None
    ) -> None:
        self.begun = graph_hash, inputs, seed, split

    def _intent(self, attempt: int, call: str, worst: Usage) -> None:
        self.open[attempt] = call, worst
        self.attempts = max(self.attempts, attempt)

    def _failed(self, attempt: int, usage: Usage) -> None:
        call, _ = self.open.pop(attempt, ("", _NOTHING))
        self._spend(call, usage)

    def _sample(self, attempt: int | None, call: str, draft: Draft, usage: Usage) -> None:
        if attempt is not None:
            self.open.pop(attempt, None)
        self.drafts[call] = draft
        self._spend(call, usage)

    def _node(self, address: str, value: Value) -> None:
        self.nodes[address] = (value,)

    def _end(self, status: str, _usage: Usage) -> None:
        self.status = status

    def _spend(self, call: str, usage: Usage) -> None:
        if usage.unknown:
            self.unseen += usage
        else:
            self.settled += usage
        self.spent_on[call] = self.spent_on.get(call, _NOTHING) + usage


_NOTES: Final[Mapping[str, Callable[..., Any]]] = {
    "begin": Past._begin,  # pyright: ignore[reportPrivateUsage]
    "intent": Past._intent,  # pyright: ignore[reportPrivateUsage]
    "failed": Past._failed,  # pyright: ignore[reportPrivateUsage]
    "sample": Past._sample,  # pyright: ignore[reportPrivateUsage]
    "node": Past._node,  # pyright: ignore[reportPrivateUsage]
    "end": Past._end,  # pyright: ignore[reportPrivateUsage]
}


_AGAIN: Final = (
    "this run began, so it cannot go on; begin a new run: what is asked again as it was, a cache "
    "answers"
)


def _inside(node: str, outer: str) -> bool:
    """Whether a node is in a region of another, both with the rounds that lead to them.

    >>> _inside("f.loop.draft[2][0]", "f.loop[2]"), _inside("f.loop.draft[1][0]", "f.loop[2]")
    (True, False)
    """
    path, _, rounds = node.partition("[")
    outer_path, _, outer_rounds = outer.partition("[")
    return path.startswith(f"{outer_path}.") and rounds.startswith(outer_rounds)


def digests(inputs: Mapping[str, Any]) -> dict[str, str]:
    """A digest of each input, by its name."""
    return {name: _digest(value) for name, value in sorted(inputs.items())}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=_encoded)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _encoded(value: Any) -> Any:
    return encode_value(value, {})
