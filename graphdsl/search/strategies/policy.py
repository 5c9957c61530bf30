"""A distribution over the points of a space: the probabilistic graph of two searchers.

P(G) = ∏ Bernoulli(σ(θ)) over switches that are active, among them the edges of `collaborate`, times
∏ softmax(π) over all other active parameters, among them roles and models (GPTSwarm, arXiv
2402.16823; Agent-REINFORCE, arXiv 2511.00086). A parameter whose condition does not hold is not
decided and has no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Parameter, Space, holds
from graphdsl.search.strategies.points import levels

SWITCH: Final = ("on", "off")
"""The labels of an edge and of an optional stage."""

LEVELS: Final = 33
"""How many values of a long axis, or of a continuum, the policy chooses from."""

Logits = dict[str, list[float]]
"""By address: one number for a switch (θ of `on`), otherwise one for each value."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter as the policy sees it."""

    parameter: Parameter
    values: tuple[str | float, ...]

    @property
    def is_switch(self) -> bool:
        """Whether it is decided by one coin."""
        return self.values == SWITCH

    def probabilities(self, logits: Sequence[float]) -> list[float]:
        """The probability of each value."""
        if self.is_switch:
            on = _sigmoid(logits[0])
            return [on, 1.0 - on]
        top = max(logits)
        weights = [math.exp(logit - top) for logit in logits]
        total = math.fsum(weights)
        return [weight / total for weight in weights]

    def log_slope(self, value: str | float, logits: Sequence[float]) -> list[float]:
        """∂ log P(value) / ∂ logits: a − σ(θ), or the indicator less the softmax."""
        chances = self.probabilities(logits)
        at = self.values.index(value)
        if self.is_switch:
            return [(1.0 if at == 0 else 0.0) - chances[0]]
        return [(1.0 if place == at else 0.0) - chance for place, chance in enumerate(chances)]

    def entropy_slope(self, logits: Sequence[float]) -> list[float]:
        """∂ H / ∂ logits, of the entropy in nats."""
        chances = self.probabilities(logits)
        if self.is_switch:
            return [-logits[0] * chances[0] * chances[1]]
        entropy = -math.fsum(p * math.log(p) for p in chances if p > 0)
        return [-p * (math.log(p) + entropy) if p > 0 else 0.0 for p in chances]

    def slope(
        self,
        logits: Sequence[float],
        weighted: Sequence[tuple[str | float, float]],
        bonus: float,
    ) -> list[float]:
        """The weighted sum of the slopes of some values, plus `bonus` times that of entropy."""
        found = [bonus * part for part in self.entropy_slope(logits)]
        for value, weight in weighted:
            parts = self.log_slope(value, logits)
            found = [before + weight * part for before, part in zip(found, parts, strict=True)]
        return found


@dataclass(frozen=True, slots=True)
class Policy:
    """The choices of a space in its order. Even at first: each value is as likely as any other."""

    choices: tuple[Choice, ...]

    @staticmethod
    def of(space: Space) -> Policy:
        """The policy over a space."""
        return Policy(tuple(Choice(one, _values(one)) for one in space.parameters))

    def even(self) -> Logits:
        """Logits of the even distribution."""
        return {
            one.parameter.address: [0.0] * (1 if one.is_switch else len(one.values))
            for one in self.choices
        }

    def sample(self, logits: Logits, rng: Random) -> Assignment:
        """Draw a point."""
        found: Assignment = {}
        for one in self.choices:
            if holds(one.parameter.when, found):
                chances = one.probabilities(logits[one.parameter.address])
                (found[one.parameter.address],) = rng.choices(one.values, chances)
        return found

    def likeliest(self, logits: Logits) -> Assignment:
        """The point of the likeliest value of each parameter, in order; the first among equals."""
        found: Assignment = {}
        for one in self.choices:
            if holds(one.parameter.when, found):
                chances = one.probabilities(logits[one.parameter.address])
                found[one.parameter.address] = one.values[chances.index(max(chances))]
        return found

    def log_probability(self, logits: Logits, point: Mapping[str, str | float]) -> float:
        """log P of a point: the sum over the decisions that were taken."""
        return math.fsum(
            math.log(one.probabilities(logits[address])[one.values.index(point[address])])
            for one in self.choices
            if (address := one.parameter.address) in point
        )

    def gradient(
        self, logits: Logits, points: Sequence[Assignment], worths: Sequence[float], bonus: float
    ) -> Logits:
        """The slope of expected worth, estimated from points that were drawn, plus that of the
        entropy times `bonus`.

        g = (1/M) Σ A_i ∇log P(G_i) with A_i = u_i − mean of the other u_j: the baseline of a sample
        does not depend on it, so the estimate has no bias (Kool, van Hoof and Welling 2019). A
        parameter that no point decided is not in it.
        """
        found: Logits = {}
        for one in self.choices:
            address = one.parameter.address
            decided = [
                (point[address], advantage)
                for point, advantage in zip(points, leave_one_out(worths), strict=True)
                if address in point
            ]
            if decided:
                weighted = [(value, weight / len(points)) for value, weight in decided]
                found[address] = one.slope(logits[address], weighted, bonus)
        return found


def leave_one_out(worths: Sequence[float]) -> list[float]:
    """Each worth less the mean of the others; 0 of a single one.

    >>> leave_one_out([1.0, 0.0, 0.5])
    [0.75, -0.75, 0.0]
    """
    if len(worths) < 2:
        return [0.0] * len(worths)
    total, others = math.fsum(worths), len(worths) - 1
    return [worth - (total - worth) / others for worth in worths]


def _values(one: Parameter) -> tuple[str | float, ...]:
    found = tuple(levels(one, LEVELS))
    return SWITCH if set(found) == set(SWITCH) else found


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))
