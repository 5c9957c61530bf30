"""When a list is known well enough: stop rules of the lists that samples and `each` make.

A rule is told finished items one after the other and says when the others are not needed. Most
rules are told them in the order of the list, without gaps: the outcome then follows from the items
alone and not from their order of arrival. Rules with `arrival` are told an item when it is there.

The compiler writes a rule as the attribute `until` of the node that makes the list:

=====================  ==========================================================================
vote, BY, K            the largest group of answers cannot be caught up with any more
posterior, BY, K, P    the largest group stays ahead of the second with probability P (`Ahead`)
items, K               there are K items, and a model has answered for one of them
complete, K            K of the drafts are complete
passed, K              K of the verdicts have passed
perfect, K             K of the verdicts have the score 1, which no other can exceed
any_complete, K        K of the drafts are complete, counted as they arrive
any_answered, BY, K    K of the drafts are complete and have an answer, counted as they arrive
any_scored, S, K       K of the drafts are complete and have a score of at least S, as they arrive
any_passed, K          K of the verdicts have passed, counted as they arrive
=====================  ==========================================================================

A vote also waits for K complete drafts (`min_success`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from graphdsl.ops.candidates import score_of
from graphdsl.ops.context import NOT_NEEDED
from graphdsl.ops.quorum_ballots import Ahead, Ballots, ballot
from graphdsl.values import Draft, Finish, Value, Verdict


class Rule(Protocol):
    """Decides when no more items are needed. One is made for each evaluation of a node."""

    @property
    def arrival(self) -> bool:
        """True when items are told as they arrive, false when in the order of the list."""
        ...

    def counts(self, item: Value) -> bool:
        """True for an item that brings the rule nearer to its end."""
        ...

    def add(self, item: Value) -> bool:
        """Take one more item; True when those that are left are not needed."""
        ...


class Decided:
    """No draft that is left can change who wins the vote, nor make a tie.

    With c1 votes for the leader, c2 for the second and r drafts left that is c1 - c2 > r.
    """

    __slots__ = ("_ballots", "_least", "_left")

    @property
    def arrival(self) -> bool:
        """In the order of the list."""
        return False

    def counts(self, item: Value) -> bool:
        """Every draft: one without an answer is one less."""
        return True

    def __init__(self, total: int, by: str, least: int = 1) -> None:
        self._ballots = Ballots(by)
        self._left = total
        self._least = least

    def add(self, item: Value) -> bool:
        """See `Rule`."""
        ballots = self._ballots
        ballots.add(item)
        self._left -= 1
        return ballots.first - ballots.second > self._left and ballots.complete >= self._least


class Posterior:
    """The leader stays ahead of the second with a given probability; see `Ahead`."""

    __slots__ = ("_ahead", "_ballots", "_least")

    @property
    def arrival(self) -> bool:
        """In the order of the list."""
        return False

    def counts(self, item: Value) -> bool:
        """Every draft: the next is told after it."""
        return True

    def __init__(self, total: int, by: str, least: int, level: float) -> None:
        self._ballots = Ballots(by)
        self._ahead = Ahead(level)
        self._least = least

    def add(self, item: Value) -> bool:
        """See `Rule`."""
        ballots = self._ballots
        ballots.add(item)
        enough = ballots.first > ballots.second and ballots.complete >= self._least
        return enough and ballots.first >= self._ahead.needed(ballots.second)


class Holding:
    """So many items are there that count."""

    __slots__ = ("_counts", "_wanted", "arrival")

    def __init__(self, wanted: int, counts: Callable[[Any], bool], *, arrival: bool) -> None:
        self._wanted = wanted
        self._counts = counts
        self.arrival = arrival

    def counts(self, item: Value) -> bool:
        """Those of which so many are wanted."""
        return self._counts(item)

    def add(self, item: Value) -> bool:
        """See `Rule`."""
        self._wanted -= self._counts(item)
        return self._wanted <= 0


class First:
    """So many items are there, and a model has given something for one of them.

    Where none has, the others are needed to know whether the models work at all: a run of which
    no call was answered has failed.
    """

    __slots__ = ("_answered", "_wanted")

    @property
    def arrival(self) -> bool:
        """In the order of the list."""
        return False

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._answered = False

    def counts(self, item: Value) -> bool:
        """Every item: the next is told after it."""
        return True

    def add(self, item: Value) -> bool:
        """See `Rule`."""
        self._wanted -= 1
        lost = isinstance(item, Draft) and item.finish in (Finish.ERROR, Finish.CANCELLED)
        self._answered = self._answered or not lost
        return self._answered and self._wanted <= 0


def _complete(draft: Draft) -> bool:
    return draft.complete


def _passed(verdict: Verdict) -> bool:
    return verdict.passed


def _perfect(item: Draft | Verdict) -> bool:
    return item.score is not None and item.score >= 1


_COUNTS: Final[Mapping[str, tuple[Callable[[Any], bool], bool]]] = {
    "complete": (_complete, False),
    "passed": (_passed, False),
    "perfect": (_perfect, False),
    "any_complete": (_complete, True),
    "any_passed": (_passed, True),
}
"""What the rules that count look at, and whether they do so on arrival."""


def accepts(until: Any) -> Callable[[Draft], bool]:
    """Which drafts a rule of arrival takes: those that are complete, have an answer, or a score.

    Raises `ValueError` for what is no such rule.
    """
    match until:
        case ("any_complete", _):
            return _complete
        case ("any_answered", str(by), _):
            return lambda draft: ballot(draft, by) is not None
        case ("any_scored", int() | float() as least, _):
            return lambda draft: draft.complete and score_of(draft) >= least
        case _:
            raise ValueError(f"no rule of arrival: {until}")


def perfect(wanted: int) -> Rule:
    """The rule that so many items, drafts or verdicts, have the score 1."""
    return Holding(wanted, _perfect, arrival=False)


def rule_of(until: Any, total: int) -> Rule | None:
    """The rule that an attribute `until` writes, for a list of `total` items; None without one."""
    match until:
        case ("vote", str(by), int(least)):
            return Decided(total, by, least)
        case ("posterior", str(by), int(least), int() | float() as level):
            return Posterior(total, by, least, level)
        case ("any_answered" | "any_scored", _, int(wanted)):
            return Holding(wanted, accepts(until), arrival=True)
        case ("items", int(wanted)):
            return First(wanted)
        case (str(what), int(wanted)) if what in _COUNTS:
            counts, arrival = _COUNTS[what]
            return Holding(wanted, counts, arrival=arrival)
        case _:
            return None


def least_items(until: Any, total: int) -> int:
    """The fewest items of a list of `total` after which its rule may stop; all without a rule."""
    match until:
        case ("vote", _, int(least)):
            return min(total, max(total // 2 + 1, least))
        case ("posterior", _, int(least), int() | float() as level):
            return min(total, max(Ahead(level).needed(0), least, 1))
        case (str(), int(wanted)) | ("any_answered" | "any_scored", _, int(wanted)):
            return min(total, wanted)
        case _:
            return total


def decided_after(items: Sequence[Value], rule: Rule) -> int:
    """How many items, from the first on, the rule needs; all of them when it never decides."""
    for count, item in enumerate(items, 1):
        if rule.add(item):
            return count
    return len(items)


def unneeded(until: Any) -> Value:
    """What stands in a list of drafts or verdicts for an item that was not needed."""
    match until:
        case ("passed" | "any_passed" | "perfect", _):
            return Verdict(False, NOT_NEEDED, finish=Finish.CANCELLED)
        case _:
            return Draft("", finish=Finish.CANCELLED, error=NOT_NEEDED)
