"""Numbers with a least and a most; None at the top means that nothing limits them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """At least `low`, at most `high`; `high` None is unbounded."""

    low: int = 0
    high: int | None = 0

    def __add__(self, other: Bounds) -> Bounds:
        high = None if self.high is None or other.high is None else self.high + other.high
        return Bounds(self.low + other.low, high)

    def times(self, count: Bounds) -> Bounds:
        """So much for each of `count`; nothing times whatever is nothing."""
        tops = (self.high, count.high)
        high = 0 if 0 in tops else None if None in tops else (tops[0] or 0) * (tops[1] or 0)
        return Bounds(self.low * count.low, high)

    def either(self, other: Bounds) -> Bounds:
        """One or the other."""
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Bounds(min(self.low, other.low), high)

    def at_most(self, limit: int | None) -> Bounds:
        """The same under a limit."""
        if limit is None:
            return self
        high = limit if self.high is None else min(self.high, limit)
        return Bounds(min(self.low, high), high)

    def __str__(self) -> str:
        high = "unbounded" if self.high is None else f"{self.high:,}"
        return f"{self.low:,}..{high}"


NONE = Bounds(0, 0)
