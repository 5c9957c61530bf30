"""Points of a space: assignments of exactly the active parameters, in the order of the space."""

from __future__ import annotations

import math
from collections.abc import Mapping

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, Space

Key = tuple[tuple[str, str | float], ...]
"""A point as something that can be looked up."""


def key_of(point: Assignment) -> Key:
    """The key of a point, as `completed` gives it."""
    return tuple(point.items())


def completed(space: Space, given: Mapping[str, str | float]) -> Assignment:
    """The point that an assignment means: defaults for what it leaves out, nothing inactive."""
    active = set(space.active(given))
    return {
        one.address: given.get(one.address, one.default)
        for one in space.parameters
        if one.address in active
    }


def fits(space: Space, point: Assignment) -> bool:
    """Whether each value of a point is one that its parameter can have."""
    return all(_fits(one, point[one.address]) for one in space.parameters if one.address in point)


def position(parameter: Parameter, value: str | float) -> int:
    """Where a value stands among finitely many. Raises ValueError when it is none of them."""
    if parameter.kind == "categorical":
        return parameter.labels.index(str(value))
    if isinstance(value, str):
        raise ValueError(f"`{value}` is no number for `{parameter.address}`")
    at = round((value - parameter.low) / (parameter.step or 1))
    if not 0 <= at < (parameter.size or 0):
        raise ValueError(f"{value} is outside of `{parameter.address}`")
    if not math.isclose(float(parameter.value(at)), value, rel_tol=1e-6, abs_tol=1e-9):
        raise ValueError(f"{value} is between the steps of `{parameter.address}`")
    return at


def is_ordered(parameter: Parameter) -> bool:
    """Whether its values have an order: numbers, or labels that are rising or falling numbers.

    >>> is_ordered(Parameter("n", "categorical", "1", ("1", "3", "9")))
    True
    >>> is_ordered(Parameter("m", "categorical", "small", ("small", "large")))
    False
    """
    if parameter.kind != "categorical":
        return True
    try:
        numbers = [float(label) for label in parameter.labels]
    except ValueError:
        return False
    return numbers in (sorted(numbers), sorted(numbers, reverse=True))


def levels(parameter: Parameter, most: int) -> list[str | float]:
    """Up to `most` values: all, or evenly spaced ones with both ends. Of labels always all.

    >>> levels(Parameter("n", "int", 5, low=1, high=100, step=1), 4)
    [1, 34, 67, 100]
    >>> levels(Parameter("t", "float", 0.5, low=0.0, high=1.0), 5)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    size = parameter.size
    if size is None:
        low, high = parameter.low, parameter.high
        shares = [at / max(1, most - 1) for at in range(most)]
        return [min(high, max(low, low + share * (high - low))) for share in shares]
    if parameter.kind == "categorical" or size <= most:
        return [parameter.value(at) for at in range(size)]
    return [parameter.value(round(at * (size - 1) / max(1, most - 1))) for at in range(most)]


def _fits(parameter: Parameter, value: str | float) -> bool:
    if parameter.size is None:
        return not isinstance(value, str) and parameter.low <= value <= parameter.high
    try:
        position(parameter, value)
    except (ValueError, OverflowError):
        return False
    return True
