"""Expected improvement over the points of a space, by a Gaussian process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.ir.nodes import Assignment
from graphdsl.search.numbering import numbering_of
from graphdsl.search.space import Parameter
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.features import Features, features_of, standings
from graphdsl.search.strategies.gaussian_process import Process, expected_improvement, fit
from graphdsl.search.strategies.points import Key, completed, key_of, levels, position

_WHOLE: Final = 2_000
"""A space of so many points is looked through as a whole."""
_DRAWN: Final = 500
_CLIMBS: Final = 5
_NEAR: Final = 200
_LEVELS: Final = 8
_POINTS: Final = 300
"""The most points that the process is fitted to: the last that came."""
_MARGIN: Final = 0.01
"""ξ, in standard deviations of the scores."""


@dataclass(slots=True)
class Improvement:
    """Finds the new and allowed points of an archive's space that promise the most."""

    archive: Archive

    def best(self, worths: dict[Key, float], count: int) -> list[Assignment]:
        """Up to `count` points; none while fewer than three scores are known."""
        if len(worths) < 3:
            return []
        surrogate = _surrogate(self.archive, worths)
        pool = self._pool(worths)
        found: list[Assignment] = []
        while len(found) < count:
            taken = {key_of(point) for point in found}
            point = self._promising(surrogate, pool, taken)
            if point is None:
                break
            found.append(point)
            surrogate = surrogate.believing(point)
        return found

    @property
    def _small(self) -> bool:
        size = self.archive.space.size()
        return size is not None and size <= _WHOLE

    def _pool(self, worths: dict[Key, float]) -> list[Assignment]:
        """Points to choose from: all of a small space, else what is near the best, and random
        ones."""
        space, rng = self.archive.space, self.archive.setting.random
        if self._small:
            numbering = numbering_of(space.parameters)
            return [completed(space, numbering.at(number)) for number in range(numbering.size)]
        best = sorted(worths, key=lambda key: worths[key], reverse=True)[:_CLIMBS]
        near = [point for key in best for point in self._near(dict(key))]
        return [*near, *(space.sample(rng) for _ in range(_DRAWN))]

    def _promising(
        self, surrogate: Surrogate, pool: list[Assignment], taken: set[Key]
    ) -> Assignment | None:
        """The best new point of the pool, after climbing from it where the pool is but a part."""
        fresh = self._new(pool, taken)
        gains = surrogate.gains(fresh)
        for at in sorted(range(len(fresh)), key=lambda at: -gains[at])[:_NEAR]:
            if not self.archive.allowed(fresh[at]):
                continue
            if self._small:
                return fresh[at]
            return self._climbed(surrogate, fresh[at], gains[at], taken)
        return None

    def _climbed(
        self, surrogate: Surrogate, point: Assignment, gain: float, taken: set[Key]
    ) -> Assignment:
        for _ in range(_CLIMBS):
            near = self._new(self._near(point), taken)
            gains = surrogate.gains(near)
            at = max(range(len(near)), key=lambda at: gains[at], default=-1)
            if at < 0 or gains[at] <= gain or not self.archive.allowed(near[at]):
                break
            point, gain = near[at], gains[at]
        return point

    def _new(self, points: Sequence[Assignment], taken: set[Key]) -> list[Assignment]:
        unique = {key_of(point): point for point in points}
        return [
            point
            for key, point in unique.items()
            if key not in taken and not self.archive.known(key)
        ]

    def _near(self, point: Assignment) -> list[Assignment]:
        """Points with one value changed; some of them where there are many."""
        space, rng = self.archive.space, self.archive.setting.random
        changes = [
            (one.address, value)
            for one in space.parameters
            if one.address in point
            for value in self._values(one, point[one.address])
        ]
        if len(changes) > _NEAR:
            changes = rng.sample(changes, _NEAR)
        return [completed(space, point | {address: value}) for address, value in changes]

    def _values(self, one: Parameter, value: str | float) -> list[str | float]:
        """Other values: some from end to end, and for a number the nearest on both sides."""
        found = levels(one, _LEVELS)
        if one.size is None:
            moves = [self.archive.setting.random.gauss(0, 0.1) for _ in range(2)]
            moved = [float(value) + move * (one.high - one.low) for move in moves]
            found += [min(one.high, max(one.low, number)) for number in moved]
        elif one.kind != "categorical":
            at = position(one, value)
            found += [one.value(near) for near in (at - 1, at + 1) if 0 <= near < one.size]
        return [other for other in found if other != value]


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A process over rows of features, and the rows, scores and weights it was fitted to."""

    features: Features
    process: Process
    rows: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...]
    weights: tuple[float, ...]
    best: float

    def gains(self, points: Sequence[Assignment]) -> list[float]:
        """The expected improvement of each point."""
        import numpy as np

        if not points:
            return []
        rows = np.asarray([self.features.row(point) for point in points], dtype=np.float64)
        means, deviations = self.process.predict(rows)
        margin = _MARGIN * self.process.deviation
        return [
            expected_improvement(mean, deviation, self.best, margin)
            for mean, deviation in zip(means.tolist(), deviations.tolist(), strict=True)
        ]

    def believing(self, point: Assignment) -> Surrogate:
        """As if the point had been worth what is expected of it."""
        import numpy as np

        row = tuple(self.features.row(point))
        (mean,), _ = self.process.predict(np.asarray([row], dtype=np.float64))
        rows, scores = (*self.rows, row), (*self.scores, float(mean))
        weights = (*self.weights, max(self.weights))
        process = self.process.refitted(np.asarray(rows, dtype=np.float64), scores, weights)
        best = max(self.best, float(mean))
        return Surrogate(self.features, process, rows, scores, weights, best)


def _surrogate(archive: Archive, worths: dict[Key, float]) -> Surrogate:
    """Fit to the last points. The value to improve on is the best that the process expects of a
    point that was seen: the best score itself is the luckiest too."""
    import numpy as np

    start = completed(archive.space, {})
    standing = standings([(dict(key), worth) for key, worth in worths.items()], start)
    features = features_of(archive.space, standing)
    keys = list(worths)[-_POINTS:]
    rows = tuple(tuple(features.row(dict(key))) for key in keys)
    scores = tuple(worths[key] for key in keys)
    told = [archive.of(key) for key in keys]
    weights = tuple(float(max(1, one.items)) if one is not None else 1.0 for one in told)
    matrix = np.asarray(rows, dtype=np.float64)
    process = fit(matrix, features.blocks, scores, weights)
    means, _ = process.predict(matrix)
    return Surrogate(features, process, rows, scores, weights, float(means.max()))
