"""What candidates are probably worth, from few items each: means drawn towards those of their like.

A linear mixed model of the cells, by best linear unbiased prediction (Henderson 1975): an item has
an ease, a candidate the worth that its choices have elsewhere and a deviation of its own. How much
each counts is what makes the data most probable (type II maximum likelihood, on a grid). So a
candidate that was seen on eight easy items is not taken for a good one, a choice that did badly in
ten candidates tells of the eleventh, and of one seen on many items only its own mean counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphdsl.ir.nodes import Assignment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

_CHOICES: Final = (0.01, 0.03, 0.1, 0.2)
_OWN: Final = (0.01, 0.03, 0.08)
"""Standard deviations that are tried: of what a choice adds, and of a candidate's own deviation."""

_LEAST: Final = 0.02
"""The least variance of a cell: eight items that all went alike are no certainty."""

_ROUNDS: Final = 2
"""Of fitting the ease of items and the worth of candidates in turn."""

_EASE: Final = 2.0
"""How many candidates at average ease are added to those that saw an item."""


class Estimate(NamedTuple):
    """What a candidate is probably worth, and the standard deviation of that."""

    mean: float
    deviation: float


def features(assignment: Assignment) -> dict[str, float]:
    """What an assignment has in common with others: its labels, and its numbers as numbers.

    >>> features({"by": "judge", "heat": 0.5})
    {'by=judge': 1.0, 'heat': 0.5}
    """
    return {
        f"{name}={value}" if isinstance(value, str) else name: (
            1.0 if isinstance(value, str) else float(value)
        )
        for name, value in assignment.items()
    }


def shrink(
    rows: Mapping[str, Sequence[float]], traits: Mapping[str, Mapping[str, float]]
) -> dict[str, Estimate]:
    """Estimates of candidates from their qualities on the first items, the same items for all.

    `rows` may be of different lengths, and not empty; `traits` are their features.
    """
    import numpy as np

    if not rows:
        return {}
    names = list(rows)
    table = np.full((len(names), max(map(len, rows.values()))), np.nan)
    for place, row in enumerate(rows.values()):
        table[place, : len(row)] = row
    design = _design([traits.get(name, {}) for name in names])
    counts = (~np.isnan(table)).sum(axis=1).astype(float)
    ease = np.zeros(table.shape[1])
    fit = _fit(design, *_means(table, ease, counts))
    for _ in range(_ROUNDS - 1):
        ease = _ease(table - fit.mean[:, None])
        fit = _fit(design, *_means(table, ease, counts))
    return {
        name: Estimate(min(1.0, max(0.0, float(mean))), float(deviation))
        for name, mean, deviation in zip(names, fit.mean, fit.deviation, strict=True)
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    mean: Array
    deviation: Array
    likelihood: float


def _design(traits: Sequence[Mapping[str, float]]) -> Array:
    """A column of ones, and one for each feature that not all candidates have alike; numbers are
    brought to a deviation of 1, and what a candidate lacks is the average."""
    import numpy as np

    names = sorted({name for row in traits for name in row})
    columns: list[Array] = [np.ones(len(traits))]
    for name in names:
        label = "=" in name
        column: Array = np.array([row.get(name, 0.0 if label else math.nan) for row in traits])
        if not label:
            column = np.nan_to_num(column - np.nanmean(column))
            column /= column.std() or 1.0
        if column.min() < column.max():
            columns.append(column)
    return np.stack(columns, axis=1)


def _means(table: Array, ease: Array, counts: Array) -> tuple[Array, Array]:
    """The means of candidates on items of equal ease, and their variances."""
    import numpy as np

    means: Array = np.nansum(table - ease, axis=1) / counts
    return means, _noise(table - ease - means[:, None]) / counts


def _noise(residuals: Array) -> float:
    """The variance of a cell, what items and candidates explain taken away."""
    import numpy as np

    seen = int((~np.isnan(residuals)).sum())
    free = seen - residuals.shape[0] - residuals.shape[1] + 1
    return max(_LEAST, float(np.nansum(residuals**2)) / free if free > 0 else 0.25)


def _ease(residuals: Array) -> Array:
    """How much better than usual candidates do on each item; its mean is 0 over all of them."""
    import numpy as np

    seen = (~np.isnan(residuals)).sum(axis=0)
    ease = np.nansum(residuals, axis=0) / (seen + _EASE)
    return ease - ease.mean()


def _fit(design: Array, means: Array, noise: Array) -> _Fit:
    """The most probable of the models on the grid."""
    fits = [_predict(design, means, noise, *sizes) for sizes in product(_CHOICES, _OWN)]
    return max(fits, key=lambda one: one.likelihood)


def _predict(design: Array, means: Array, noise: Array, choices: float, own: float) -> _Fit:
    """Best linear unbiased predictions, their deviations, and the likelihood (up to a constant).

    means ~ N(X b, own² + noise), b ~ N(0, choices²); the first column, of the overall mean, is as
    good as free. In the dimension of b (Woodbury), since candidates soon outnumber choices.
    """
    import numpy as np

    prior = np.full(design.shape[1], choices**-2)
    prior[0] = 1e-2
    variance = own**2 + noise
    weighted = design / variance[:, None]
    inner: Array = design.T @ weighted + np.diag(prior)
    inverse: Array = np.linalg.inv(inner)
    usual = means.mean()
    effects: Array = inverse @ (weighted.T @ (means - usual))
    predicted: Array = usual + design @ effects
    left = means - predicted
    trust = own**2 / variance
    spread: Array = design @ inverse
    around: Array = (spread * design).sum(axis=1)
    deviation = np.sqrt(own**2 * (1 - trust) + (1 - trust) ** 2 * around)
    sign, size = np.linalg.slogdet(inner)
    likelihood = -0.5 * float(
        ((means - usual) * left / variance).sum()
        + np.log(variance).sum()
        + size
        - np.log(prior).sum()
    )
    del sign  # `inner` is positive definite
    return _Fit(predicted + trust * left, deviation, likelihood)
