"""The space of a study whose graph is not at hand, as far as what was tried tells."""

from __future__ import annotations

from collections.abc import Sequence

from graphdsl.search.result import Trial
from graphdsl.search.space import Parameter, Space


def tried_space(trials: Sequence[Trial]) -> Space | None:
    """Each parameter with the values that were tried.

    None where some trials lack a parameter of others: what it depends on cannot be told.
    """
    assignments = [trial.assignment for trial in trials if trial.assignment]
    addresses = list(dict.fromkeys(name for one in assignments for name in one))
    if not addresses or any(len(one) < len(addresses) for one in assignments):
        return None
    return Space(
        tuple(
            tried_parameter(address, [one[address] for one in assignments]) for address in addresses
        )
    )


def tried_parameter(address: str, values: Sequence[str | float]) -> Parameter:
    """A parameter that has these values, of which there is at least one: labels where any is a
    text, else numbers from the least to the largest."""
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        labels = tuple(sorted({str(value) for value in values}))
        return Parameter(address, "categorical", labels[0], labels)
    low, high = min(numbers), max(numbers)
    if all(float(value).is_integer() for value in numbers):
        return Parameter(address, "int", low, (), low, high, 1)
    return Parameter(address, "float", low, (), low, high)
