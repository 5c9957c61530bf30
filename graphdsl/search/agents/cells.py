"""A parameter as a few cells: what a distribution is kept over, and what an agent can name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Final

from graphdsl.search.space import Parameter
from graphdsl.search.strategies.points import is_ordered, position

MOST: Final = 16
"""Cells of a number: one for each value where there are no more, else ranges of equal width."""

_LONGEST: Final = 200
"""Characters of a text that may still name a value."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one parameter; they cover all its values and do not overlap.

    `labels` are what agents read and write: a label, a number, or a range such as `1..8`. `ordered`
    cells have neighbours. `starts` is where each begins: a position, or a number of a continuum.
    """

    parameter: Parameter
    labels: tuple[str, ...]
    ordered: bool
    starts: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, value: str | float) -> int:
        """The cell of a value that the parameter can have. Raises ValueError for another one."""
        continuous = self.parameter.size is None
        place = float(value) if continuous else position(self.parameter, value)
        return max(0, sum(start <= place for start in self.starts) - 1)

    def draw(self, cell: int, random: Random) -> str | float:
        """A value of a cell, each equally likely."""
        low, high = self._ends(cell)
        if self.parameter.size is None:
            return random.uniform(low, high)
        return self.parameter.value(random.randrange(int(low), int(high)))

    def middle(self, cell: int) -> str | float:
        """The value that stands for a cell: the default where it is in it, else the middle one."""
        if self.at(self.parameter.default) == cell:
            return self.parameter.default
        low, high = self._ends(cell)
        if self.parameter.size is None:
            return (low + high) / 2
        return self.parameter.value(int(low + high - 1) // 2)

    def read(self, named: object) -> int | None:
        """The cell that somebody names by its label, or by a value in it; None where none is."""
        text = str(named).strip() if isinstance(named, str | int | float) else ""
        if isinstance(named, bool):
            text = ("on" if named else "off") if "on" in self.labels else str(named).lower()
        if not text or len(text) > _LONGEST:
            return None
        if text in self.labels:
            return self.labels.index(text)
        folded = [at for at, label in enumerate(self.labels) if label.lower() == text.lower()]
        return folded[0] if len(folded) == 1 else self._of_number(text)

    def _of_number(self, text: str) -> int | None:
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        if self.parameter.kind == "categorical":
            same = [at for at, label in enumerate(self.labels) if _number(label) == number]
            return same[0] if len(same) == 1 else None
        if self.parameter.size is None:
            inside = self.parameter.low <= number <= self.parameter.high
            return self.at(number) if inside else None
        try:
            return self.at(number)
        except (ValueError, OverflowError):
            return None

    def _ends(self, cell: int) -> tuple[float, float]:
        """Where a cell begins, and where the next one does."""
        size = self.parameter.size
        last = self.parameter.high if size is None else size
        return self.starts[cell], (*self.starts, last)[cell + 1]


def cells_of(parameter: Parameter, most: int = MOST) -> Cells:
    """The cells of a parameter; labels have one each, however many there are.

    >>> cells_of(Parameter("n", "int", 5, low=1, high=100, step=1), 4).labels
    ('1..25', '26..50', '51..75', '76..100')
    >>> cells_of(Parameter("t", "float", 0.5, low=0.0, high=1.0), 2).labels
    ('0..0.5', '0.5..1')
    """
    ordered, size = is_ordered(parameter), parameter.size
    if size is None:
        width = (parameter.high - parameter.low) / most
        bounds = [parameter.low + width * at for at in range(most)] + [parameter.high]
        labels = tuple(f"{low:g}..{high:g}" for low, high in pairwise(bounds))
        return Cells(parameter, labels, ordered, tuple(bounds[:-1]))
    if parameter.kind == "categorical":
        return Cells(parameter, parameter.labels, ordered, tuple(range(size)))
    count = min(size, most)
    starts = [at * size // count for at in range(count)]
    ends = [*starts[1:], size]
    labels = tuple(_range(parameter, a, b - 1) for a, b in zip(starts, ends, strict=True))
    return Cells(parameter, labels, ordered, tuple(starts))


def _range(parameter: Parameter, first: int, last: int) -> str:
    low, high = (float(parameter.value(at)) for at in (first, last))
    return f"{low:g}" if first == last else f"{low:g}..{high:g}"


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return math.nan
