"""What calls take of a budget in money or operations, as far as it is certain before a run.

Prompts depend on inputs and machines paid by the hour on time, so these count for nothing here:
what is counted is the longest reply of every call, and what a call costs beside its tokens. A run
can take at least as much as that in its worst case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from graphdsl.compiler.uses import Asked
from graphdsl.prices import dollars

_LONGEST: Final = 160
_MORE: Final = " + …"
"""Characters of arithmetic that are shown, and what stands for the rest."""


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount in 1e-12 USD or in operations, and the sum as people read it."""

    amount: int = 0
    sums: str = ""

    def __add__(self, other: Charge) -> Charge:
        sums = " + ".join(part for part in (self.sums, other.sums) if part)
        if len(sums) > _LONGEST:
            sums = f"{self.sums.removesuffix(_MORE)}{_MORE}"
        return Charge(self.amount + other.amount, sums)

    def times(self, count: int, what: str) -> Charge:
        """The same in every one of so many rounds or items."""
        shown = f"({self.sums})" if " + " in self.sums else self.sums
        return Charge(count * self.amount, f"{count:_} {what} × {shown}" if self.sums else "")

    def at_most(self, amount: int) -> Charge:
        """The same where no more is allowed."""
        return self if self.amount <= amount else Charge(amount, "what the scope allows")


def charge(name: str, asked: Iterable[Asked], unit: str) -> Charge:
    """What the calls of an operator can take, shared evenly where several models may be asked."""
    counts = Counter[int]()
    for part in asked:
        for use in part.uses:
            counts[use.amount(unit)] += part.calls // len(part.uses)
    amount = sum(each * count for each, count in counts.items())
    terms = [f"{name} {n} × {shown(each, unit)}" for each, n in counts.items() if each and n]
    return Charge(amount, " + ".join(terms))


def shown(amount: int, unit: str) -> str:
    """An amount as people read it: `$0.0012`, `2.8e+11 operations`."""
    return dollars(amount) if unit == "usd" else f"{amount:.3g} operations"
