"""How many samples cost as much as a flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

MOST: Final = 1024
"""Most samples of a baseline."""

_NEAR: Final = 0.25
"""A whole number of samples that is so near to the ratio is it, also where it is even."""


class Priced(Protocol):
    """What has a cost: a row, or the samples that a flow has drawn."""

    def per_run(self, unit: str) -> float | None:
        """The mean cost of one run, or sample, in a unit; None where nobody knows."""
        ...


def matched_samples(ratio: float) -> int:
    """How many samples to vote over where a flow costs `ratio` times one sample.

    A neighbour of the ratio, the odd one (it has fewer ties) unless the other is very near; at
    least 1, at most `MOST`.

    >>> [matched_samples(ratio) for ratio in (0.3, 1.9, 2.4, 6.4, 7.8, 8.02, 5000)]
    [1, 2, 3, 7, 8, 8, 1024]
    """
    if not ratio > 1:
        return 1
    if ratio >= MOST:
        return MOST
    nearest = round(ratio)
    if abs(ratio - nearest) <= _NEAR:
        return nearest
    low = math.floor(ratio)
    return low if low % 2 else low + 1


def unit_for(asked: str, rows: Sequence[Priced]) -> str:
    """The unit in which costs are matched: `usd` where everything has a price, else `tokens`.

    `calls` where no tokens were counted. What is asked for wins, but money that nobody knows.
    """
    if asked in ("tokens", "calls"):
        return asked
    if all(row.per_run("usd") for row in rows):
        return "usd"
    return "tokens" if all(row.per_run("tokens") for row in rows) else "calls"


def cost_ratio(row: Priced, base: Priced, unit: str) -> float | None:
    """The cost of a run of one over that of another; None where one is not known, or 0."""
    cost, other = row.per_run(unit), base.per_run(unit)
    return cost / other if cost is not None and other else None
