"""What a search measures candidates on: cells of items and replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from graphdsl.ir.nodes import Assignment

Split = Literal["search", "validation", "certificate"]
"""Parts of the data, divided once by what the items hold: see `graphdsl.search.splits`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run to make: an item, and which of its replicas. All candidates are run with the same
    seed in one cell, so that they share samples and can be compared pair by pair."""

    item: str
    replica: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What one run was worth.

    `quality` is from 0 to 1; a run that failed has 0, and `words` say why. `costs` are what the run
    takes by itself, by name (`calls`, `tokens`, `prompt_tokens`, `completion_tokens`, `usd`,
    `flops`, `seconds`), whether or not it was paid this time; one that nobody knows is missing.
    """

    quality: float
    costs: Mapping[str, float] = field(default_factory=dict[str, float])
    failed: bool = False
    words: str = ""


Observations = Mapping[Cell, Observation]


class Spent(Exception):
    """The budget of the study allows no more; `observed` is what was seen before it ended."""

    def __init__(self, observed: Observations, reason: str) -> None:
        super().__init__(reason)
        self.observed = observed


class Bench(Protocol):
    """Runs candidates on items."""

    def items(self, split: Split) -> Sequence[str]:
        """The items of a part, in an order that does not depend on any candidate."""
        ...

    def identity(self, assignment: Assignment) -> str:
        """The same text for assignments that give the same graph (up to order and names)."""
        ...

    def bounds(self, assignment: Assignment) -> Mapping[str, float]:
        """The most that one run can cost, by name, as far as the graph tells."""
        ...

    async def measure(self, assignment: Assignment, cells: Sequence[Cell]) -> Observations:
        """Run a candidate on cells, side by side. What other candidates have paid for is shared.

        Raises `Spent` when the budget of the study is over, and `BackendError` when a model that
        the candidate needs cannot be used at all.
        """
        ...
