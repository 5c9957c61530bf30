"""The integer programme of ETS: which leaves are worth their prefixes (arXiv 2502.13575)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from graphdsl.ops.extras import extra

TIME_LIMIT: Final = 1.0
"""Seconds after which the solver is given up."""

_SOLVER: Final = "scipy.optimize"
_WHAT: Final = "`policy: ets`"


@dataclass(frozen=True, slots=True)
class LeafChoice:
    """Keep leaves i so as to maximise Σ outcome_i·x_i - prefix_cost·(Σ y_j + Σ x_i) / (M + N)
    + variety / K · Σ c_k.

    `ancestors` are, for each of the N leaves, the distinct nodes above it, from its parent to the
    root: M altogether. y_j: any leaf below is kept. `clusters` numbers each leaf's cluster from 0
    to K - 1. c_k: any leaf of it is kept. At least one leaf is kept.
    """

    outcomes: Sequence[float]
    ancestors: Sequence[Sequence[int]]
    clusters: Sequence[int]
    prefix_cost: float
    variety: float

    def value(self, kept: Sequence[bool]) -> float:
        """The objective for these leaves."""
        chosen = [index for index, keep in enumerate(kept) if keep]
        above = {node for index in chosen for node in self.ancestors[index]}
        gain = sum(self.outcomes[index] for index in chosen)
        meanings = len({self.clusters[index] for index in chosen})
        return gain - self._cost * (len(above) + len(chosen)) + self._gain * meanings

    @property
    def _cost(self) -> float:
        nodes = len({node for above in self.ancestors for node in above})
        return self.prefix_cost / (nodes + len(self.outcomes))

    @property
    def _gain(self) -> float:
        return self.variety / (max(self.clusters) + 1)


def check_solver() -> None:
    """Raises `ExtraMissing` without scipy, whose solver (HiGHS) it needs."""
    extra(_SOLVER, _WHAT)


def solve(choice: LeafChoice, seconds: float = TIME_LIMIT) -> list[bool] | None:
    """Which leaves are kept; None where the solver failed or took too long.

    Only x is integral: of the others the objective makes y_j the greatest x below j, and c_k the
    lesser of 1 and the sum of its x. The rows y_parent ≥ y_child say the same as y_j ≥ x_i for all
    leaves below j, and are fewer.
    """
    optimize: Any = extra(_SOLVER, _WHAT)
    programme = _Programme(choice)
    found = optimize.milp(
        c=programme.costs,
        integrality=programme.integral,
        bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(programme.matrix(), lb=programme.least),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if found.status != 0 or found.x is None:
        return None
    return [value > 0.5 for value in found.x[: len(choice.outcomes)]]


class _Programme:
    """The same as columns x, y, c, and rows `matrix · columns ≥ least`; costs are minimised."""

    def __init__(self, choice: LeafChoice) -> None:
        leaves = len(choice.outcomes)
        nodes = list(dict.fromkeys(node for above in choice.ancestors for node in above))
        column = {node: leaves + place for place, node in enumerate(nodes)}
        first = leaves + len(nodes)
        groups = max(choice.clusters) + 1
        self._cells: tuple[list[int], list[int], list[float]] = ([], [], [])
        self.least: list[float] = []
        self._width = first + groups
        cost = choice.prefix_cost / first
        self.costs = [cost - outcome for outcome in choice.outcomes]
        self.costs += [cost] * len(nodes) + [-choice.variety / groups] * groups
        self.integral = [1] * leaves + [0] * (len(nodes) + groups)
        self._add_prefixes(choice, column)
        for cluster in range(groups):
            members = [i for i, other in enumerate(choice.clusters) if other == cluster]
            self._row(0.0, (first + cluster, -1.0), *((i, 1.0) for i in members))
        self._row(1.0, *((i, 1.0) for i in range(leaves)))

    def matrix(self) -> Any:
        """The rows, sparse."""
        sparse: Any = extra("scipy.sparse", _WHAT)
        rows, columns, values = self._cells
        return sparse.csr_array((values, (rows, columns)), shape=(len(self.least), self._width))

    def _add_prefixes(self, choice: LeafChoice, column: dict[int, int]) -> None:
        seen: set[tuple[int, int]] = set()
        for leaf, above in enumerate(choice.ancestors):
            path = [leaf, *(column[node] for node in above)]
            for pair in pairwise(path):
                if pair not in seen:
                    seen.add(pair)
                    self._row(0.0, (pair[1], 1.0), (pair[0], -1.0))

    def _row(self, least: float, *cells: tuple[int, float]) -> None:
        rows, columns, values = self._cells
        for place, value in cells:
            rows.append(len(self.least))
            columns.append(place)
            values.append(value)
        self.least.append(least)
