"""Points within the limits of one run: what is beyond them falls back to cheaper values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.points import completed, levels
from graphdsl.search.strategy import Setting

_UNITS: Final = ("flops", "usd", "tokens", "calls")
"""What is compared where nothing that is minimised is known, the most telling first."""

_LEVELS: Final = 8
"""How many values of a parameter are compared."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Keeps points within the limits of one run."""

    archive: Archive

    @property
    def setting(self) -> Setting:
        """The setting of the strategy."""
        return self.archive.setting

    def spent(self, point: Assignment) -> float | None:
        """The most that one run can cost, in the first unit that is known of it; None in none."""
        units = dict.fromkeys((*self.setting.minimise, *_UNITS))
        for unit in units:
            bound = self.setting.bound(point, unit)
            if bound is not None:
                return bound
        return None

    def repaired(self, point: Assignment) -> Assignment | None:
        """A point that fits: parameters in random order fall back to their cheapest value until it
        does, or to their default where nobody knows what they cost. None where that is in vain."""
        if self.archive.allowed(point):
            return point
        order = [one for one in self.archive.space.parameters if one.size != 1]
        self.setting.random.shuffle(order)
        for parameter in order:
            if parameter.address not in point:
                continue
            point = self._cheaper(point, parameter)
            if self.archive.allowed(point):
                return point
        start = completed(self.archive.space, {})
        return start if self.archive.allowed(start) else None

    def _cheaper(self, point: Assignment, parameter: Parameter) -> Assignment:
        """The point with the cheapest value of one parameter; of equal ones as it is."""
        here = self.spent(point)
        if here is None:
            return self._with(point, parameter, parameter.default)
        found, least = point, here
        for value in levels(parameter, _LEVELS):
            other = self._with(point, parameter, value)
            cost = self.spent(other)
            if cost is not None and cost < least:
                found, least = other, cost
        return found

    def _with(self, point: Assignment, parameter: Parameter, value: str | float) -> Assignment:
        return completed(self.archive.space, {**point, parameter.address: value})
