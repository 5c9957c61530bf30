"""`reinforce`: a policy gradient over edges, roles, models and all other holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import pstdev
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.adam import Adam
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import share, whole
from graphdsl.search.strategies.points import completed, key_of
from graphdsl.search.strategies.policy import Logits, Policy
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told

_SAMPLES: Final = 8
_RATE: Final = 0.1
_BONUS: Final = 0.01
"""The weight of entropy, in units of the spread of worth in a step."""
_WEIGHT: Final = 0.1
"""λ: how much quality the whole range of costs is worth."""
_REJECTIONS: Final = 30
_FREE: Final = 20
"""How many steps on points that are known may follow each other before a new one is drawn."""
_SHOWN: Final = 2
"""The likeliest point is proposed every second step."""


@dataclass(slots=True)
class Reinforce:
    """REINFORCE with a leave-one-out baseline, entropy bonus and Adam.

    GPTSwarm's update (arXiv 2402.16823, section 3.3) with what its code lacks: a baseline, roles
    and models, conditions. A step draws `samples` points; when all were told of, it moves the
    probabilities, which begin even. A point that is known already costs nothing: its newest
    estimate counts as one sample more. Points that break the limits of one run are drawn anew, so
    that log P is unnormalised then; worth is quality − λ·cost. A long axis or a continuum is a
    choice of 33 evenly spaced values. When the steps bring nothing new, points are drawn evenly.
    """

    archive: Archive
    unseen: Unseen
    policy: Policy
    samples: int
    adam: Adam
    logits: Logits
    _drawn: list[Assignment] = field(default_factory=list[Assignment])
    _steps: int = 0

    async def ask(self, count: int) -> Sequence[Assignment]:
        """The points of the step at hand that nobody knows; the next step when all are known."""
        self.archive.settle()
        if not self._steps:
            self._draw()
        for _ in range(_FREE):
            found = self._missing(count)
            if found:
                return [self.archive.propose(point) for point in found]
            self._learn()
            self._draw()
            if not self._drawn:
                break
        return self.unseen.fill([], count)

    def tell(self, told: Told) -> None:
        """Learn what a point was worth; it counts once for each time it was drawn."""
        self.archive.tell(told)

    def distribution(self) -> dict[str, dict[str | float, float]]:
        """The probability of each value of each parameter, given that it is active."""
        return {
            (address := one.parameter.address): dict(
                zip(one.values, one.probabilities(self.logits[address]), strict=True)
            )
            for one in self.policy.choices
        }

    def _missing(self, count: int) -> list[Assignment]:
        """Up to `count` points of this step that are to be proposed yet."""
        unique = {key_of(point): point for point in [*self._shown(), *self._drawn]}
        return [point for key, point in unique.items() if not self.archive.known(key)][:count]

    def _shown(self) -> list[Assignment]:
        """Points beside the samples: the defaults first, then the likeliest from time to time."""
        if self._steps == 1:
            point = completed(self.archive.space, {})
        elif self._steps % _SHOWN:
            return []
        else:
            point = self.policy.likeliest(self.logits)
        return [point] if self.archive.allowed(point) else []

    def _learn(self) -> None:
        """End a step: move along the gradient of the samples that have a worth."""
        worths = self.archive.worths(_WEIGHT)
        valued = [point for point in self._drawn if key_of(point) in worths]
        self._drawn = []
        if len(valued) < 2:
            return
        gains = [worths[key_of(point)] for point in valued]
        bonus = _BONUS * pstdev(gains)
        self.adam.step(self.logits, self.policy.gradient(self.logits, valued, gains, bonus))

    def _draw(self) -> None:
        """Begin a step."""
        self._steps += 1
        rng = self.archive.setting.random
        for _ in range(self.samples):
            for _ in range(_REJECTIONS):
                point = self.policy.sample(self.logits, rng)
                if self.archive.allowed(point):
                    self._drawn.append(point)
                    break


def reinforce(setting: Setting) -> Reinforce:
    """Make the strategy; its options are `seed`, `samples` of a step (8, at least 2) and `rate` of
    Adam (0.1)."""
    archive = Archive(setting)
    policy = Policy.of(setting.space)
    samples = max(2, whole(setting, "samples", _SAMPLES))
    adam = Adam(share(setting, "rate", _RATE))
    return Reinforce(archive, Unseen(archive), policy, samples, adam, policy.even())
