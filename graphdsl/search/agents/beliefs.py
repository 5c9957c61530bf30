"""What a strategy believes of a space: one distribution for each parameter (Agent-REINFORCE)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from graphdsl.ir.nodes import Assignment
from graphdsl.search.agents.cells import Cells, cells_of
from graphdsl.search.agents.chances import Chances, blended, clipped, even, gradient, stepped
from graphdsl.search.space import Space
from graphdsl.search.strategies.points import completed

Table = dict[str, Chances]
"""Chances by address."""


@dataclass(slots=True)
class Beliefs:
    """P(G) = ∏ p(value): parameters are independent, but for the conditions between them.

    Edges and stages that are on or off are Bernoulli, roles and models categorical, numbers have a
    distribution over few cells. `table` is what is drawn from: `learnt`, blended with `advised`
    where somebody advised. What is learnt is kept apart, so that bad advice leaves no trace in it.
    """

    space: Space
    cells: Mapping[str, Cells]
    table: Table
    learnt: Table
    advised: Table = field(default_factory=dict[str, Chances])

    @staticmethod
    def of(space: Space) -> Beliefs:
        """Beliefs that know nothing: all cells of a parameter are equally likely."""
        cells = {one.address: cells_of(one) for one in space.parameters}
        table = {name: even(len(one)) for name, one in cells.items()}
        return Beliefs(space, cells, table, dict(table))

    def draw(self, random: Random) -> Assignment:
        """A point drawn from the table."""
        drawn: Assignment = {}
        for address, cells in self.cells.items():
            cell = random.choices(range(len(cells)), self.table[address])[0]
            drawn[address] = cells.draw(cell, random)
        return completed(self.space, drawn)

    def likeliest(self, table: Table) -> Assignment:
        """The point of the most likely cells; of equal ones that of the default, else the first."""
        found: Assignment = {}
        for address, cells in self.cells.items():
            chances, usual = table[address], cells.at(cells.parameter.default)
            best = max(range(len(cells)), key=lambda at: (chances[at], at == usual))
            found[address] = cells.middle(best)
        return completed(self.space, found)

    def learn(self, points: Sequence[Assignment], advantages: Sequence[float], rate: float) -> None:
        """A step of the policy gradient on what is learnt: p ∝ p · exp(rate · g), clipped.

        A parameter counts only in those of the points, drawn from the table, that have it.
        """
        for address, cells in self.cells.items():
            drawn = [
                (cells.at(point[address]), advantage)
                for point, advantage in zip(points, advantages, strict=True)
                if address in point
            ]
            if drawn and len(cells) > 1:
                slope = gradient(self.table[address], drawn, len(points), cells.ordered)
                self.learnt[address] = clipped(stepped(self.learnt[address], slope, rate))

    def blend(self, weight: float) -> None:
        """Draw from (1 - w) · learnt + w · advised from now on, where there is advice."""
        self.table = {
            address: blended(chances, self.advised.get(address, chances), weight)
            for address, chances in self.learnt.items()
        }

    def preference(self, point: Assignment) -> float:
        """ln(advised(G) / learnt(G)): how much rather the advice would have drawn a point."""
        total = 0.0
        for address, chances in self.advised.items():
            if address in point:
                cell = self.cells[address].at(point[address])
                total += math.log(chances[cell] / self.learnt[address][cell])
        return total
