"""What the samples of one node are needed for, and what a refusal by the budget then means."""

from __future__ import annotations

from collections.abc import Iterable

from graphdsl.executors.crew import ItemCrew
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.executors.trace import Record
from graphdsl.ops.context import Ask
from graphdsl.ops.quorum_watch import Watch


class Need:
    """The stop rule of a node (`watch`) and of the lists around it (`crew`), where there are any.

    `begun` counts the samples that were on their way.
    """

    __slots__ = ("_refused", "begun", "crew", "watch")

    def __init__(self, crew: ItemCrew | None = None) -> None:
        self.crew = crew
        self.watch: Watch | None = None
        self.begun = 0
        self._refused: dict[int, tuple[Refused, Scope]] | None = None

    @property
    def watched(self) -> bool:
        """True where samples may turn out not to be needed."""
        return self.watch is not None or self.crew is not None

    @property
    def over(self) -> bool:
        """True when no more samples are needed."""
        watch, crew = self.watch, self.crew
        return (watch is not None and watch.over) or (crew is not None and crew.over)

    def refuse(self, ask: Ask, refusal: Refused, scope: Scope, record: Record | None) -> None:
        """A sample was refused: the budget is exhausted, under a rule only if the sample counts."""
        if self.watch is None:
            exhaust(refusal, scope, self.crew, record)
        else:
            self._refused = self._refused or {}
            self._refused[id(ask)] = refusal, scope

    def count(self, asks: Iterable[Ask], record: Record | None) -> None:
        """These are the samples that count: what the budget refused of them exhausts it."""
        found = self._refused or {}
        for ask in asks:
            refused = found.get(id(ask))
            if refused is not None:
                exhaust(*refused, self.crew, record)


def exhaust(refusal: Refused, scope: Scope, crew: ItemCrew | None, record: Record | None) -> None:
    """Mark the scopes that a refusal exhausts, and the node.

    Within an item that may turn out not to be needed, only the item's own scopes: those around it
    are marked once it counts.
    """
    if record is not None:
        record.status = "exhausted"
    if crew is None:
        scope.exhaust(refusal)
    elif not scope.exhaust(refusal, crew.scope):
        crew.refusals.append(refusal)
