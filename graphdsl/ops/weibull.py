"""Which probabilities are low: a mixture of two Weibull distributions (RPC, arXiv 2502.00511).

The density of a component is f(x; k, λ) = (k/λ) (x/λ)^(k-1) exp(-(x/λ)^k), its mean λ Γ(1 + 1/k).
Start, bounds and the rule for what is improbable are those of the authors' code (WNJXYK/RPC).
Everything is computed from log x, so that long texts of tiny probability do not vanish.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from graphdsl.ops.extras import extra

FEWEST: Final = 4
"""Fewer values say nothing about five parameters: none of them is improbable."""

_WHAT: Final = "`prune: weibull`"
_START: Final = (0.5, 1.0, 1.0, 1.5, 2.0)
_BOUNDS: Final = ((0.2, 0.8), *((0.01, None),) * 4)
_STEEPEST: Final = 300.0
"""Where exp is cut off: the density there is 0 as far as floats can tell."""


@dataclass(frozen=True, slots=True)
class Component:
    """One Weibull distribution with its share of the mixture."""

    share: float
    shape: float
    scale: float

    @property
    def log_mean(self) -> float:
        """log(λ Γ(1 + 1/k))."""
        return math.log(self.scale) + math.lgamma(1 + 1 / self.shape)

    def log_weight(self, log: float) -> float:
        """log(share × density) at the value of which `log` is the logarithm."""
        off = log - math.log(self.scale)
        steep = math.exp(min(self.shape * off, _STEEPEST))
        front = math.log(self.share) + math.log(self.shape) - math.log(self.scale)
        return front + (self.shape - 1) * off - steep


@dataclass(frozen=True, slots=True)
class Mixture:
    """Two components; `low` has the smaller mean."""

    low: Component
    high: Component

    def improbable(self, log: float) -> bool:
        """True where the lower component is the likelier origin of that value."""
        return self.high.log_weight(log) < self.low.log_weight(log)

    def log_likelihood(self, logs: Sequence[float]) -> float:
        """Of values given by their logarithms."""
        return math.fsum(
            _log_sum(self.low.log_weight(log), self.high.log_weight(log)) for log in logs
        )


def improbable(logs: Sequence[float]) -> list[bool]:
    """Which values, given by their logarithms, are improbable.

    Those below the mean of which the component with the lower mean is the likelier origin. None
    are with fewer than four values, equal values, or where no mixture can be fitted. Raises
    `ExtraMissing` without scipy.
    """
    if len(logs) < FEWEST or min(logs) == max(logs):
        return [False] * len(logs)
    mixture = fitted(logs)
    if mixture is None:
        return [False] * len(logs)
    mean = math.fsum(map(math.exp, logs)) / len(logs)
    return [math.exp(log) < mean and mixture.improbable(log) for log in logs]


def fitted(logs: Sequence[float]) -> Mixture | None:
    """The mixture of the highest likelihood near the start; None where the optimiser fails.

    Raises `ExtraMissing` without scipy.
    """
    optimize, numpy = extra("scipy.optimize", _WHAT), extra("numpy", _WHAT)
    values = numpy.asarray(logs, dtype=float)

    def loss(params: Any) -> tuple[float, Any]:
        return _loss(numpy, values, params)

    with _threads().limit(limits=1, user_api="blas"):
        found = optimize.minimize(loss, _START, jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    params = [float(value) for value in found.x]
    if not found.success or not all(map(math.isfinite, params)):
        return None
    share, *shapes = params
    one, other = Component(share, *shapes[:2]), Component(1 - share, *shapes[2:])
    return Mixture(*sorted((one, other), key=lambda component: component.log_mean))


@cache
def _threads() -> Any:
    """What sets the number of threads of linear algebra: for a handful of numbers several of them
    only wait for each other, which takes seconds on a busy machine."""
    return extra("threadpoolctl", _WHAT).ThreadpoolController()


def _loss(numpy: Any, logs: Any, params: Any) -> tuple[float, Any]:
    """The negative log-likelihood of values given by their logarithms, and its gradient."""
    share = params[0]
    first, slopes = _log_density(numpy, logs, params[1], params[2])
    second, other_slopes = _log_density(numpy, logs, params[3], params[4])
    first, second = first + math.log(share), second + math.log(1 - share)
    both = numpy.logaddexp(first, second)
    mine, other = numpy.exp(first - both), numpy.exp(second - both)
    gradient = [
        (mine / share - other / (1 - share)).sum(),
        *((mine * slope).sum() for slope in slopes),
        *((other * slope).sum() for slope in other_slopes),
    ]
    return -float(both.sum()), -numpy.asarray(gradient)


def _log_density(numpy: Any, logs: Any, shape: float, scale: float) -> tuple[Any, tuple[Any, Any]]:
    """log f and its derivatives by shape and scale."""
    off = logs - math.log(scale)
    steep = numpy.exp(numpy.minimum(shape * off, _STEEPEST))
    density = math.log(shape) - math.log(scale) + (shape - 1) * off - steep
    by_shape = 1 / shape + off - off * steep
    by_scale = shape / scale * (steep - 1)
    return density, (by_shape, by_scale)


def _log_sum(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    top = max(one, other)
    return top + math.log(math.exp(one - top) + math.exp(other - top))
