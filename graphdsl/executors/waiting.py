"""Who waits for a place at a model, and who is next.

The order: the tier, then the level of service that the run has attained (least first), then the
longest beginning in common with the call that made room, or was let in last; then the older run,
and within a run the call with the longest path behind it. Every `PATIENCE`-th place goes to whoever
has waited longest instead, so with `n` calls before it a call is let in after at most
`PATIENCE * (n + 1)` others, whatever comes later.

Every call stands in one heap for each mark of its prompt. Entries that are out of date (a call
that was let in through another heap, a run that got more service) are dropped, or put where they
belong, when they come up: adding and taking cost O(log n) for each mark.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from heapq import heappop, heappush
from typing import Final

from graphdsl.executors.prefixes import Marks, marks_of
from graphdsl.executors.share import Claim, Share
from graphdsl.values import Messages

PATIENCE: Final = 16
"""Of so many places, one goes to whoever has waited longest."""

_SLACK: Final = 64
"""Entries out of date that are always tolerated."""

_NOBODY: Final = Messages(())

Turn = Future[None]
_Key = tuple[int, int]


class Entry:
    """One call that waits; `key` is the tier and the level that it stands in now."""

    __slots__ = ("gone", "key", "marks", "order", "share", "turn")

    def __init__(self, turn: Turn, share: Share, marks: Marks, order: tuple[int, int, int]) -> None:
        self.turn = turn
        self.share = share
        self.marks = marks
        self.order = order
        self.key = _key(share)
        self.gone = False


_Heap = list[tuple[tuple[int, int, int], Entry]]


class _Level:
    """The calls of one tier and level: all of them, and by what their prompts begin with."""

    __slots__ = ("alike", "everybody", "key")

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.everybody: _Heap = []
        self.alike: dict[int, _Heap] = {}

    def add(self, entry: Entry) -> None:
        item = entry.order, entry
        heappush(self.everybody, item)
        for mark in entry.marks:
            heappush(self.alike.setdefault(mark, []), item)

    def first(self, warm: Marks) -> Entry | None:
        """The next call: the one most like the warm prompt, if any is, else the first."""
        for mark in reversed(warm):
            heap = self.alike.get(mark)
            if heap is None:
                continue
            if self._trimmed(heap):
                return heap[0][1]
            del self.alike[mark]
        return self.everybody[0][1] if self._trimmed(self.everybody) else None

    def _trimmed(self, heap: _Heap) -> _Heap:
        """The heap without what is out of date at its top."""
        while heap:
            entry = heap[0][1]
            if not entry.gone and not entry.turn.done() and entry.key == self.key:
                break
            heappop(heap)
        return heap


class Waiting:
    """The calls that wait at one model. `live` are those that have not been let in or dropped.

    With a `patience` of 1 the order is that of arrival.
    """

    __slots__ = (
        "_arrivals",
        "_known",
        "_levels",
        "_number",
        "_patience",
        "_stale",
        "_turns",
        "_warm",
        "live",
    )

    def __init__(self, patience: int = PATIENCE) -> None:
        self.live = 0
        self._patience = patience
        self._stale = 0
        self._number = 0
        self._turns = 0
        self._warm: Marks = ()
        self._known: tuple[Messages, Marks] = (_NOBODY, ())
        self._arrivals: deque[Entry] = deque()
        self._levels: dict[_Key, _Level] = {}

    def add(self, turn: Turn, claim: Claim | None) -> Entry:
        """Let a call wait for its turn; without a claim it is a run of its own."""
        share = Share() if claim is None else claim.share
        marks = () if claim is None else self._marks(claim.messages)
        rank = 0 if claim is None else claim.rank
        entry = Entry(turn, share, marks, (share.number, -rank, self._number))
        self._number += 1
        self._arrivals.append(entry)
        self._put(entry)
        self.live += 1
        return entry

    def drop(self, entry: Entry) -> None:
        """The call waits no more; nothing happens where it had its turn."""
        if not entry.gone:
            self._leave(entry)
            self._sweep()

    def take(self) -> Turn | None:
        """The turn of the next call, which then waits no more; None when nobody does."""
        self._turns += 1
        longest = not self._turns % self._patience
        entry = self._longest() if longest else self._best()
        if entry is None:
            return None
        self._leave(entry)
        self._warm = entry.marks
        self._sweep()
        return entry.turn

    def warmed(self, messages: Messages) -> None:
        """A call with this prompt has just left: what begins alike is cheap now."""
        self._warm = self._marks(messages)

    def clear(self) -> list[Turn]:
        """Everybody's turn, in the order of arrival; nobody waits any more."""
        turns = [entry.turn for entry in self._arrivals if not entry.gone]
        for entry in self._arrivals:
            entry.gone = True
        self._arrivals.clear()
        self._levels.clear()
        self.live = self._stale = 0
        return turns

    def _longest(self) -> Entry | None:
        arrivals = self._arrivals
        while arrivals:
            entry = arrivals[0]
            if not entry.gone and not entry.turn.done():
                return entry
            self._forget(arrivals.popleft())
        return None

    def _best(self) -> Entry | None:
        while self._levels:
            key = min(self._levels)
            entry = self._levels[key].first(self._warm)
            if entry is None:
                del self._levels[key]
                continue
            if _key(entry.share) == key:
                return entry
            entry.key = _key(entry.share)
            self._put(entry)
        self._longest()  # nobody is left but those who were cancelled: note that
        return None

    def _put(self, entry: Entry) -> None:
        level = self._levels.get(entry.key)
        if level is None:
            level = self._levels[entry.key] = _Level(entry.key)
        level.add(entry)

    def _leave(self, entry: Entry) -> None:
        entry.gone = True
        self.live -= 1
        self._stale += 1

    def _forget(self, entry: Entry) -> None:
        if not entry.gone:
            self._leave(entry)

    def _sweep(self) -> None:
        """Build everything anew once most of it is out of date."""
        if self._stale <= 2 * self.live + _SLACK:
            return
        kept = [entry for entry in self._arrivals if not entry.gone]
        self._arrivals = deque(kept)
        self._levels = {}
        self._stale = 0
        for entry in kept:
            self._put(entry)

    def _marks(self, messages: Messages) -> Marks:
        """The marks of a prompt; samples of one node come together and share theirs."""
        if self._known[0] is not messages:
            self._known = messages, marks_of(messages)
        return self._known[1]


def _key(share: Share) -> _Key:
    return share.tier, share.level
