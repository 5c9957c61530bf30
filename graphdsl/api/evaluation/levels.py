"""The levels at which a flow is measured: values of a hole, or budgets of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.plan import Budget

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow


@dataclass(frozen=True, slots=True)
class Level:
    """One way to run a flow. `label` is empty for the only one; `size` is it as a number."""

    flow: Flow
    budget: Budget
    label: str = ""
    size: float | None = None


def levels_of(
    flow: Flow,
    budget: Budget,
    holes: Mapping[str, Sequence[str | float]] | None,
    budgets: Sequence[Budget] | None,
) -> tuple[Level, ...]:
    """The levels that are asked for, in their order; one without a label where none are.

    Raises `InputError` for both kinds at once, more than one hole, fewer than two values, one
    value twice, budgets of several limits, and an address that is no hole; `CompileError` for a
    value that the hole does not have.
    """
    if holes and budgets:
        raise InputError("levels are values of a hole, or budgets, not both")
    if budgets:
        return tuple(_budgeted(flow, budget, one) for one in _several(budgets, "budgets"))
    if not holes:
        return (Level(flow, budget),)
    if len(holes) > 1:
        raise InputError("levels are the values of one hole; pin the others")
    ((address, values),) = holes.items()
    return tuple(_pinned(flow, budget, address, one) for one in _several(values, "values"))


def _several(values: Sequence[Any], what: str) -> Sequence[Any]:
    if len(values) < 2:
        raise InputError(f"levels are compared, so two {what} at least are needed")
    twice = next((one for at, one in enumerate(values) if one in values[:at]), None)
    if twice is not None:
        raise InputError(f"the level `{twice}` is given twice")
    return values


def _pinned(flow: Flow, budget: Budget, address: str, value: str | float) -> Level:
    name = address.rpartition(".")[2]
    holes = [hole.address for hole in flow.open_graph.holes]
    if address not in holes:
        near = did_you_mean(address, holes) or tuple(holes)
        listed = ", ".join(f"`{one}`" for one in near)
        hint = f"the holes are {listed}" if near else "the flow has none"
        raise InputError(
            f"levels are values of a hole, and `{address}` is none; {hint} (a number becomes one "
            "where the program says `3 in [1, 3, 9]`)"
        )
    return Level(flow.with_({address: value}), budget, f"{name}={value}", _number(value))


def _budgeted(flow: Flow, budget: Budget, level: Budget) -> Level:
    given = {one.name: getattr(level, one.name) for one in fields(level)}
    limits = {name: limit for name, limit in given.items() if limit is not None}
    if len(limits) != 1:
        raise InputError("each budget that is a level limits one thing, such as `Budget(calls=8)`")
    ((name, limit),) = limits.items()
    kept = {one.name: getattr(budget, one.name) for one in fields(budget)}
    return Level(flow, Budget(**{**kept, name: limit}), f"{name}={limit:g}", float(limit))


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
