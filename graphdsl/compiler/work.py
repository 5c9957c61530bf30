"""How much a part of a program can do: calls, nodes, and what the calls take of a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

from graphdsl.compiler.charge import Charge
from graphdsl.compiler.uses import Use, union
from graphdsl.plan import Budget
from graphdsl.prices import pico

_LONGEST: Final = 160
"""Characters of arithmetic that are shown; longer sums are shown as numbers."""


@dataclass(frozen=True, slots=True)
class Work:
    """Model calls (at least, at most), node evaluations at most, and the sum as people read it.

    Where the counter was asked: the models that may be called, and what their replies can take
    for certain, by unit (`usd`, `flops`).
    """

    low: int = 0
    high: int = 0
    nodes: int = 0
    sums: str = ""
    uses: tuple[Use, ...] = ()
    charges: Mapping[str, Charge] = field(default_factory=dict[str, Charge])

    @property
    def total(self) -> int:
        """What the cap counts."""
        return self.high + self.nodes

    def __add__(self, other: Work) -> Work:
        sums = " + ".join(part for part in (self.sums, other.sums) if part)
        if len(sums) > _LONGEST:
            sums = str(self.high + other.high)
        return Work(
            self.low + other.low,
            self.high + other.high,
            self.nodes + other.nodes,
            sums,
            union(self.uses, other.uses),
            _added(self.charges, other.charges),
        )

    def under(self, limits: Budget) -> Work:
        """The same work where no more is allowed.

        Which calls a limit in another unit holds back nobody knows, so what they take is not
        certain either.
        """
        calls = limits.calls
        held = calls is not None and self.high > calls
        other = replace(limits, calls=None, usd=None, flops=None)
        kept = dict[str, Charge]() if held or not other.unlimited else dict(self.charges)
        if limits.usd is not None and "usd" in kept:
            kept["usd"] = kept["usd"].at_most(pico(limits.usd))
        if limits.flops is not None and "flops" in kept:
            kept["flops"] = kept["flops"].at_most(int(limits.flops))
        if calls is None or not held:
            return replace(self, charges=kept)
        low = min(self.low, calls)
        return replace(self, low=low, high=calls, sums=str(calls), charges=kept)

    def times(self, count: int, what: str, least: int) -> Work:
        """The work of at least `least` and at most `count` rounds or items."""
        shown = f"({self.sums})" if " + " in self.sums else self.sums
        sums = f"{count:_} {what} × {shown}" if self.sums else ""
        nodes = count * (self.nodes + 1)
        charges = {unit: part.times(count, what) for unit, part in self.charges.items()}
        return Work(least * self.low, count * self.high, nodes, sums, self.uses, charges)


def together(parts: Iterable[Work]) -> Work:
    """The work of all parts."""
    total = Work()
    for part in parts:
        total = total + part
    return total


def either(parts: Iterable[Work]) -> Work:
    """The work of one of the parts, whichever it will be."""
    found = list(parts)
    most = max(found, key=lambda part: part.total, default=Work())
    high = max((part.high for part in found), default=0)
    sums = most.sums if most.high == high else str(high)
    low = min((part.low for part in found), default=0)
    uses: tuple[Use, ...] = ()
    charges: dict[str, Charge] = {}
    for part in found:
        uses = union(uses, part.uses)
        for unit, one in part.charges.items():
            charges[unit] = max(charges.get(unit, one), one, key=attrgetter("amount"))
    return Work(low, high, most.nodes, sums, uses, charges)


def _added(some: Mapping[str, Charge], others: Mapping[str, Charge]) -> dict[str, Charge]:
    units = dict.fromkeys((*some, *others))
    return {unit: some.get(unit, Charge()) + others.get(unit, Charge()) for unit in units}
