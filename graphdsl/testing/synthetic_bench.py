"""A bench of simulated pools: the true value of every candidate is known, and measuring is free.

The space is that of search.md part 7.1: one model, self-consistency, an ensemble of three models,
perhaps fused, perhaps criticised before. What a candidate is truly worth follows from the skills of
its models; whether it solves an item is a Gaussian copula of how hard the item is, of the luck of
the samples it is made of, which candidates with the same samples share, and of its own luck. So
outcomes are correlated as those of real graphs are, and their means are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from statistics import NormalDist

from graphdsl.ir.nodes import Assignment, Choices, Graph, Hole, Region
from graphdsl.ir.types import TEXT
from graphdsl.search.bench import Bench, Cell, Observation, Observations, Spent, Split
from graphdsl.search.space import Space

_TOKENS = (40, 240)
"""A call writes so many tokens, evenly."""

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Pool:
    """Models by name: the chance that one sample of it is right. Rates and gains are those of
    search.md part 7.1: a weak fuser or critic, below about ½, takes away more than it adds.

    `dollars` are per million tokens written, by model; those not named cost 1.
    """

    skills: Mapping[str, float]
    dollars: Mapping[str, float] = field(default_factory=dict[str, float])
    fuser: float = 0.25
    critic: float = 0.2
    samples: tuple[int, ...] = (3, 5, 9)
    best: float = 0.9

    def single(self, model: str) -> float:
        """One sample."""
        return self.skills[model]

    def voted(self, model: str, samples: int) -> float:
        """Self-consistency."""
        return min(self.best, self.skills[model] + 0.02 * math.log2(samples))

    def ensemble(self, models: Sequence[str]) -> float:
        """The best of one sample of each: more, the more of them differ."""
        mean = math.fsum(self.skills[model] for model in models) / len(models)
        return mean + 0.03 * (len(set(models)) - 1) + 0.02

    def fused(self, quality: float, fuser: str) -> float:
        """One answer made of several ones."""
        return quality + self.fuser * (self.skills[fuser] - 0.5) + 0.02

    def criticised(self, quality: float, critic: str) -> float:
        """With criticism of the answers before."""
        return quality + self.critic * (self.skills[critic] - 0.5)


STRONG = Pool({"a": 0.45, "b": 0.50, "c": 0.55, "d": 0.62}, {"d": 4.0, "c": 2.0})
"""The pool of search.md part 7.1, where fusing pays; its best candidate is worth 0.721."""

SMALL = Pool({"a": 0.10, "b": 0.18, "c": 0.22, "d": 0.30}, {"d": 4.0, "c": 2.0}, 0.5, 0.4)
"""Small models: fusers and critics hurt them, as they do in Archon's results with 7B models."""

MIXED = Pool({"a": 0.20, "b": 0.35, "c": 0.50, "d": 0.65}, {"d": 8.0, "c": 3.0}, 0.5, 0.4)
"""One strong model among weak ones: it is the best fuser, and weak ones only hurt."""


@dataclass(frozen=True, slots=True)
class Design:
    """What an assignment means: the samples that are drawn, and what is made of them.

    `samples` are models, each as often as it is sampled; the first sample of a model is the same
    in all designs.
    """

    kind: str
    samples: tuple[str, ...]
    fuser: str = ""
    critic: str = ""

    @property
    def identity(self) -> str:
        """A text that is equal for equal graphs: the order of an ensemble does not matter."""
        return "/".join((self.kind, "+".join(self.samples), self.critic, self.fuser))

    @property
    def draws(self) -> list[str]:
        """The calls for samples, by model and number."""
        return [
            f"{model}#{self.samples[:place].count(model)}"
            for place, model in enumerate(self.samples)
        ]

    @property
    def calls(self) -> list[tuple[str, str]]:
        """All calls, what each is and its model; equal calls of different designs are one."""
        made = [(draw, model) for draw, model in zip(self.draws, self.samples, strict=True)]
        base = "+".join(self.samples)
        if self.critic:
            made.append((f"critic {self.critic} {base}", self.critic))
        if self.fuser:
            made.append((f"fuser {self.fuser} {base} {self.critic}", self.fuser))
        return made


def space_of(pool: Pool) -> Space:
    """The space of a pool: 1,360 assignments for four models."""
    return Space.of(graph_of(pool))


def graph_of(pool: Pool) -> Graph:
    """A graph that has the holes of the pool and nothing else."""
    kinds = ("single", "voted", "ensemble", "fused", "criticised")
    several = kinds[2:]
    models = tuple(pool.skills)
    counts = tuple(map(str, pool.samples))

    def choice(name: str, labels: tuple[str, ...], when: tuple[str, ...] = ()) -> Hole:
        conditions = (("kind", when),) if when else ()
        return Hole(name, labels[0], Choices(labels, labels), conditions)

    holes = (
        choice("kind", kinds),
        choice("model", models, kinds[:2]),
        choice("samples", counts, ("voted",)),
        *(choice(name, models, several) for name in ("first", "second", "third")),
        choice("fuser", models, ("fused", "criticised")),
        choice("critic", models, ("criticised",)),
    )
    return Graph("simulated", (), Region("body", (), (), ()), TEXT, holes)


def design_of(assignment: Assignment) -> Design:
    """What an assignment means; what it leaves out has the default of its hole."""
    at = {name: str(value) for name, value in assignment.items()}
    kind = at["kind"]
    if kind == "single":
        return Design(kind, (at["model"],))
    if kind == "voted":
        return Design(kind, (at["model"],) * int(at["samples"]))
    samples = tuple(sorted(at[name] for name in ("first", "second", "third")))
    return Design(kind, samples, at.get("fuser", ""), at.get("critic", ""))


def worth(pool: Pool, design: Design) -> float:
    """The true value of a candidate: the chance that it solves an item."""
    if design.kind == "single":
        return pool.single(design.samples[0])
    if design.kind == "voted":
        return pool.voted(design.samples[0], len(design.samples))
    quality = pool.ensemble(design.samples)
    if design.fuser:
        quality = pool.fused(quality, design.fuser)
    if design.critic:
        quality = pool.criticised(quality, design.critic)
    return min(pool.best, max(0.01, quality))


@dataclass(slots=True)
class SyntheticBench(Bench):
    """A simulated pool as a bench; the same seed gives the same outcomes, whatever the order.

    `sizes` are the items of each part. `hardness` is the share of the variance that lies in the
    item, `shared` the share of the rest that lies in the samples. `budget` is the most calls that
    may be made: a call that another candidate has made is there already, and `physical` counts
    those that were not; `virtual` counts as if nothing were shared.
    """

    pool: Pool
    seed: int = 0
    sizes: Mapping[Split, int] = field(
        default_factory=lambda: {"search": 160, "validation": 80, "certificate": 160}
    )
    hardness: float = 0.5
    shared: float = 0.5
    budget: float = math.inf
    physical: int = 0
    virtual: int = 0
    _made: set[tuple[Cell, str]] = field(default_factory=set[tuple[Cell, str]])
    _luck: dict[tuple[str, Cell], float] = field(default_factory=dict[tuple[str, Cell], float])

    def items(self, split: Split) -> list[str]:
        """The items of a part."""
        return [f"{split} {number}" for number in range(self.sizes[split])]

    def identity(self, assignment: Assignment) -> str:
        """Equal for ensembles of the same models."""
        return design_of(assignment).identity

    def true_value(self, assignment: Assignment) -> float:
        """The quality that a candidate has on average over all items there could be."""
        return worth(self.pool, design_of(assignment))

    def bounds(self, assignment: Assignment) -> dict[str, float]:
        """Calls are certain, tokens and dollars at most so many."""
        calls = design_of(assignment).calls
        prices = [self.pool.dollars.get(model, 1.0) for _, model in calls]
        most = _TOKENS[1]
        usd = math.fsum(prices) * most / 1e6
        return {"calls": len(calls), "tokens": len(calls) * most, "usd": usd}

    def marginal(self, assignment: Assignment, cells: Sequence[Cell]) -> int:
        """How many calls the cells of a candidate would make, given what has been made."""
        calls = design_of(assignment).calls
        return sum((cell, call) not in self._made for cell in cells for call, _ in calls)

    async def measure(self, assignment: Assignment, cells: Sequence[Cell]) -> Observations:
        """Simulate runs, in the order of the cells, until the budget is spent."""
        design, seen = design_of(assignment), dict[Cell, Observation]()
        calls, threshold = design.calls, _NORMAL.inv_cdf(self.true_value(assignment))
        for cell in cells:
            new = [(cell, call) for call, _ in calls if (cell, call) not in self._made]
            if self.physical + len(new) > self.budget:
                raise Spent(seen, f"the budget of {self.budget:g} calls is spent")
            self._made.update(new)
            self.physical += len(new)
            self.virtual += len(calls)
            solved = self._outcome(design, cell) < threshold
            seen[cell] = Observation(float(solved), self._costs(calls, cell))
        return seen

    def _outcome(self, design: Design, cell: Cell) -> float:
        """A standard normal number, correlated with those of other designs on this cell."""
        item = self._normal("item", Cell(cell.item))
        draws = [self._normal(draw, cell) for draw in design.draws]
        upstream = math.fsum(draws) / math.sqrt(len(draws))
        own = self._normal(design.identity, cell)
        noise = math.sqrt(self.shared) * upstream + math.sqrt(1 - self.shared) * own
        return math.sqrt(self.hardness) * item + math.sqrt(1 - self.hardness) * noise

    def _costs(self, calls: Sequence[tuple[str, str]], cell: Cell) -> dict[str, float]:
        low, high = _TOKENS
        tokens = [
            low + (high - low) * _NORMAL.cdf(self._normal(f"tokens {call}", cell))
            for call, _ in calls
        ]
        prices = [self.pool.dollars.get(model, 1.0) for _, model in calls]
        usd = math.fsum(one * price for one, price in zip(tokens, prices, strict=True)) / 1e6
        return {"calls": len(calls), "tokens": math.fsum(tokens), "usd": usd}

    def _normal(self, what: str, cell: Cell) -> float:
        """A standard normal number that follows from the seed, what it is for, and the cell."""
        key = what, cell
        if key not in self._luck:
            text = f"{self.seed} {what} {cell.item} {cell.replica}"
            bits = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 11
            self._luck[key] = _NORMAL.inv_cdf((bits + 0.5) / 2**53)
        return self._luck[key]
