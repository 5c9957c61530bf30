"""Limits of one run: what a candidate may cost, by its graph and by what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LEVEL: Final = 0.05
"""How often a candidate whose mean is within the limit is refused by mistake, at most."""

_MOST: Final = 0.5
"""The largest share of the wealth that one run may cost."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one run may cost, by name.

    A cost that the graph bounds is decided by its bound, before anything runs. One that it does
    not bound, such as seconds, is measured: it must be shown that the mean is above the limit.
    """

    most: Mapping[str, float] = field(default_factory=dict[str, float])

    def refusal(self, bounds: Mapping[str, float]) -> str:
        """Why a graph with these bounds is not run; empty when it may."""
        for name, most in self.most.items():
            if name in bounds and bounds[name] > most:
                return f"one run can take {bounds[name]:g} {name}, and {most:g} are allowed"
        return ""

    def breach(self, bounds: Mapping[str, float], runs: Sequence[Mapping[str, float]]) -> str:
        """Why a candidate that was seen to cost so much is given up; empty when it is not."""
        for name, most in self.most.items():
            values = [run[name] for run in runs if name in run]
            if name not in bounds and exceeds(values, most, LEVEL):
                mean = math.fsum(values) / len(values)
                return f"one run takes {mean:.4g} {name} on average, and {most:g} are allowed"
        return ""


def exceeds(values: Sequence[float], most: float, level: float) -> bool:
    """Whether it is shown that the mean is above `most`, of values of at least 0 told in order.

    Nothing else is known of them: ∏ (1 + λ_t (x_t / m - 1)), with λ_t in [0, ½] from the earlier
    values, is fair or worse where the mean is at most m. So it may be looked at after every value
    (search.md part 7.4, formula 4, for values that nothing bounds). A limit of 0 is exceeded by any
    value above it.
    """
    if most <= 0:
        return any(value > most for value in values)
    wealth = mean = squares = 0.0
    for n, value in enumerate(values):
        gain = value / most - 1
        bet = min(_MOST, mean / (squares / n + mean**2)) if mean > 0 else 0.0
        wealth += math.log1p(bet * gain)
        if wealth >= -math.log(level):
            return True
        step = gain - mean
        mean += step / (n + 1)
        squares += step * (gain - mean)
    return False
