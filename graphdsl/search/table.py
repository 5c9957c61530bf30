"""All that a study has observed, by candidate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from graphdsl.search.bench import Cell, Observation, Observations


@dataclass(slots=True)
class Table:
    """Observations by the identity of their candidate: assignments of one graph share them."""

    _rows: dict[str, dict[Cell, Observation]] = field(
        default_factory=dict[str, dict[Cell, Observation]]
    )

    def add(self, identity: str, observations: Observations) -> None:
        """Keep observations; a cell that was observed before stays as it was.

        Raises ValueError for a quality that is not from 0 to 1.
        """
        row = self._rows.setdefault(identity, {})
        for cell, observation in observations.items():
            if not 0 <= observation.quality <= 1:
                raise ValueError(
                    f"a quality of {observation.quality} for item `{cell.item}`: it is from 0 to 1"
                )
            row.setdefault(cell, observation)

    def of(self, identity: str) -> Observations:
        """What was observed of a candidate."""
        return self._rows.get(identity, {})

    def missing(self, identity: str, cells: Iterable[Cell]) -> list[Cell]:
        """Those of the cells that were not observed yet."""
        row = self.of(identity)
        return [cell for cell in cells if cell not in row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def item_qualities(observations: Observations) -> dict[str, float]:
    """The quality of each item, averaged over its replicas: the independent unit is the item."""
    found: dict[str, list[float]] = {}
    for cell, observation in observations.items():
        found.setdefault(cell.item, []).append(observation.quality)
    return {item: fmean(several) for item, several in found.items()}


def mean_quality(observations: Observations) -> float:
    """The mean over items; NaN of none."""
    qualities = item_qualities(observations)
    return fmean(qualities.values()) if qualities else math.nan


def mean_costs(observations: Iterable[Observation]) -> dict[str, float]:
    """The mean of each cost over all runs; a cost that some run does not know is missing."""
    rows: Sequence[Mapping[str, float]] = [one.costs for one in observations]
    names = set[str](rows[0]).intersection(*rows[1:]) if rows else set[str]()
    return {name: fmean(row[name] for row in rows) for name in sorted(names)}
