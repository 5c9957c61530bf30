"""Every point of a finite space has a number: what a grid walks through, in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd, isqrt, prod

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, Space, given, parts_of


@dataclass(frozen=True, slots=True)
class Numbering:
    """The points of some parameters, counted from 0: a product of factors without ties."""

    factors: tuple[Factor, ...] = ()

    @property
    def size(self) -> int:
        """How many points there are."""
        return prod(factor.size for factor in self.factors)

    def at(self, number: int) -> Assignment:
        """The active values of a point, in no particular order."""
        found: Assignment = {}
        for factor in self.factors:
            number, own = divmod(number, factor.size)
            found |= factor.at(own)
        return found


@dataclass(frozen=True, slots=True)
class Factor:
    """One parameter and all that hangs on it: for each of its `cases` the positions of its values
    and what they leave to decide."""

    parameter: Parameter
    cases: tuple[tuple[tuple[int, ...] | range, Numbering], ...]
    size: int

    def at(self, number: int) -> Assignment:
        """The active values of a point of this factor."""
        for positions, rest in self.cases:
            size = rest.size
            if number < len(positions) * size:
                position, number = divmod(number, size)
                value = self.parameter.value(positions[position])
                return {self.parameter.address: value, **rest.at(number)}
            number -= len(positions) * size
        raise IndexError(number)


def numbering_of(parameters: tuple[Parameter, ...]) -> Numbering:
    """Number the points of parameters, each of which has finitely many values."""
    return Numbering(tuple(_factor(part) for part in parts_of(parameters)))


def gridded(space: Space, halvings: int) -> Space:
    """The space with each continuum halved so many times: 2 gives five values, both ends among
    them. Finite parameters stay as they are."""
    return Space(tuple(_gridded(parameter, halvings) for parameter in space.parameters))


def scattered(size: int, start: int) -> Iterator[int]:
    """All numbers below `size`, each once, so that any first few of them lie far apart.

    Steps of the golden ratio (the additive recurrence of Weyl), which are the best spread of all;
    the nearest step that has no divisor with `size` makes the round meet every number.

    >>> list(scattered(10, 4))
    [4, 1, 8, 5, 2, 9, 6, 3, 0, 7]
    """
    step = _coprime(size)
    for turn in range(size):
        yield (start + turn * step) % size


def _coprime(size: int) -> int:
    """A number near size/φ, with integers only: sizes may have hundreds of digits."""
    golden = max(1, (isqrt(5 * size * size) - size) // 2)
    return next(
        step
        for offset in range(size + 1)
        for step in (golden + offset, golden - offset)
        if step > 0 and gcd(step, size) == 1
    )


def _gridded(parameter: Parameter, halvings: int) -> Parameter:
    if parameter.size is not None:
        return parameter
    step = (parameter.high - parameter.low) / 2**halvings
    return replace(parameter, kind="float", step=step)


def _factor(part: tuple[Parameter, ...]) -> Factor:
    names = [address for parameter in part for address, _ in parameter.when]
    roots = [parameter for parameter in part if not parameter.when]
    root = max(roots, key=lambda parameter: names.count(parameter.address))
    rest = tuple(parameter for parameter in part if parameter is not root)
    cases = _cases(root, rest)
    return Factor(root, cases, sum(len(positions) * left.size for positions, left in cases))


def _cases(
    root: Parameter, rest: tuple[Parameter, ...]
) -> tuple[tuple[tuple[int, ...] | range, Numbering], ...]:
    """Values that decide the same conditions leave the same numbering."""
    if not rest:
        return ((range(root.size or 0), Numbering()),)
    positions: dict[tuple[Parameter, ...], list[int]] = {}
    for position in range(root.size or 0):
        left = given(rest, root.address, str(root.value(position)))
        positions.setdefault(left, []).append(position)
    return tuple((tuple(where), numbering_of(left)) for left, where in positions.items())
