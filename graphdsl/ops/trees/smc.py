"""Particle filtering and particle Gibbs (Puri et al. 2025, arXiv 2502.01618; annealed and with
look-ahead: arXiv 2510.05825)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from graphdsl.ops.trees.annealing import Annealing, none
from graphdsl.ops.trees.resampling import Resampling, multinomial
from graphdsl.ops.trees.search import Want
from graphdsl.ops.trees.softmax import softmax
from graphdsl.ops.trees.tree import ROOT, Node, Outcome, Tree

CLIP: Final = 1e-7
"""How near a score may come to 0 and 1 before its logit is taken."""


def logit(score: float | None) -> float:
    """ln(r / (1 - r)) of a clipped score; minus infinity where there is none.

    >>> round(logit(0.75), 4), round(logit(1.0), 3), logit(None)
    (1.0986, 16.118, -inf)
    """
    if score is None or math.isnan(score):
        return -math.inf
    if not CLIP <= score <= 1 - CLIP:
        score = CLIP if score < CLIP else 1 - CLIP
    return math.log(score / (1 - score))


@dataclass(slots=True)
class Smc:
    """`width` particles: each open one takes a step, then all are drawn anew by weight.

    The weight is the logit of the newest score, and replaces the one before; those that have ended
    keep theirs and are drawn as well. With `ahead` the logit of the score with its look-ahead is
    added; what has ended, or has no such score, is its own look-ahead. Shares are the softmax of
    weight / `softness` / temperature, which `annealing` tells from the shares without it. Failed
    particles, and where others have scores those that have none, are never drawn. A sweep ends
    when no particle is open, at the latest after `depth` steps: deeper nodes are never open.

    With several `sweeps`, one particle is drawn after each by weight and stays in the next as its
    reference. Until its end it weighs what it did at the step that the others are at; drawn like
    another, it is cut there and goes on anew.
    """

    width: int
    depth: int
    softness: float = 1.0
    resampling: Resampling = multinomial
    annealing: Annealing = none
    sweeps: int = 1
    ahead: bool = False
    _particles: list[int] = field(default_factory=list[int])
    _moving: list[int] = field(default_factory=list[int])
    """Which particles take the step that was asked for."""
    _reference: list[int] = field(default_factory=list[int])
    _step: int = 0
    _sweep: int = 0

    def next(self, tree: Tree, made: Sequence[Node], random: Random) -> Sequence[Want]:
        """A step of all particles that are open, after they were drawn anew."""
        if not made:
            self._begin()
        else:
            for particle, node in zip(self._moving, made, strict=True):
                self._particles[particle] = node.id
            self._step += 1
            if any(node.open for node in made):
                self._resample(tree, random)
        while not (moving := self._open(tree)) and self._sweep < self.sweeps:
            self._reference = self._drawn(tree, random)
            self._begin()
        self._moving = moving
        return [Want(self._particles[particle]) for particle in moving]

    def shares(self, tree: Tree, numbers: Sequence[int]) -> list[float]:
        """The probabilities of these nodes, without annealing."""
        return softmax(self._weights(tree, numbers))

    def _begin(self) -> None:
        """A new sweep, with all particles at the root but the reference."""
        self._sweep += 1
        self._step = 0
        self._particles = [ROOT] * (self.width - bool(self._reference))

    def _open(self, tree: Tree) -> list[int]:
        nodes = tree.nodes
        return [place for place, number in enumerate(self._particles) if nodes[number].outcome.open]

    def _resample(self, tree: Tree, random: Random) -> None:
        numbers = self._candidates(tree)
        weights = self._weights(tree, numbers)
        shares = softmax(weights)
        temperature = self.annealing(shares, self._step / self.depth)
        if temperature != 1:
            shares = softmax(weights, temperature)
        drawn = self.resampling(shares, len(self._particles), random)
        self._particles = [numbers[index] for index in drawn]

    def _candidates(self, tree: Tree) -> list[int]:
        """All particles that have not failed, and the reference as it was at this step."""
        found = self._present(tree)
        if self._reference:
            found.append(self._reference[min(self._step, len(self._reference)) - 1])
        return found

    def _drawn(self, tree: Tree, random: Random) -> list[int]:
        """The path of one particle, the reference among them, drawn by weight; none where all
        have failed."""
        numbers = self._present(tree) + self._reference[-1:]
        if not numbers:
            return []
        (index,) = multinomial(self.shares(tree, numbers), 1, random)
        return tree.path(numbers[index])

    def _present(self, tree: Tree) -> list[int]:
        nodes = tree.nodes
        return [number for number in self._particles if not nodes[number].outcome.failed]

    def _weights(self, tree: Tree, numbers: Sequence[int]) -> list[float]:
        """Of nodes, over the softness."""
        nodes, softness = tree.nodes, self.softness
        weight = self._with_ahead if self.ahead else _alone
        return [weight(nodes[number].outcome) / softness for number in numbers]

    def _with_ahead(self, outcome: Outcome) -> float:
        weight, ahead = logit(outcome.score), outcome.ahead
        return weight + (logit(ahead) if outcome.open and ahead is not None else weight)


def _alone(outcome: Outcome) -> float:
    return logit(outcome.score)
