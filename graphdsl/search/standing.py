"""What is known of a candidate along the common order of items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

from graphdsl.search.bench import Cell, Observation
from graphdsl.search.table import mean_costs


@dataclass(frozen=True, slots=True)
class Standing:
    """The runs of a candidate on the first items of the order, without a gap: all replicas of
    each. The independent unit is the item, so that replicas are averaged before all else."""

    runs: tuple[tuple[Observation, ...], ...] = ()
    values: tuple[float, ...] = ()
    """The quality of each of these items."""

    @property
    def items(self) -> int:
        """On how many of the first items it was seen."""
        return len(self.runs)

    def mean(self, items: int) -> float:
        """Its mean quality on the first items (those of them that were seen); NaN of none."""
        seen = self.values[:items]
        return math.fsum(seen) / len(seen) if seen else math.nan

    def costs(self, items: int) -> dict[str, float]:
        """The means of its costs on the first items."""
        return mean_costs(chain.from_iterable(self.runs[:items]))

    def point(self, items: int) -> dict[str, float]:
        """Quality and costs on the first items."""
        return {"quality": self.mean(items), **self.costs(items)}


def standing(
    observed: Mapping[Cell, Observation], order: Sequence[str], replicas: int = 1
) -> Standing:
    """The standing that observations give: up to the first item that lacks one of its replicas."""
    runs: list[tuple[Observation, ...]] = []
    for item in order:
        cells = [Cell(item, replica) for replica in range(replicas)]
        if not all(cell in observed for cell in cells):
            break
        runs.append(tuple(observed[cell] for cell in cells))
    values = tuple(fmean(run.quality for run in several) for several in runs)
    return Standing(tuple(runs), values)
