"""The chain of nodes that decided how long a run took.

`Record.after` names the node whose end made another ready, so that the chain can be followed
backwards from the last end: exact, since the engine starts a node the moment it is ready. Traces of
earlier versions do not have it; there the latest end before a node's start stands for it. What
stands inside a loop or branch has a chain of its own, from the start of the loop to its end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.executors.trace import Record, Trace, without_rounds

_IN_TURN: Final = frozenset({"repeat", "fold"})
"""Loops whose rounds follow each other."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A node on the path. `wait` are the seconds from when it could have started to its start.

    `inner` is the path through what ran inside it.
    """

    record: Record
    wait: float
    inner: tuple[Hop, ...] = ()


@dataclass(slots=True)
class _Siblings:
    """Records of one frame, or of all rounds of a loop: those that can have waited for each other.

    `exact` says that the engine noted who waited for whom, `in_turn` that rounds waited for the
    rounds before. `ended` are in the order of their `ends`.
    """

    by_address: dict[str, Record]
    exact: bool
    in_turn: bool
    ended: list[Record]
    ends: list[float] = field(default_factory=list[float])

    @staticmethod
    def of(records: Sequence[Record], in_turn: bool) -> _Siblings:
        ran = [one for one in records if one.status != "skipped" and one.end is not None]
        ended = sorted(ran, key=_end)
        exact = any(one.after is not None for one in records) or len(records) < 2
        addresses = {one.address: one for one in ran}
        return _Siblings(addresses, exact, in_turn, ended, [_end(one) for one in ended])

    def before(self, record: Record) -> Record | None:
        """Whom a node waited for."""
        if record.after is not None:
            return self.by_address.get(record.after)
        if self.exact and not self.in_turn:
            return None
        at = bisect_right(self.ends, record.start)
        for other in reversed(self.ended[:at]):
            if other is not record and not (self.exact and _round(other) == _round(record)):
                return other
        return None


def critical_path(trace: Trace) -> tuple[Hop, ...]:
    """The path of a run, first node first; empty where no node ended."""
    return _path(trace.nodes, 0.0, in_turn=False)


def hops_by_address(path: Sequence[Hop]) -> dict[str, Hop]:
    """The hops of a path and of the paths inside it."""
    found: dict[str, Hop] = {}
    stack = list(path)
    while stack:
        hop = stack.pop()
        found[hop.record.address] = hop
        stack.extend(hop.inner)
    return found


def _path(records: Sequence[Record], start: float, *, in_turn: bool) -> tuple[Hop, ...]:
    siblings = _Siblings.of(records, in_turn)
    chain: list[Record] = []
    seen: set[int] = set()
    record = siblings.ended[-1] if siblings.ended else None
    while record is not None and id(record) not in seen:
        seen.add(id(record))
        chain.append(record)
        record = siblings.before(record)
    hops: list[Hop] = []
    for one in reversed(chain):
        inner = _path(one.children, one.start, in_turn=one.op in _IN_TURN)
        hops.append(Hop(one, max(0.0, one.start - start), inner))
        start = _end(one)
    return tuple(hops)


def _end(record: Record) -> float:
    return record.start + record.seconds


def _round(record: Record) -> str:
    """The rounds in the address: `[2]`."""
    return record.address.removeprefix(without_rounds(record.address))
