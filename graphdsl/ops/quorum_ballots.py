"""Counting answers one draft after the other, and when their leader cannot be caught any more."""

from __future__ import annotations

from fractions import Fraction

from graphdsl.ops.extract import Found, find_answer
from graphdsl.values import Draft


def ballot(draft: Draft, by: str) -> Found | None:
    """The answer that a draft votes for; None where it has none, or is not complete (rule G1)."""
    if not draft.complete:
        return None
    found = find_answer(draft.text, by)
    if found is None and draft.answer is not None:
        found = find_answer(draft.answer, by)
    return found


class Ballots:
    """The votes of drafts that come one by one.

    `first` and `second` are the sizes of the two largest groups of equal answers, 0 where there
    is no such group; `complete` counts the drafts that ended by themselves.
    """

    __slots__ = ("_by", "_leader", "_sizes", "complete", "first", "second")

    def __init__(self, by: str) -> None:
        self._by = by
        self._sizes: dict[str, int] = {}
        self._leader: str | None = None
        self.first = 0
        self.second = 0
        self.complete = 0

    def add(self, draft: Draft) -> None:
        """Count one more draft."""
        self.complete += draft.complete
        found = ballot(draft, self._by)
        if found is None:
            return
        size = self._sizes[found.key] = self._sizes.get(found.key, 0) + 1
        if found.key == self._leader:
            self.first = size
        elif size > self.first:
            self._leader, self.first, self.second = found.key, size, self.first
        else:
            self.second = max(self.second, size)


class Ahead:
    """How many votes make it probable enough that a leader stays before a runner-up.

    A vote goes to the leader rather than the runner-up with a probability p of which nothing is
    known before, p ~ Beta(1, 1). After c1 votes against c2 it is Beta(c1 + 1, c2 + 1), and
    P(p > 1/2) = 1 - F / 2^n with n = c1 + c2 + 1 and F = C(n, 0) + … + C(n, c2): a finite sum of
    whole numbers, so nothing is rounded. The rule is that of its_hub (pull request 266), which
    stops at P >= 0.95; the prior is ours.
    """

    __slots__ = ("_edge", "_missing", "_parts", "_second", "_tail", "_total")

    def __init__(self, level: float) -> None:
        share = Fraction(str(level))
        self._missing = share.denominator - share.numerator
        self._parts = share.denominator
        self._second = 0
        self._total = 1
        self._tail = 1
        self._edge = 1

    def needed(self, second: int) -> int:
        """The fewest votes with which the leader is ahead of `second` votes.

        `second` must not become smaller from call to call: the sum goes on where it was.
        """
        self._advance()
        while self._second < second:
            self._edge = self._edge * (self._total - self._second) // (self._second + 1)
            self._second += 1
            self._tail += self._edge
            self._advance()
        return self._total - 1 - self._second

    def _advance(self) -> None:
        """Add votes for the leader until F / 2^n is small enough."""
        while self._tail * self._parts > self._missing << self._total:
            self._tail = 2 * self._tail - self._edge
            self._total += 1
            self._edge = self._edge * self._total // (self._total - self._second)
