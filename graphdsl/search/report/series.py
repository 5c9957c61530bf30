"""What the charts of a study show, as plain numbers: pages and plots draw the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.wording import UNITS
from graphdsl.search.result import Trial

Kind = Literal["certified", "front", "beaten", "dropped"]

_MOST_COSTS: Final = 4
"""Charts of the front, where no cost was named in the objectives."""

_COSTS: Final = ("usd", "tokens", "calls", "seconds", "flops")
"""Costs that are drawn where no objective names one, those that readers ask for first."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A candidate on a chart of quality against a cost.

    Of a `certified` one, `quality` is that on the certificate's items and `low` to `high` its
    interval; of any other it is the shrunken mean of the search, which is biased, and both are NaN.
    """

    trial: Trial
    cost: float
    quality: float
    low: float
    high: float
    kind: Kind


@dataclass(frozen=True, slots=True)
class Step:
    """The best shrunken quality from a moment of the budget on, and whose it is."""

    moment: float
    quality: float
    trial: Trial


def drawn_costs(study: FinishedStudy) -> tuple[str, ...]:
    """The costs that quality is drawn against: those that were minimised, else those that differ
    between candidates."""
    if study.result.minimise:
        return study.result.minimise
    trials = study.result.trials
    names = {name for trial in trials for name in trial.costs}
    ranked = [*(name for name in _COSTS if name in names), *sorted(names - UNITS.keys())]
    varied = [
        name
        for name in ranked
        if len({trial.costs[name] for trial in trials if name in trial.costs}) > 1
    ]
    return tuple(varied[:_MOST_COSTS])


def dots(study: FinishedStudy, cost: str) -> list[Dot]:
    """All candidates of which quality and that cost are known, the pale ones first."""
    order = ("dropped", "beaten", "front", "certified")
    found = [dot for trial in study.result.trials if (dot := _dot(study, trial, cost)) is not None]
    return sorted(found, key=lambda dot: order.index(dot.kind))


def _dot(study: FinishedStudy, trial: Trial, cost: str) -> Dot | None:
    certified = study.certificate and study.certificate.of(trial.identity)
    spent = trial.costs.get(cost)
    if certified:
        measured = certified.costs.get(cost)
        spent = spent if measured is None else measured.mean
        one = certified.quality
        return (
            None if spent is None else Dot(trial, spent, one.mean, one.low, one.high, "certified")
        )
    if spent is None or not math.isfinite(trial.shrunken):
        return None
    return Dot(trial, spent, trial.shrunken, math.nan, math.nan, _kind(study, trial))


def _kind(study: FinishedStudy, trial: Trial) -> Kind:
    if trial.identity in study.result.front or trial.standing in ("front", "finalist"):
        return "front"
    return "dropped" if trial.standing in ("dropped", "refused") else "beaten"


def staircase(found: Sequence[Dot]) -> list[Dot]:
    """The dots that no other beats, by rising cost: certified ones where there are any.

    What was certified and what was not are not compared: the one is biased, the other is not.
    """
    certified = [dot for dot in found if dot.kind == "certified"]
    among = certified or [dot for dot in found if dot.kind != "dropped"]
    best, steps = -math.inf, list[Dot]()
    for dot in sorted(among, key=lambda dot: (dot.cost, -dot.quality)):
        if dot.quality > best:
            best = dot.quality
            steps.append(dot)
    return steps


def convergence(study: FinishedStudy) -> list[Step]:
    """The best shrunken quality over the budget; each trial counts from when it was first seen."""
    seen = [trial for trial in study.result.trials if math.isfinite(trial.shrunken)]
    best, steps = -math.inf, list[Step]()
    for trial in sorted(seen, key=lambda trial: (trial.moment, trial.number)):
        if trial.shrunken > best:
            best = trial.shrunken
            steps.append(Step(trial.moment, best, trial))
    return steps


def best_baseline(study: FinishedStudy) -> Trial | None:
    """The baseline with the highest shrunken quality."""
    found = [
        trial for trial in study.result.trials if trial.baseline and math.isfinite(trial.shrunken)
    ]
    return max(found, key=lambda trial: trial.shrunken, default=None)
