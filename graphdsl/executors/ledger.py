"""Budgets that hold at every instant: reserve the worst case, settle what it was, give back.

Scopes nest (run, `within` blocks); a reservation counts in its scope and in all around it. What
does not fit beside other reservations waits for them, first come first served in each scope;
what would not fit even without them is refused. All methods run on one event loop, so each is
atomic.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from graphdsl.plan import Budget
from graphdsl.prices import pico
from graphdsl.values import Usage


@dataclass(frozen=True, slots=True)
class Amount:
    """What a budget counts: calls, prompt tokens, completion tokens, money in 1e-12 USD, FLOPs."""

    calls: int = 0
    prompt: int = 0
    completion: int = 0
    cost: int = 0
    flops: int = 0

    @staticmethod
    def of(usage: Usage) -> Amount:
        """The countable part of a usage; a cost that nobody knows counts for nothing."""
        return Amount(
            usage.calls,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.cost or 0,
            usage.flops,
        )

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls,
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.cost + other.cost,
            self.flops + other.flops,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.calls - other.calls,
            self.prompt - other.prompt,
            self.completion - other.completion,
            self.cost - other.cost,
            self.flops - other.flops,
        )


ZERO: Final = Amount()


def excess(limits: Budget, amount: Amount) -> str | None:
    """The first limit that an amount is over, as the program would write it; None when it fits."""
    counted = (
        ("calls", limits.calls, amount.calls),
        ("tokens", limits.tokens, amount.prompt + amount.completion),
        ("prompt_tokens", limits.prompt_tokens, amount.prompt),
        ("completion_tokens", limits.completion_tokens, amount.completion),
    )
    for name, limit, count in counted:
        if limit is not None and count > limit:
            return f"{name}({limit})"
    if limits.usd is not None and amount.cost > pico(limits.usd):
        return f"usd({limits.usd:g})"
    if limits.flops is not None and amount.flops > limits.flops:
        return f"flops({limits.flops:g})"
    return None


class Refused(Exception):
    """A sample does not fit the budget; `limit` of `scope` is the limit as the program writes it.

    By itself that exhausts nothing: see `Scope.exhaust`.
    """

    def __init__(self, limit: str, scope: Scope) -> None:
        self.limit = limit
        self.scope = scope
        super().__init__(f"budget exhausted: {limit}")


class Scope:
    """One budget and what was spent under it.

    `deadline` is in the loop's time, the earliest of this and all outer scopes. `limited` says
    whether this or an outer scope has any limit: without one nothing need be reserved. `counting`
    makes it one that is, for those who want to know what was spent. `exhausted` is the limit that
    first refused or cut a sample that counts, here or within, if any. `unpriced`: something was
    spent that nobody knows the price of.
    """

    __slots__ = (
        "_limited",
        "_waiting",
        "deadline",
        "exhausted",
        "limited",
        "limits",
        "parent",
        "reserved",
        "settled",
        "unpriced",
    )

    def __init__(
        self,
        limits: Budget,
        parent: Scope | None = None,
        now: float = 0.0,
        *,
        counting: bool = False,
    ) -> None:
        self.limits = limits
        self.parent = parent
        self.settled = ZERO
        self.unpriced = False
        self.reserved = ZERO
        self.exhausted: str | None = None
        self.deadline = _earliest(parent, limits.seconds, now)
        self._limited = not limits.unlimited
        self.limited = self._limited or counting or (parent is not None and parent.limited)
        self._waiting: deque[_Waiter] = deque()

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it, inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def room(self, prompt: int, money: Callable[[int], int | None], flops: int) -> int | None:
        """Most completion tokens that a call of `prompt` tokens could ever be granted.

        `money` says how many tokens an amount in 1e-12 USD pays for, `flops` what one takes. None
        when nothing limits them. Not positive when even an empty reply would not fit.
        """
        rooms: list[int | None] = []
        for scope in self.chain():
            limits, spent = scope.limits, scope.settled
            if limits.completion_tokens is not None:
                rooms.append(limits.completion_tokens - spent.completion)
            if limits.tokens is not None:
                rooms.append(limits.tokens - spent.prompt - spent.completion - prompt)
            if limits.usd is not None:
                rooms.append(money(pico(limits.usd) - spent.cost))
            if limits.flops is not None and flops:
                rooms.append(int((limits.flops - spent.flops) // flops) - prompt)
        return min((room for room in rooms if room is not None), default=None)

    async def reserve(
        self, worst: Amount, renew: Callable[[], Amount] | None = None
    ) -> Reservation:
        """Set `worst` aside, waiting for other reservations where that can help.

        `renew` gives another worst case when it is looked at again, for calls that take what there
        is. Raises `Refused` when it would not fit even if all of them were given back.
        """
        self._refuse_hopeless(worst)
        obstacle = self._obstacle(worst, queues=True)
        if obstacle is None:
            return self._grant(worst)
        granted: asyncio.Future[Reservation] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(self, worst, granted, renew)
        obstacle._waiting.append(waiter)
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            obstacle._abandon(waiter)
            raise

    def exhaust(self, refusal: Refused, inside: Scope | None = None) -> bool:
        """Note that a sample here was refused that counts: all up to the refusing scope are cut.

        Scopes from `inside` outwards are left alone; False when some of them are cut too.
        """
        for scope in self.chain():
            if scope is inside:
                return False
            scope.exhausted = scope.exhausted or refusal.limit
            if scope is refusal.scope:
                break
        return True

    def charge(self, usage: Usage, inside: Scope | None = None) -> None:
        """Count what was spent in an earlier life of the run: in all scopes, or those `inside`."""
        spent = Amount.of(usage)
        charged = list(takewhile(lambda scope: scope is not inside, self.chain()))
        for scope in charged:
            scope.settled += spent
            scope.unpriced |= usage.cost is None
        for scope in charged:  # what waits may not fit any more
            scope.pump()

    def overdue(self) -> Refused:
        """What to say when the time of `deadline` is over."""
        owner = next(s for s in reversed(list(self.chain())) if s.deadline == self.deadline)
        limit = f"seconds({owner.limits.seconds:g})" if owner.limits.seconds else "seconds"
        return Refused(limit, owner)

    def pump(self) -> None:
        """Grant, refuse or pass on those who wait here, in order, until one must go on waiting."""
        while self._waiting:
            waiter = self._waiting[0]
            obstacle = None if waiter.granted.done() else waiter.scope._decide(waiter)
            if obstacle is self:
                return
            self._waiting.popleft()
            if obstacle is not None:
                obstacle._waiting.append(waiter)

    def _decide(self, waiter: _Waiter) -> Scope | None:
        """Where a waiter must go on waiting; None when it was granted or refused just now."""
        if waiter.renew is not None:
            waiter.worst = waiter.renew()
        try:
            self._refuse_hopeless(waiter.worst)
        except Refused as refusal:
            waiter.granted.set_exception(refusal)
            return None
        obstacle = self._obstacle(waiter.worst, queues=False)
        if obstacle is None:
            waiter.granted.set_result(self._grant(waiter.worst))
        return obstacle

    def _abandon(self, waiter: _Waiter) -> None:
        """The one who waited was cancelled: make way, or give back what had just arrived."""
        granted = waiter.granted
        if not granted.cancelled() and granted.exception() is None:
            granted.result().settle()
        for scope in waiter.scope.chain():
            scope.pump()

    def _refuse_hopeless(self, worst: Amount) -> None:
        for scope in self.chain():
            limit = excess(scope.limits, scope.settled + worst) if scope._limited else None
            if limit is not None:
                raise Refused(limit, scope)

    def _obstacle(self, worst: Amount, *, queues: bool) -> Scope | None:
        """The innermost scope in which it does not fit now, or (`queues`) others came before."""
        for scope in self.chain():
            if queues and scope._waiting:
                return scope
            if scope._limited and excess(scope.limits, scope.settled + scope.reserved + worst):
                return scope
        return None

    def _grant(self, worst: Amount) -> Reservation:
        for scope in self.chain():
            scope.reserved += worst
        return Reservation(self, worst)


class Reservation:
    """What one call has set aside; `settle` it exactly once (with zero usage to give it back)."""

    __slots__ = ("_scope", "open", "worst")

    def __init__(self, scope: Scope, worst: Amount) -> None:
        self._scope = scope
        self.worst = worst
        self.open = True

    def settle(self, usage: Usage = Usage()) -> None:  # noqa: B008 (immutable)
        """Replace the reservation by what was spent; a second call does nothing.

        Spending more than was reserved (a backend that ignores `max_tokens`) is counted in full.
        """
        if not self.open:
            return
        self.open = False
        spent = Amount.of(usage)
        for scope in self._scope.chain():
            scope.reserved -= self.worst
            scope.settled += spent
            scope.unpriced |= usage.cost is None
        for scope in self._scope.chain():
            scope.pump()


@dataclass(slots=True, eq=False)
class _Waiter:
    scope: Scope
    worst: Amount
    granted: asyncio.Future[Reservation]
    renew: Callable[[], Amount] | None = None


def _earliest(parent: Scope | None, seconds: float | None, now: float) -> float | None:
    outer = parent.deadline if parent is not None else None
    if seconds is None:
        return outer
    own = now + seconds
    return own if outer is None else min(own, outer)
