"""Axes of charts: where a value lies, and which round values are written beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_WIDE: Final = 30.0
"""How many times the smallest the largest value is, from where on an axis is logarithmic."""

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; what lies beyond an end is drawn at that end."""
        low, high, value = (self._scaled(one) for one in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.logarithmic else value

    def ticks(self, most: int = 6) -> list[float]:
        """Round values along the axis, about as many as wished.

        >>> Axis(0, 0.9, 0, 100).ticks()
        [0.0, 0.2, 0.4, 0.6, 0.8]
        >>> Axis(1, 1000, 0, 100, True).ticks()
        [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
        """
        return self._powers(most) if self.logarithmic else self._round(most)

    def _round(self, most: int) -> list[float]:
        if self.high <= self.low:
            return [self.low]
        wanted = (self.high - self.low) / max(1, most - 1)
        power = 10.0 ** math.floor(math.log10(wanted))
        step = next(one * power for one in _STEPS if one * power >= wanted * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(count * step, 12) for count in range(first, last + 1)]

    def _powers(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, math.ceil((last - first) / most))
        factors = (1, 2, 5) if last - first <= most // 3 else (1, 3) if last - first <= 3 else (1,)
        found = [
            factor * 10.0**power for power in range(first, last + 1, every) for factor in factors
        ]
        return [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]


def cost_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """An axis for a cost: from 0 where values are alike, logarithmic where they lie far apart."""
    known = [value for value in values if math.isfinite(value)]
    high, low = max(known, default=1.0), min(known, default=0.0)
    if low > 0 and high / low >= _WIDE:
        return Axis(low / 1.3, high * 1.3, start, end, logarithmic=True)
    return Axis(0.0, high * 1.08 or 1.0, start, end)


def quality_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """An axis for qualities: what is between them, with some air, and never a hair's breadth."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    air = max(0.02, 0.08 * (high - low))
    return Axis(max(0.0, low - air), min(1.0, high + air), start, end)
