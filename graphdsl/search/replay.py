"""A bench over recorded answers: measuring costs nothing, and every candidate's value is known.

A candidate draws samples from one or two models and votes, or takes the one it is surest of.
Recorded items are few, so those of a bench are drawn from them at random, with replacement, and
each has its samples in an order of its own. So an item is a fresh one of the population whose
items and samples are those recorded, and a candidate's value is its exact mean over that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random

from graphdsl.ir.nodes import Assignment, Choices, Graph, Hole, Interval, Region
from graphdsl.ir.types import TEXT
from graphdsl.search.bench import Bench, Cell, Observation, Observations, Spent, Split

Counts = tuple[tuple[Hashable, int], ...]
"""How often each answer is given."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded answer: what equal ones share (None: there is none), whether it is right, how
    sure its model was (a mean log-probability), and what it took."""

    answer: Hashable | None
    right: bool
    confidence: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0


Recorded = Mapping[str, Mapping[str, Sequence[Sample]]]
"""Samples by model and item. All models have the same items."""


@dataclass(frozen=True, slots=True)
class Draws:
    """What an assignment means: how many samples of which models, and how one is chosen."""

    counts: tuple[tuple[str, int], ...]
    by: str

    @property
    def identity(self) -> str:
        """Equal for equal graphs: one sample is one, however it would be chosen."""
        total = sum(count for _, count in self.counts)
        return " ".join(
            ["one" if total == 1 else self.by, *(f"{name}*{n}" for name, n in self.counts)]
        )


def draws_of(assignment: Assignment) -> Draws:
    """What an assignment of `ReplayBench.graph` means."""
    counts = Counter({str(assignment["model"]): int(assignment["samples"])})
    second = str(assignment.get("second", "none"))
    if second != "none":
        counts[second] += int(assignment["more"])
    return Draws(tuple(sorted(counts.items())), str(assignment["by"]))


@dataclass(slots=True)
class ReplayBench(Bench):
    """Recorded samples as a bench; the same seed gives the same items.

    `sizes` are the items of each part, `budget` the most calls that may be made; a sample that
    another candidate has drawn for an item is there already. `physical` counts the samples that
    were not, `virtual` all of them.
    """

    recorded: Recorded
    seed: int = 0
    sizes: Mapping[Split, int] = field(
        default_factory=lambda: {"search": 160, "validation": 80, "certificate": 160}
    )
    budget: float = math.inf
    physical: int = 0
    virtual: int = 0
    _made: set[tuple[str, str, int]] = field(default_factory=set[tuple[str, str, int]])
    _orders: dict[tuple[str, str], list[Sample]] = field(
        default_factory=dict[tuple[str, str], list[Sample]]
    )
    _votes: dict[tuple[str, str, int], dict[Counts, float]] = field(
        default_factory=dict[tuple[str, str, int], dict[Counts, float]]
    )

    def __post_init__(self) -> None:
        if not self.recorded or not self.depth:
            raise ValueError("there are no recorded samples to replay")
        if len({frozenset(items) for items in self.recorded.values()}) > 1:
            raise ValueError("all models have to be recorded on the same items")

    @property
    def depth(self) -> int:
        """How many samples each item has of each model, at least."""
        return min(len(one) for items in self.recorded.values() for one in items.values())

    @property
    def graph(self) -> Graph:
        """A graph that has the holes of the bench and nothing else."""
        models, others = tuple(self.recorded), ("none", *self.recorded)
        several = ("second", tuple(self.recorded))
        holes = (
            Hole("model", models[0], Choices(models, models)),
            Hole("samples", 1, Interval(1, self.depth // 2, 1, integer=True)),
            Hole("by", "vote", Choices(("vote", "sure"), ("vote", "sure"))),
            Hole("second", "none", Choices(others, others)),
            Hole("more", 1, Interval(1, self.depth // 2, 1, integer=True), (several,)),
        )
        return Graph("replayed", (), Region("body", (), (), ()), TEXT, holes)

    def items(self, split: Split) -> list[str]:
        """The items of a part."""
        return [f"{split} {number}" for number in range(self.sizes[split])]

    def identity(self, assignment: Assignment) -> str:
        """Equal for the same samples, chosen alike."""
        return draws_of(assignment).identity

    def bounds(self, assignment: Assignment) -> dict[str, float]:
        """Calls are certain."""
        return {"calls": float(sum(count for _, count in draws_of(assignment).counts))}

    async def measure(self, assignment: Assignment, cells: Sequence[Cell]) -> Observations:
        """Replay runs, in the order of the cells, until the budget is spent.

        Raises ValueError for a replica: each item of this bench is a fresh one.
        """
        draws, seen = draws_of(assignment), dict[Cell, Observation]()
        for cell in cells:
            if cell.replica:
                raise ValueError("recorded samples have no replicas")
            calls = {(cell.item, name, i) for name, count in draws.counts for i in range(count)}
            new = calls - self._made
            if self.physical + len(new) > self.budget:
                raise Spent(seen, f"the budget of {self.budget:g} calls is spent")
            self._made |= new
            self.physical += len(new)
            self.virtual += len(calls)
            seen[cell] = self._run(draws, cell.item)
        return seen

    def true_value(self, assignment: Assignment) -> float:
        """The exact mean over all recorded items and all choices of samples."""
        draws = draws_of(assignment)
        of_item = self._surest if draws.by == "sure" else self._voted
        items = list(next(iter(self.recorded.values())))
        return math.fsum(of_item(draws, item) for item in items) / len(items)

    # ---- one run

    def _run(self, draws: Draws, item: str) -> Observation:
        samples = [one for name, n in draws.counts for one in self._ordered(item, name)[:n]]
        costs = {
            "calls": float(len(samples)),
            "tokens": math.fsum(one.tokens for one in samples),
            "seconds": max(one.seconds for one in samples),
        }
        return Observation(float(self._right(draws, item, samples)), costs)

    def _right(self, draws: Draws, item: str, samples: Sequence[Sample]) -> bool:
        """Whether the chosen answer is right. Ties of a vote are broken at random, by the item, so
        that no model has an advantage."""
        if draws.by == "sure":
            return max(samples, key=lambda one: one.confidence).right
        votes = Counter(one.answer for one in samples if one.answer is not None)
        if not votes:
            return False
        most = max(votes.values())
        tied = sorted(repr(answer) for answer, count in votes.items() if count == most)
        chosen = Random(f"{self.seed} tie {item}").choice(tied)
        return next(one.right for one in samples if repr(one.answer) == chosen)

    def _ordered(self, item: str, model: str) -> list[Sample]:
        """The samples of a model in the order in which all candidates draw them."""
        key = item, model
        if key not in self._orders:
            items = list(self.recorded[model])
            base = Random(f"{self.seed} {item}").choice(items)
            samples = list(self.recorded[model][base])
            Random(f"{self.seed} {item} {model}").shuffle(samples)
            self._orders[key] = samples
        return self._orders[key]

    # ---- exact values

    def _voted(self, draws: Draws, item: str) -> float:
        """The chance that the vote is right; tied answers share it."""
        right = {one.answer for items in self.recorded.values() for one in items[item] if one.right}
        outcomes: dict[Counts, float] = {(): 1.0}
        for name, count in draws.counts:
            found: dict[Counts, float] = {}
            for before, chance in outcomes.items():
                for votes, share in self._outcomes(item, name, count).items():
                    both = _added(before, votes)
                    found[both] = found.get(both, 0.0) + chance * share
            outcomes = found
        return math.fsum(chance * _credit(votes, right) for votes, chance in outcomes.items())

    def _outcomes(self, item: str, model: str, count: int) -> dict[Counts, float]:
        """How probable each outcome of a vote among some samples of a model is."""
        key = item, model, count
        if key not in self._votes:
            samples = self.recorded[model][item]
            votes = Counter(
                _added((), tuple((one.answer, 1) for one in chosen if one.answer is not None))
                for chosen in combinations(samples, count)
            )
            total = math.comb(len(samples), count)
            self._votes[key] = {outcome: n / total for outcome, n in votes.items()}
        return self._votes[key]

    def _surest(self, draws: Draws, item: str) -> float:
        """The chance that the surest of the drawn samples is right: that it is drawn, and none of
        those that are surer."""
        pools = [(self.recorded[name][item], count) for name, count in draws.counts]
        everyone = [(one, place) for place, (pool, _) in enumerate(pools) for one in pool]
        surest = sorted(everyone, key=lambda pair: -pair[0].confidence)
        passed, value = [0] * len(pools), 0.0
        for one, owner in surest:
            chance = 1.0
            for place, (pool, count) in enumerate(pools):
                free, own = len(pool) - passed[place] - (place == owner), place == owner
                chance *= math.comb(free, count - own) / math.comb(len(pool), count)
            value += chance * one.right
            passed[owner] += 1
        return value


def _added(before: Counts, votes: Counts) -> Counts:
    """Votes of both, in one order for equal ones."""
    total: Counter[Hashable] = Counter(dict(before))
    for answer, count in votes:
        total[answer] += count
    return tuple(sorted(total.items(), key=repr))


def _credit(votes: Counts, right: set[Hashable | None]) -> float:
    most = max((count for _, count in votes), default=0)
    tied = [answer for answer, count in votes if count == most]
    return sum(answer in right for answer in tied) / len(tied) if tied else 0.0
