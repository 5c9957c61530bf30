"""Assignments of a conditional space as rows of small whole numbers, for trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphdsl.search.space import Parameter, Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VALUES: Final = 16
"""Values of a number up to which each is a level of its own."""

_RANGES: Final = 8
"""Ranges of equal width that the values of another one are cut into."""


@dataclass(frozen=True, slots=True)
class Codes:
    """How the values of each parameter are written: 0 where it does not matter, else from 1 on."""

    parameters: tuple[Parameter, ...]

    @staticmethod
    def of(space: Space) -> Codes:
        """The codes of all parameters of a space."""
        return Codes(space.parameters)

    @property
    def ordered(self) -> tuple[bool, ...]:
        """Which parameters are numbers, whose levels lie in a row."""
        return tuple(parameter.kind != "categorical" for parameter in self.parameters)

    @property
    def width(self) -> int:
        """All codes are below it."""
        return 1 + max(map(_levels, self.parameters), default=1)

    def levels(self, address: str) -> dict[str, str | float]:
        """The levels of a parameter: what each is called, and a value that stands for it."""
        parameter = next(one for one in self.parameters if one.address == address)
        if parameter.kind == "categorical":
            return {label: label for label in parameter.labels}
        return dict(_values(parameter) if _each(parameter) else _ranges(parameter))

    def rows(self, assignments: Sequence[Mapping[str, str | float]]) -> NDArray[np.int64]:
        """One row per assignment, one column per parameter."""
        import numpy as np

        rows = np.zeros((len(assignments), len(self.parameters)), dtype=np.int64)
        for column, parameter in enumerate(self.parameters):
            known = {label: code for code, label in enumerate(parameter.labels, 1)}
            for row, assignment in enumerate(assignments):
                value = assignment.get(parameter.address)
                if value is not None:
                    rows[row, column] = _code(parameter, known, value)
        return rows


def _code(parameter: Parameter, labels: Mapping[str, int], value: str | float) -> int:
    """The code of a value; one that the space does not have counts as not mattering."""
    if parameter.kind == "categorical":
        return labels.get(str(value), labels.get(f"{value:g}", 0) if _number(value) else 0)
    if not _number(value):
        return 0
    count = _count(parameter)
    width = parameter.high - parameter.low
    place = (float(value) - parameter.low) / width if width else 0.0
    code = round(place * (count - 1)) if _each(parameter) else int(place * count)
    return 1 + min(max(code, 0), count - 1)


def _number(value: str | float) -> bool:
    return not isinstance(value, str)


def _levels(parameter: Parameter) -> int:
    """How many codes it has beside 0."""
    return len(parameter.labels) if parameter.kind == "categorical" else _count(parameter)


def _each(parameter: Parameter) -> bool:
    """Whether each of its values is a level."""
    return parameter.size is not None and parameter.size <= _VALUES


def _count(parameter: Parameter) -> int:
    return (parameter.size or 1) if _each(parameter) else _RANGES


def _values(parameter: Parameter) -> Iterator[tuple[str, float]]:
    for index in range(_count(parameter)):
        value = float(parameter.value(index))
        yield f"{value:g}", value


def _ranges(parameter: Parameter) -> Iterator[tuple[str, float]]:
    width = (parameter.high - parameter.low) / _RANGES
    for index in range(_RANGES):
        low = parameter.low + width * index
        yield f"{low:.3g} to {low + width:.3g}", low + width / 2
