"""A small Gaussian process for scores of points, and the expected improvement under it.

Rasmussen and Williams 2006, chapter 2 and section 5.4; Jones, Schonlau and Welch 1998 for the
expected improvement. Our own, since points have conditions and their scores unequal noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_SCALES: Final = (0.15, 0.3, 0.6, 1.2, 2.4)
"""Length scales that are tried, in units of the square root of the number of parameters."""
_NOISES: Final = (1e-4, 1e-2, 0.1, 0.3, 1.0)
"""Variances of noise that are tried, as shares of the variance of the function."""
_FACTORS: Final = (0.1, 10.0)
_RELEVANT: Final = 24
"""Up to how many parameters each has a relevance of its own."""
_JITTER: Final = 1e-8
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Hyper:
    """How a process sees points: a length scale, the relevance of each block of features (a
    parameter), and the variance of noise of a point of usual weight."""

    scale: float
    relevance: tuple[float, ...]
    noise: float


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process. `mean` and `deviation` of scores undo their standardisation."""

    hyper: Hyper
    blocks: tuple[int, ...]
    features: Floats
    factor: Floats
    weights: Floats
    variance: float
    mean: float
    deviation: float

    def refitted(
        self, features: Floats, scores: Sequence[float], weights: Sequence[float]
    ) -> Process:
        """The same view of points after other scores."""
        return _process(_problem(features, self.blocks, scores, weights), self.hyper)

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations of the function, without noise, at points."""
        import numpy as np

        cross = _kernel(self.features, features, self.blocks, self.hyper)
        half = np.linalg.solve(self.factor, cross)
        spread = np.maximum(1.0 - np.sum(half * half, axis=0), 1e-12) * self.variance
        means = cross.T @ self.weights
        return self.mean + self.deviation * means, self.deviation * np.sqrt(spread)


def fit(
    features: Floats, blocks: Sequence[int], scores: Sequence[float], weights: Sequence[float]
) -> Process:
    """Fit a process to scores by its marginal likelihood.

    `blocks` says which parameter each feature belongs to. A point of weight w has the w-th part of
    the noise: weights are numbers of items.
    """
    problem = _problem(features, tuple(blocks), scores, weights)
    return _process(problem, _searched(problem))


def expected_improvement(mean: float, deviation: float, best: float, margin: float = 0.0) -> float:
    """(μ − f* − ξ) Φ(z) + s φ(z) with z = (μ − f* − ξ) / s: how much better than `best` a point
    is to be expected to be, when it is only compared where it is better.

    >>> round(expected_improvement(0.0, 1.0, 0.0), 6)
    0.398942
    """
    gain = mean - best - margin
    if deviation <= 0:
        return max(0.0, gain)
    z = gain / deviation
    return gain * _NORMAL.cdf(z) + deviation * _NORMAL.pdf(z)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Standardised scores of points, and the noise of each in units of a usual one's."""

    features: Floats
    blocks: tuple[int, ...]
    values: Floats
    noises: Floats
    mean: float
    deviation: float

    def solve(self, hyper: Hyper) -> tuple[Floats, Floats, float, float]:
        """The Cholesky factor, the weights of points, the variance of the function, and the
        logarithm of the marginal likelihood, in which the variance stands for its best value."""
        import numpy as np

        matrix = _kernel(self.features, self.features, self.blocks, hyper)
        matrix[np.diag_indices_from(matrix)] += hyper.noise * self.noises + _JITTER
        factor = np.linalg.cholesky(matrix)
        half = np.linalg.solve(factor, self.values)
        weights = np.linalg.solve(factor.T, half)
        count = len(self.values)
        variance = max(float(half @ half) / count, 1e-12)
        likelihood = -0.5 * count * math.log(variance) - float(np.log(np.diag(factor)).sum())
        return factor, weights, variance, likelihood

    def likelihood(self, hyper: Hyper) -> float:
        return self.solve(hyper)[3]


def _problem(
    features: Floats, blocks: tuple[int, ...], scores: Sequence[float], weights: Sequence[float]
) -> _Problem:
    import numpy as np

    values, rows = np.asarray(scores, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    mean, deviation = float(values.mean()), float(values.std()) or 1.0
    noises = np.median(rows) / rows
    return _Problem(features, blocks, (values - mean) / deviation, noises, mean, deviation)


def _process(problem: _Problem, hyper: Hyper) -> Process:
    factor, weights, variance, _ = problem.solve(hyper)
    mean, deviation = problem.mean, problem.deviation
    return Process(
        hyper, problem.blocks, problem.features, factor, weights, variance, mean, deviation
    )


def _searched(problem: _Problem) -> Hyper:
    """The likeliest of a grid; then each parameter's relevance in turn, where they are few."""
    count = 1 + max(problem.blocks, default=-1)
    even = (1.0,) * count
    grid = [
        Hyper(scale * math.sqrt(max(1, count)), even, noise)
        for scale in _SCALES
        for noise in _NOISES
    ]
    best = max(grid, key=problem.likelihood)
    if count > _RELEVANT:
        return best
    for block in range(count):
        others = [
            replace(best, relevance=_changed(best.relevance, block, factor)) for factor in _FACTORS
        ]
        best = max([best, *others], key=problem.likelihood)
    return best


def _changed(relevance: tuple[float, ...], block: int, factor: float) -> tuple[float, ...]:
    return (*relevance[:block], relevance[block] * factor, *relevance[block + 1 :])


def _kernel(first: Floats, second: Floats, blocks: tuple[int, ...], hyper: Hyper) -> Floats:
    """Matérn's kernel with ν = 5/2."""
    import numpy as np

    roots = np.sqrt(np.asarray([hyper.relevance[block] for block in blocks], dtype=np.float64))
    ours, theirs = first * (roots / hyper.scale), second * (roots / hyper.scale)
    squares = (ours * ours).sum(1)[:, None] + (theirs * theirs).sum(1)[None, :]
    far = np.sqrt(5.0 * np.maximum(squares - 2.0 * ours @ theirs.T, 0.0))
    return (1.0 + far + far * far / 3.0) * np.exp(-far)
