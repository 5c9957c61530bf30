"""Budgets under random nesting, concurrency, cancellation, overruns and renewals.

A tenant, its sessions, their runs and the scopes within these, on a real event loop that is stopped
at any point between two steps of its tasks. The machine keeps books of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from graphdsl.executors.ledger import ZERO, Amount, Refused, Reservation, Scope, excess
from graphdsl.plan import Budget
from graphdsl.values import Usage

NONE = st.none()
LIMITS = st.builds(  # few of them at once, else nothing would be granted
    Budget,
    calls=NONE | st.integers(1, 6),
    tokens=NONE | st.integers(12, 60),
    prompt_tokens=NONE | st.integers(8, 40),
    completion_tokens=NONE | st.integers(8, 40),
    usd=NONE | st.sampled_from([8e-12, 2e-11, 4e-11]),
    flops=NONE | st.integers(8, 40),
    seconds=NONE | st.integers(50, 100),
)
AMOUNTS = st.builds(Amount, st.sampled_from([1, 1, 2]), *[st.integers(0, 12)] * 4)
"""Large beside the limits, so that many have to wait, and few can never be granted."""

TURNS = st.sampled_from([0, 1, 2, 6])
"""Rounds of the event loop between two rules; the last is enough for everything to settle."""

QUIET = 6
AT = st.integers(0, 1000)


def usage(amount: Amount) -> Usage:
    return Usage(
        amount.calls, amount.prompt, 0, amount.completion, cost=amount.cost, flops=amount.flops
    )


@dataclass(eq=False)
class Books:
    """A scope, and what the test knows about it."""

    scope: Scope
    parent: Books | None
    spent: Amount = ZERO
    overrun: bool = False
    exhausted: str | None = None

    def chain(self) -> list[Books]:
        return [self, *(self.parent.chain() if self.parent else [])]


@dataclass(eq=False)
class Asked:
    """A reservation that was asked for."""

    books: Books
    task: asyncio.Task[Reservation]
    counts: bool
    renew: Callable[[], Amount] | None = None


class BudgetMachine(RuleBasedStateMachine):
    """Invariants at every step, not only when all is quiet."""

    @initialize(limits=st.tuples(LIMITS, LIMITS, LIMITS))
    def begin(self, limits: tuple[Budget, Budget, Budget]) -> None:
        self.loop = asyncio.new_event_loop()
        self.books: list[Books] = []
        self.asked: list[Asked] = []
        self.held: list[tuple[Books, Reservation]] = []
        self.quiet = True
        for depth, limit in enumerate(limits):  # tenant, session, run
            self.open(limit, self.books[depth - 1] if depth else None)

    def open(self, limits: Budget, parent: Books | None) -> None:
        scope = Scope(limits, None if parent is None else parent.scope, 0.0, counting=True)
        self.books.append(Books(scope, parent))

    def turn(self, turns: int) -> None:
        """Let the loop run a little, or until nothing moves, and take what was granted."""

        async def rounds() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(rounds())
        for one in [one for one in self.asked if one.task.done()]:
            self.asked.remove(one)
            self.ended(one)
        self.quiet = turns == QUIET

    def ended(self, one: Asked) -> None:
        """A task that asked has its answer."""
        if one.task.cancelled():
            return
        error = one.task.exception()
        if error is None:
            self.held.append((one.books, one.task.result()))
            return
        assert isinstance(error, Refused)
        assert error.scope in one.books.scope.chain()
        if one.renew is not None:  # it takes less and less before it is refused
            scopes, least = one.books.scope.chain(), one.renew()
            assert any(excess(scope.limits, scope.settled + least) for scope in scopes)
        if one.counts:
            one.books.scope.exhaust(error)
            self.mark(one.books, error)

    def mark(self, books: Books, refusal: Refused) -> None:
        """A refusal that counts exhausts all scopes up to the one that refuses."""
        for one in books.chain():
            one.exhausted = one.exhausted or refusal.limit
            if one.scope is refusal.scope:
                return

    # ---- what may happen

    @rule(limits=LIMITS, at=AT)
    def open_another(self, limits: Budget, at: int) -> None:
        """Another session, run, or scope within a run."""
        if len(self.books) < 9:
            self.open(limits, self.books[at % len(self.books)])

    @rule(
        at=AT, amounts=st.lists(AMOUNTS, min_size=1, max_size=4), counts=st.booleans(), turns=TURNS
    )
    def reserve(self, at: int, amounts: list[Amount], counts: bool, turns: int) -> None:
        """Several calls of one scope, one after the other."""
        books = self.books[at % len(self.books)]
        spoilt = any(excess(one.scope.limits, one.scope.settled) for one in books.chain())
        tasks = [self.loop.create_task(books.scope.reserve(a)) for a in amounts]
        self.asked += [Asked(books, task, counts) for task in tasks]
        self.turn(max(1, turns) if spoilt else turns)
        if spoilt:
            assert all(isinstance(task.exception(), Refused) for task in tasks)

    @rule(at=AT, prompt=st.integers(0, 9), turns=TURNS)
    def take_what_there_is(self, at: int, prompt: int, turns: int) -> None:
        """A call without `max_tokens`: its worst case follows from what is left at the time."""
        books = self.books[at % len(self.books)]

        def worst() -> Amount:
            room = books.scope.room(prompt, lambda money: money, 1)
            return Amount(1, prompt, tokens := max(1, min(room or 1, 20)), tokens, prompt + tokens)

        task = self.loop.create_task(books.scope.reserve(worst(), worst))
        self.asked.append(Asked(books, task, True, worst))
        self.turn(turns)

    @precondition(lambda self: self.held)
    @rule(at=AT, share=st.sampled_from([0.0, 0.3, 0.9, 1.0]), again=st.booleans(), turns=TURNS)
    def settle(self, at: int, share: float, again: bool, turns: int) -> None:
        """A call ends and has cost a share of its worst case; with 0 it is refunded."""
        worst = self.held[at % len(self.held)][1].worst
        parts = (worst.calls, worst.prompt, worst.completion, worst.cost, worst.flops)
        self.spend(at, Amount(*(int(part * share) for part in parts)), again)
        self.turn(turns)

    @precondition(lambda self: self.held)
    @rule(at=AT, more=AMOUNTS, turns=TURNS)
    def overrun(self, at: int, more: Amount, turns: int) -> None:
        """A call has cost more than its worst case: it counts, and no promise is kept by others."""
        assume(more != ZERO)
        books, held = self.held[at % len(self.held)]
        for one in books.chain():
            one.overrun = True
        self.spend(at, held.worst + more, again=False)
        self.turn(turns)

    def spend(self, at: int, spent: Amount, again: bool) -> None:
        books, held = self.held.pop(at % len(self.held))
        for one in books.chain():
            one.spent += spent
        held.settle(usage(spent))
        if again:
            held.settle(usage(spent))

    @precondition(lambda self: self.asked)
    @rule(at=AT, settle_first=st.booleans(), turns=TURNS)
    def cancel(self, at: int, settle_first: bool, turns: int) -> None:
        """Somebody who waits leaves, perhaps in the moment in which it is granted."""
        if settle_first and self.held:
            self.spend(at, ZERO, again=False)
        self.asked[at % len(self.asked)].task.cancel()
        self.turn(turns)

    @rule(at=AT, turns=TURNS)
    def end_a_scope(self, at: int, turns: int) -> None:
        """A run is cancelled: who waits in it leaves, what it holds is given back."""
        books = self.books[at % len(self.books)]
        for one in self.asked:
            if books in one.books.chain():
                one.task.cancel()
        for index in reversed(range(len(self.held))):
            if books in self.held[index][0].chain():
                self.spend(index, ZERO, again=False)
        self.turn(turns)

    @rule(at=AT)
    def run_out_of_time(self, at: int) -> None:
        """A deadline has passed: the scope that has it is exhausted, and those within."""
        books = self.books[at % len(self.books)]
        if books.scope.deadline is None:
            return
        refusal = books.scope.overdue()
        assert refusal.scope.deadline == books.scope.deadline
        assert refusal.limit == f"seconds({refusal.scope.limits.seconds})"
        books.scope.exhaust(refusal)
        self.mark(books, refusal)

    @rule(at=AT, outer=AT, turns=TURNS)
    def charge(self, at: int, outer: int, turns: int) -> None:
        """An earlier life of a run is counted, in scopes that have the room for it."""
        books = self.books[at % len(self.books)]
        inside = self.books[outer % len(self.books)]
        spent = Amount(0, 1, 1)
        charged = books.chain()
        charged = charged[: charged.index(inside)] if inside in charged else charged
        for one in charged:
            scope = one.scope
            assume(excess(scope.limits, scope.settled + scope.reserved + spent) is None)
        books.scope.charge(usage(spent), inside.scope)
        for one in charged:
            one.spent += spent
        self.turn(turns)

    # ---- what must hold

    @invariant()
    def no_budget_is_exceeded(self) -> None:
        for books in getattr(self, "books", []):
            scope = books.scope
            if not books.overrun:
                assert excess(scope.limits, scope.settled + scope.reserved) is None

    @invariant()
    def the_books_agree(self) -> None:
        """Settled is what was spent; reserved is what is held, here and in all scopes within."""
        for books in getattr(self, "books", []):
            assert books.scope.settled == books.spent
            if self.quiet:
                held = [one.worst for owner, one in self.held if books in owner.chain()]
                assert books.scope.reserved == sum(held, ZERO)

    @invariant()
    def a_scope_has_what_its_children_have(self) -> None:
        for books in getattr(self, "books", []):
            inner = [one.scope for one in self.books if one.parent is books]
            at_least = sum((scope.reserved for scope in inner), ZERO)
            left = books.scope.reserved - at_least
            assert min(left.calls, left.prompt, left.completion, left.cost, left.flops) >= 0

    @invariant()
    def only_who_does_not_fit_waits(self) -> None:
        """The first in a queue is there because it does not fit there, and nobody is forgotten."""
        if not getattr(self, "quiet", False):
            return
        queued = 0
        for books in self.books:
            waiting = [one for one in queue_of(books.scope) if not one.granted.done()]
            queued += len(waiting)
            for first in waiting[:1]:
                scope = books.scope
                assert scope in first.scope.chain()
                assert excess(scope.limits, scope.settled + scope.reserved + first.worst)
                assert scope.reserved != ZERO, "nothing is held that could be given back"
        assert queued == len(self.asked)

    @invariant()
    def only_what_refused_is_exhausted(self) -> None:
        for books in getattr(self, "books", []):
            assert books.scope.exhausted == books.exhausted

    def teardown(self) -> None:
        """Everybody gets an answer once what is held is given back, one after the other."""
        if not hasattr(self, "loop"):
            return
        self.turn(QUIET)
        while self.held:
            self.spend(0, ZERO, again=False)
            self.turn(QUIET)
        assert not self.asked
        assert all(books.scope.reserved == ZERO for books in self.books)
        self.loop.close()


def queue_of(scope: Scope) -> list[Any]:
    """Those who wait in a scope, in order."""
    return list(scope._waiting)  # pyright: ignore[reportPrivateUsage]


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
