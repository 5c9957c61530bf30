"""What a search gives back: everything that a report shows, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphdsl.ir.nodes import Assignment

Standing = Literal["front", "finalist", "dropped", "beaten", "refused"]
"""What became of a candidate. `front`: nothing that was seen beats it; `finalist`: certified as
well; `dropped`: lost its race early; `beaten`: saw all its items, and something beats it;
`refused`: one run of it may cost more than is allowed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate of a study.

    `quality` is its mean over the `items` of the search part, which is biased for whoever won
    there, `shrunken` the mean drawn towards what is usual, both NaN where it never ran. `costs` are
    means of one run. `moment` is how much of the budget, from 0 to 1, had been used when it was
    first seen.
    """

    number: int
    identity: str
    assignment: Assignment
    baseline: str
    standing: Standing
    items: int
    quality: float
    shrunken: float
    costs: Mapping[str, float] = field(default_factory=dict[str, float])
    moment: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "number": self.number,
            "identity": self.identity,
            "assignment": dict(self.assignment),
            "baseline": self.baseline,
            "standing": self.standing,
            "items": self.items,
            "quality": None if self.quality != self.quality else self.quality,
            "shrunken": None if self.shrunken != self.shrunken else self.shrunken,
            "costs": dict(self.costs),
            "moment": self.moment,
        }


@dataclass(frozen=True, slots=True)
class StudyResult:
    """One finished study.

    `certificate` is that of `graphdsl.search.certificate` as plain data, None where the budget did
    not reach so far. `spent` is what was paid by name, `saved` what the same runs would have taken
    without sharing. `points` is how many graphs the space has, None where it is continuous.
    `distribution` are probabilities by address and label, for strategies that have some. `remarks`
    are what a reader should know: repairs, failures, limits that bit.
    """

    name: str
    flow: str
    strategy: str
    seed: int
    minimise: tuple[str, ...]
    ending: str
    trials: tuple[Trial, ...]
    front: tuple[str, ...]
    certificate: Mapping[str, Any] | None
    budget: Mapping[str, float]
    spent: Mapping[str, float]
    saved: Mapping[str, float]
    points: int | None
    items: Mapping[str, int]
    facts: Mapping[str, str]
    distribution: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, Mapping[str, float]]
    )
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `StudyReport` in `graphdsl.cli.schemas`."""
        return {
            "name": self.name,
            "flow": self.flow,
            "strategy": self.strategy,
            "seed": self.seed,
            "minimise": list(self.minimise),
            "ending": self.ending,
            "trials": [trial.to_dict() for trial in self.trials],
            "front": list(self.front),
            "certificate": self.certificate,
            "budget": dict(self.budget),
            "spent": dict(self.spent),
            "saved": dict(self.saved),
            "points": self.points,
            "items": dict(self.items),
            "facts": dict(self.facts),
            "distribution": {key: dict(value) for key, value in self.distribution.items()},
            "remarks": list(self.remarks),
        }
