"""The certificate: finalists on items that no step of the search has seen, with what that shows.

After search.md part 7.6. Three families of claims, each of which holds as a whole with a chance of
1 - δ_j, where δ_j = δ · 2^-j for the j-th look at these items: the intervals of quality (divided
among the finalists), those of costs (as well), and "better than this baseline" (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.eval.bootstrap import bootstrap
from graphdsl.eval.intervals import Interval, clopper_pearson, empirical_bernstein
from graphdsl.eval.multiple import certificate_alpha, holm
from graphdsl.eval.paired import mcnemar, newcombe, paired_counts, paired_difference
from graphdsl.search.bench import Bench, Cell, Observation, Observations, Spent
from graphdsl.search.duel import log_e_value
from graphdsl.search.freeze import Finalist, Freeze
from graphdsl.search.standing import Standing, standing
from graphdsl.search.table import Table

_BLOCK: Final = 16
"""Items that all finalists are run on before the next ones: what a budget leaves is paired."""

_BINARY: Final = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean with its interval, and how that was made."""

    mean: float
    interval: Interval
    method: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        low, high = self.interval
        return {"mean": self.mean, "low": low, "high": high, "method": self.method}


@dataclass(frozen=True, slots=True)
class Difference:
    """The quality of a finalist less that of a baseline on the same items.

    `p` is that of "they are equally good", `better` whether it is shown that the finalist is
    better, all such claims of the certificate taken together.
    """

    baseline: str
    identity: str
    quality: Measured
    p: float
    better: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        numbers = {"difference": self.quality.mean, **self.quality.to_dict()}
        del numbers["mean"]
        return {
            "baseline": self.baseline,
            "identity": self.identity,
            **numbers,
            "p": self.p,
            "better": self.better,
        }


@dataclass(frozen=True, slots=True)
class Certified:
    """What the certificate says of one candidate."""

    finalist: Finalist
    quality: Measured
    costs: Mapping[str, Measured]
    items: int
    replicas: int
    failed: int
    differences: tuple[Difference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            **self.finalist.to_dict(),
            "quality": self.quality.to_dict(),
            "costs": {name: cost.to_dict() for name, cost in self.costs.items()},
            "items": self.items,
            "replicas": self.replicas,
            "failed": self.failed,
            "differences": [one.to_dict() for one in self.differences],
        }


@dataclass(frozen=True, slots=True)
class Certificate:
    """Finalists with their intervals; the first is the pick, named before the evaluation.

    It is not `complete` where the budget ended before all items were seen: what it says rests on
    those that all candidates were seen on. `spent` says why.
    """

    freeze: Freeze
    finalists: tuple[Certified, ...]
    baselines: tuple[Certified, ...]
    level: float
    complete: bool = True
    spent: str = ""

    @property
    def pick(self) -> Certified:
        """The candidate that the search chose."""
        return self.finalists[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "freeze": self.freeze.digest,
            "pick": self.pick.finalist.identity,
            "level": self.level,
            "look": self.freeze.look,
            "items": self.pick.items,
            "replicas": self.freeze.replicas,
            "seed": self.freeze.seed,
            "graphs_tried": len(self.freeze.tried),
            "complete": self.complete,
            "stopped": self.spent,
            "finalists": [one.to_dict() for one in self.finalists],
            "baselines": [one.to_dict() for one in self.baselines],
            "frozen": self.freeze.to_dict(),
        }


async def certify(
    bench: Bench, freeze: Freeze, write: Callable[[Freeze], None]
) -> Certificate | None:
    """Evaluate what is frozen once on all its items, and say what that shows.

    `write` has to keep the freeze where it lasts, and is called before anything is measured. None
    where the budget allows no item at all. Raises BackendError where a finalist cannot be run.
    """
    write(freeze)
    table, spent = Table(), ""
    try:
        await _measure(bench, freeze, table)
    except Spent as error:
        spent = str(error)
    return judge(freeze, {one: table.of(one) for one in table}, spent)


def judge(
    freeze: Freeze, observed: Mapping[str, Observations], spent: str = ""
) -> Certificate | None:
    """The certificate that observations give, by identity; None where some candidate has none."""
    known = {
        one.identity: standing(observed.get(one.identity, {}), freeze.items, freeze.replicas)
        for one in freeze.everyone()
    }
    items = min(one.items for one in known.values())
    if not items:
        return None
    alpha = certificate_alpha(freeze.look, freeze.delta)
    level = 1 - alpha / len(freeze.finalists)
    rows = [_certified(one, known[one.identity], items, level, freeze) for one in freeze.finalists]
    others = [
        _certified(one, known[one.identity], items, level, freeze) for one in freeze.baselines
    ]
    pairs = _differences(freeze, {key: one.values[:items] for key, one in known.items()}, alpha)
    finalists = tuple(
        Certified(row.finalist, row.quality, row.costs, items, row.replicas, row.failed, found)
        for row, found in zip(rows, pairs, strict=True)
    )
    complete = items == len(freeze.items)
    return Certificate(freeze, finalists, tuple(others), level, complete, spent)


async def _measure(bench: Bench, freeze: Freeze, table: Table) -> None:
    """Blocks of items, all candidates on one before the next; what is seen is kept in any case."""
    for start in range(0, len(freeze.items), _BLOCK):
        block = freeze.items[start : start + _BLOCK]
        cells = [Cell(item, replica) for item in block for replica in range(freeze.replicas)]
        for one in freeze.everyone():
            try:
                table.add(one.identity, await bench.measure(one.assignment, cells))
            except Spent as spent:
                table.add(one.identity, spent.observed)
                raise


def _certified(
    finalist: Finalist, known: Standing, items: int, level: float, freeze: Freeze
) -> Certified:
    runs = [run for several in known.runs[:items] for run in several]
    quality = quality_interval(known.values[:items], level)
    per_item = known.runs[:items]
    costs = {
        name: _cost([_mean(several, name) for several in per_item], level, freeze.seed)
        for name in known.costs(items)
    }
    failed = sum(run.failed for run in runs)
    return Certified(finalist, quality, costs, items, freeze.replicas, failed)


def quality_interval(values: Sequence[float], level: float) -> Measured:
    """The mean of qualities: exact for 0 and 1 (Clopper and Pearson); else empirical Bernstein,
    which holds for whatever is from 0 to 1."""
    mean = math.fsum(values) / len(values)
    if all(value in _BINARY for value in values):
        exact = clopper_pearson(round(math.fsum(values)), len(values), level)
        return Measured(mean, exact, "Clopper-Pearson")
    return Measured(mean, empirical_bernstein(values, level), "empirical Bernstein")


def _cost(values: Sequence[float], level: float, seed: int) -> Measured:
    """By resampling: worst cases are too far away for bounds that hold whatever the shape."""
    mean = math.fsum(values) / len(values)
    if min(values) == max(values):
        return Measured(mean, Interval(mean, mean), "constant")
    return Measured(mean, bootstrap(values, level, seed=seed), "bootstrap (BCa)")


def _mean(several: Sequence[Observation], name: str) -> float:
    return math.fsum(run.costs[name] for run in several) / len(several)


def _differences(
    freeze: Freeze, values: Mapping[str, Sequence[float]], alpha: float
) -> list[tuple[Difference, ...]]:
    """Per finalist its differences to all baselines but itself."""
    pairs = [
        (one, other)
        for one in freeze.finalists
        for other in freeze.baselines
        if one.identity != other.identity
    ]
    if not pairs:
        return [() for _ in freeze.finalists]
    level = 1 - alpha / len(pairs)
    compared = [_compare(values[a.identity], values[b.identity], level) for a, b in pairs]
    shown = holm([p for _, p in compared], alpha)
    found = [
        (one, Difference(other.baseline, other.identity, quality, p, sure and quality.mean > 0))
        for (one, other), (quality, p), sure in zip(pairs, compared, shown, strict=True)
    ]
    return [tuple(pair for owner, pair in found if owner is one) for one in freeze.finalists]


def _compare(
    ours: Sequence[float], theirs: Sequence[float], level: float
) -> tuple[Measured, float]:
    """The difference, and the two-sided p-value of "there is none".

    Of 0 and 1: Newcombe's interval and McNemar's exact test. Of other qualities: resampled items,
    and the e-values of both directions, whose mean is one too, so that 1 / E is a p-value.
    """
    mean = math.fsum(a - b for a, b in zip(ours, theirs, strict=True)) / len(ours)
    if all(value in _BINARY for value in (*ours, *theirs)):
        counts = paired_counts(ours, theirs)
        return Measured(mean, newcombe(counts, level), "Newcombe"), mcnemar(counts)
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    logs = log_e_value(differences), log_e_value([-one for one in differences])
    log = max(logs) + math.log((1 + math.exp(min(logs) - max(logs))) / 2)
    interval = paired_difference(ours, theirs, level)
    return Measured(mean, interval, "bootstrap (BCa)"), min(1.0, math.exp(-log))
