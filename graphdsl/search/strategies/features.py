"""Points as rows of numbers, for models of their worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, Space
from graphdsl.search.strategies.points import is_ordered, position

_APART: Final = math.sqrt(0.5)
"""Two labels that are coded so lie at a distance of one."""

Standing = Mapping[tuple[str, str], float]
"""Where a label of a parameter stands among its labels by what it was worth alone: 0 to 1."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The features of one parameter: of labels a table, of numbers their place."""

    parameter: Parameter
    table: Mapping[str, tuple[float, ...]]
    inactive: tuple[float, ...]

    def code(self, point: Assignment) -> tuple[float, ...]:
        """What the parameter adds to the row of a point."""
        value = point.get(self.parameter.address)
        if value is None:
            return self.inactive
        return self.table.get(str(value)) or (_place(self.parameter, value), 1.0)


@dataclass(frozen=True, slots=True)
class Features:
    """Codes points. An ordered value is its place from 0 to 1, a label has a feature of its own
    and its standing, ½ where it has none. What is not active is all zeros, and one feature of an
    ordered parameter says that it is active: so inactive points are alike, and apart from active
    ones. `blocks` names the parameter of each feature."""

    axes: tuple[Axis, ...]
    blocks: tuple[int, ...]

    def row(self, point: Assignment) -> list[float]:
        """The features of one point."""
        return [feature for axis in self.axes for feature in axis.code(point)]


def features_of(space: Space, standing: Standing) -> Features:
    """The features of a space."""
    axes = tuple(_axis(one, standing) for one in space.parameters)
    blocks = tuple(at for at, axis in enumerate(axes) for _ in axis.inactive)
    return Features(axes, blocks)


def standings(
    singles: Sequence[tuple[Assignment, float]], start: Assignment
) -> dict[tuple[str, str], float]:
    """Rank the labels of each parameter by what the default point was worth with each of them.

    Archon ranks its models so, alone and as fusers, before it searches (arXiv 2409.15254).
    """
    worths: dict[str, dict[str, float]] = {}
    for point, worth in singles:
        changed = [name for name, value in point.items() if start.get(name, value) != value]
        for address in changed if len(changed) == 1 else point if not changed else ():
            worths.setdefault(address, {})[str(point[address])] = worth
    found: dict[tuple[str, str], float] = {}
    for address, labels in worths.items():
        order = sorted(labels, key=lambda label: labels[label])
        for place, label in enumerate(order):
            found[address, label] = place / max(1, len(order) - 1)
    return found


def _axis(one: Parameter, standing: Standing) -> Axis:
    if one.kind != "categorical":
        return Axis(one, {}, (0.0, 0.0))
    if is_ordered(one):
        codes = {label: (_place(one, label), 1.0) for label in one.labels}
        return Axis(one, codes, (0.0, 0.0))
    table = {
        label: (
            *(_APART if other == label else 0.0 for other in one.labels),
            standing.get((one.address, label), 0.5),
        )
        for label in one.labels
    }
    return Axis(one, table, (0.0,) * (len(one.labels) + 1))


def _place(one: Parameter, value: str | float) -> float:
    if one.size is not None:
        return position(one, value) / max(1, one.size - 1)
    return (float(value) - one.low) / ((one.high - one.low) or 1.0)
