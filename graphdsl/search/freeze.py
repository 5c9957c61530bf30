"""What a certificate will be about, fixed and hashed before anything of it is measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from graphdsl.ir.nodes import Assignment


@dataclass(frozen=True, slots=True)
class Finalist:
    """A candidate that is to be certified, or compared with. `search_mean` is its mean where it
    was chosen, which is too high for whoever won there: it is shown as biased, or not at all."""

    identity: str
    assignment: Assignment
    baseline: str = ""
    search_mean: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible."""
        return {
            "identity": self.identity,
            "assignment": dict(self.assignment),
            "baseline": self.baseline,
            "search_mean": self.search_mean,
        }


@dataclass(frozen=True, slots=True)
class Freeze:
    """Everything that an evaluation on the certificate part depends on.

    The first of the `finalists` is the pick: since it is named before the evaluation, its mean is
    not biased by choosing. `items` are content hashes. `models` are revisions by name, `prices` the
    text of what they cost, `tried` all graphs that the search evaluated, `spent` what it took.
    `look` counts how often the certificate part was looked at, this time included.
    """

    finalists: tuple[Finalist, ...]
    baselines: tuple[Finalist, ...]
    items: tuple[str, ...]
    replicas: int = 1
    seed: int = 0
    delta: float = 0.05
    look: int = 1
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    prices: Mapping[str, str] = field(default_factory=dict[str, str])
    tried: tuple[str, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if not self.finalists:
            raise ValueError("there is no finalist to certify")
        if len(set(self.items)) != len(self.items) or not self.items:
            raise ValueError("a certificate needs items, each of them once")
        if self.replicas < 1 or self.look < 1 or not 0 < self.delta < 1:
            raise ValueError(
                f"{self.replicas} replicas, look {self.look}, delta {self.delta}: the first two "
                "are counted from 1, the last is between 0 and 1"
            )

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible, without its digest."""
        return {
            "finalists": [one.to_dict() for one in self.finalists],
            "baselines": [one.to_dict() for one in self.baselines],
            "items": list(self.items),
            "replicas": self.replicas,
            "seed": self.seed,
            "delta": self.delta,
            "look": self.look,
            "models": dict(self.models),
            "prices": dict(self.prices),
            "tried": list(self.tried),
            "spent": dict(self.spent),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, the same wherever it is computed."""
        text = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return sha256(text.encode()).hexdigest()

    def everyone(self) -> Sequence[Finalist]:
        """Finalists and baselines, each graph once."""
        return list({one.identity: one for one in (*self.finalists, *self.baselines)}.values())
