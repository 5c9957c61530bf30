"""The search space of a graph: its holes as typed, conditional parameters.

Only data and counting; strategies that propose points build on it. A parameter matters (is
*active*) when all its conditions hold and the parameters that they name are active themselves.
Two assignments *differ* when their active parts do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import floor, prod
from typing import Literal

from graphdsl.compiler.pins import point
from graphdsl.ir.nodes import Assignment, Choices, Graph, Hole

Kind = Literal["categorical", "int", "float"]

When = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One hole as a parameter.

    A `categorical` one has `labels`, an `int` or `float` one `low` and `high`, both included, and
    a `step` (None: any number between them). `default` is a label or a number.
    """

    address: str
    kind: Kind
    default: str | float
    labels: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    when: When = ()

    @property
    def size(self) -> int | None:
        """How many values it can have; None when they form a continuum."""
        if self.kind == "categorical":
            return len(self.labels)
        if self.low == self.high:
            return 1
        if self.step is None:
            return None
        # A step such as 0.1 is not exact: the last point may lie a hair above `high`.
        return floor((self.high - self.low) / self.step + 1e-9) + 1

    def value(self, index: int) -> str | float:
        """The value at a position, counted from 0, of a parameter with finitely many."""
        if self.kind == "categorical":
            return self.labels[index]
        return point(self.low, self.step or 0, index, self.kind == "int")

    def draw(self, rng: random.Random) -> str | float:
        """A value, each equally likely."""
        size = self.size
        return rng.uniform(self.low, self.high) if size is None else self.value(rng.randrange(size))


@dataclass(frozen=True, slots=True)
class Space:
    """The parameters of a graph, those that conditions name before those that depend on them."""

    parameters: tuple[Parameter, ...]

    @staticmethod
    def of(graph: Graph) -> Space:
        """The space of an open graph; a closed one has exactly one point."""
        return Space(_ordered([_parameter(hole) for hole in graph.holes]))

    def size(self) -> int | None:
        """The number of assignments that differ; None when a parameter is continuous."""
        if any(parameter.size is None for parameter in self.parameters):
            return None
        return _count(self.parameters)

    def active(self, assignment: Mapping[str, str | float]) -> tuple[str, ...]:
        """The addresses that matter under an assignment; what it leaves out has its default."""
        found: dict[str, str | float] = {}
        for parameter in self.parameters:
            if holds(parameter.when, found):
                found[parameter.address] = assignment.get(parameter.address, parameter.default)
        return tuple(found)

    def sample(self, rng: random.Random) -> Assignment:
        """A random assignment of active parameters, each drawn evenly from its own values."""
        found: Assignment = {}
        for parameter in self.parameters:
            if holds(parameter.when, found):
                found[parameter.address] = parameter.draw(rng)
        return found

    def enumerate(self, limit: int) -> Iterator[Assignment]:
        """The first `limit` assignments that differ, the last parameter changing fastest.

        Raises ValueError when a parameter is continuous.
        """
        for parameter in self.parameters:
            if parameter.size is None:
                raise ValueError(f"`{parameter.address}` is continuous and cannot be enumerated")
        points = _points(self.parameters)
        return (found for _, found in zip(range(limit), points, strict=False))


def _parameter(hole: Hole) -> Parameter:
    match hole.domain:
        case Choices(labels, _):
            return Parameter(hole.address, "categorical", hole.default, labels, when=hole.when)
        case domain:
            kind: Kind = "int" if domain.integer else "float"
            low, high, step = domain.low, domain.high, domain.step
            return Parameter(hole.address, kind, hole.default, (), low, high, step, hole.when)


def _ordered(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Parameters in order, each after those that its conditions name."""
    by_address = {parameter.address: parameter for parameter in parameters}
    found: dict[str, Parameter] = {}
    waiting = parameters[::-1]
    while waiting:
        parameter = waiting.pop()
        names = [name for name, _ in parameter.when if name not in found and name in by_address]
        if names:
            waiting += [parameter, *(by_address[name] for name in reversed(names))]
        else:
            found.setdefault(parameter.address, parameter)
    return tuple(found.values())


def holds(when: When, chosen: Mapping[str, str | float]) -> bool:
    """True when all conditions hold; a parameter that is not active meets none."""
    return all(address in chosen and str(chosen[address]) in labels for address, labels in when)


def _points(parameters: tuple[Parameter, ...]) -> Iterator[Assignment]:
    """Every assignment of active parameters, like the numbers of an odometer."""
    at = _fill(parameters, {})
    while True:
        values = {p.address: p.value(at[p.address]) for p in parameters if p.address in at}
        yield values
        turned = [p for p in parameters if at.get(p.address, p.size or 0) + 1 < (p.size or 0)]
        if not turned:
            return
        last = parameters.index(turned[-1])
        kept = {p.address: at[p.address] for p in parameters[:last] if p.address in at}
        at = _fill(parameters, {**kept, turned[-1].address: at[turned[-1].address] + 1})


def _fill(parameters: tuple[Parameter, ...], at: dict[str, int]) -> dict[str, int]:
    """Positions of all active parameters: those given, and the first for the others."""
    found: dict[str, int] = {}
    chosen: Assignment = {}
    for parameter in parameters:
        if holds(parameter.when, chosen):
            found[parameter.address] = at.get(parameter.address, 0)
            chosen[parameter.address] = parameter.value(found[parameter.address])
    return found


# ---- counting


def _count(parameters: tuple[Parameter, ...]) -> int:
    """Assignments that differ, as a product over parts that do not depend on each other."""
    return prod(_count_part(part) for part in parts_of(parameters))


def _count_part(part: tuple[Parameter, ...]) -> int:
    """Assignments of parameters that hang together.

    Fixing one that others depend on leaves smaller problems; labels that decide the same
    conditions leave the same one.
    """
    if len(part) == 1:
        return part[0].size or 0
    names = [address for parameter in part for address, _ in parameter.when]
    roots = [parameter for parameter in part if not parameter.when]
    root = max(roots, key=lambda parameter: names.count(parameter.address))
    rest = tuple(parameter for parameter in part if parameter is not root)
    total, known = 0, dict[tuple[Parameter, ...], int]()
    for index in range(root.size or 0):
        left = given(rest, root.address, str(root.value(index)))
        if left not in known:
            known[left] = _count(left)
        total += known[left]
    return total


def given(parameters: tuple[Parameter, ...], address: str, label: str) -> tuple[Parameter, ...]:
    """What is left to decide once a parameter has a label."""
    gone: set[str] = set()
    left: list[Parameter] = []
    for parameter in parameters:
        labels = dict(parameter.when).get(address)
        if (labels is not None and label not in labels) or any(
            name in gone for name, _ in parameter.when
        ):
            gone.add(parameter.address)
        else:
            when = tuple(pair for pair in parameter.when if pair[0] != address)
            left.append(replace(parameter, when=when))
    return tuple(left)


def parts_of(parameters: tuple[Parameter, ...]) -> list[tuple[Parameter, ...]]:
    """Parameters grouped so that no condition crosses groups."""
    group = {parameter.address: parameter.address for parameter in parameters}

    def root(address: str) -> str:
        while group[address] != address:
            address = group[address]
        return address

    for parameter in parameters:
        for address, _ in parameter.when:
            group[root(parameter.address)] = root(address)
    parts: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        parts.setdefault(root(parameter.address), []).append(parameter)
    return [tuple(part) for part in parts.values()]
