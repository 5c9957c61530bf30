"""The interface of strategies: `ask` for candidates, `tell` what they were worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from graphdsl.ir.nodes import Assignment, Graph
from graphdsl.search.space import Space


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a candidate; it is told again when more is known.

    `quality` is its mean score shrunken towards what is usual, `items` how many items it rests on,
    `costs` the means of one run by name. One that is not `feasible` breaks a limit of one run: its
    quality is NaN where it was therefore never run. `words` say what went wrong in it, for agents.
    """

    assignment: Assignment
    quality: float
    items: int
    costs: Mapping[str, float] = field(default_factory=dict[str, float])
    feasible: bool = True
    words: str = ""


class Advisor(Protocol):
    """A language model that a strategy may ask; its calls are paid from the study's budget."""

    async def ask(self, prompt: str, schema: Mapping[str, object]) -> object | None:
        """The reply as JSON that fits the schema, after repair; None where none came.

        Raises `graphdsl.search.bench.Spent` when the budget allows no more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """What a strategy is made of.

    `graph` is the open graph whose holes `space` has, `minimise` the costs that count beside
    quality, by name. `options` are the strategy's own, as the program gives them. `allowed` says
    whether an assignment fits the limits of one run, `bound` the most that one run of it can cost
    in a unit (None where nobody knows).
    """

    graph: Graph
    space: Space
    random: Random
    minimise: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    allowed: Callable[[Assignment], bool] = lambda assignment: True
    bound: Callable[[Assignment, str], float | None] = lambda assignment, unit: None
    advisor: Advisor | None = None


class Strategy(Protocol):
    """Proposes assignments.

    It does no I/O but through its advisor. What it proposes follows from its setting and from what
    it was told, in that order: a study that is resumed makes it anew and tells it all again.
    """

    async def ask(self, count: int) -> Sequence[Assignment]:
        """Up to `count` assignments of active parameters to try next; none when it has no more.

        It may propose again what it proposed before: that means more items for it.
        """
        ...

    def tell(self, told: Told) -> None:
        """Learn what a candidate was worth, whoever proposed it."""
        ...
