"""A budget that many runs share: of a session, or of a tenant around several sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping

from graphdsl.errors import InputError
from graphdsl.executors.ledger import Scope
from graphdsl.plan import Budget
from graphdsl.values import Usage


class Session:
    """Limits over all runs that are given it, beside each run's own.

    ::

        tenant = graphdsl.Session(graphdsl.Budget(usd=20))
        session = graphdsl.Session(graphdsl.Budget(calls=500), within=tenant)
        result = await flow.run(question="…", session=session)

    What a run of the session reserves and spends counts in it and in all sessions around it.
    `seconds` count from the moment in which the session is made. Raises `InputError` for what is
    no budget, or no session. A run that the session has no budget left for ends as one whose
    own budget ran out. The counts live in this process, not on disk.
    """

    def __init__(self, budget: Budget, *, within: Session | None = None) -> None:
        if not isinstance(budget, Budget):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("a session needs a `graphdsl.Budget`, such as `Budget(usd=5)`")
        if within is not None and not isinstance(within, Session):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("`within` must be another `graphdsl.Session`")
        self.budget = budget
        self.within = within
        outer = None if within is None else within.scope
        self.scope = Scope(budget, outer, time.monotonic(), counting=True)
        self._counted: set[str] = set()

    def count(self, token: str) -> Scope | None:
        """Note that a run with a journal belongs here, and in the sessions around.

        Gives the scope of the innermost that knows it: what earlier lives of it spent counts there.
        """
        if token in self._counted:
            return self.scope
        self._counted.add(token)
        return None if self.within is None else self.within.count(token)

    def resume(self, spent: Mapping[str, Usage]) -> None:
        """Count what earlier lives of all runs of a journal have spent (`Journal.spent`).

        Do so before the first of them goes on, which would else spend what the others have spent.
        """
        for token, usage in spent.items():
            self.scope.charge(usage, inside=self.count(token))

    @property
    def usage(self) -> Usage:
        """What its runs have spent so far; calls in flight count once they have ended."""
        spent = self.scope.settled
        return Usage(
            spent.calls,
            spent.prompt,
            0,
            spent.completion,
            cost=None if self.scope.unpriced else spent.cost,
            flops=spent.flops,
        )

    @property
    def reserved(self) -> Usage:
        """The worst case of the calls that are in flight now."""
        held = self.scope.reserved
        return Usage(held.calls, held.prompt, 0, held.completion, cost=held.cost, flops=held.flops)
