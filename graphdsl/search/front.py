"""The Pareto front: candidates that no other beats in everything that counts."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Point = Mapping[str, float]
"""What a candidate is worth: `quality`, which is to be large, and costs, which are to be small."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Aims:
    """What counts beside quality: names of costs, in order of weight for the reader only.

    A cost that is not known, or NaN, counts as worse than any that is.
    """

    minimise: tuple[str, ...] = ()

    def dominates(self, first: Point, second: Point) -> bool:
        """Whether the first is at least as good in everything, and better in something."""
        return _beats(self._signed(first), self._signed(second))

    def no_dearer(self, first: Point, second: Point) -> bool:
        """Whether the first costs no more in anything that counts; always, with quality alone."""
        ours, theirs = self._signed(first)[1:], self._signed(second)[1:]
        return all(a >= b for a, b in zip(ours, theirs, strict=True))

    def front(self, points: Mapping[Key, Point]) -> list[Key]:
        """Those that nothing dominates, the best quality first; of equal points the first."""
        return self._layer({key: self._signed(point) for key, point in points.items()})

    def ranked(self, points: Mapping[Key, Point], most: int) -> list[Key]:
        """The best `most`: the front, then the front of what is left, and so on; within one by
        quality, and of equals the first."""
        left = {key: self._signed(point) for key, point in points.items()}
        if not self.minimise:
            return sorted(left, key=left.__getitem__, reverse=True)[:most]
        found: list[Key] = []
        while left and len(found) < most:
            layer = self._layer(left)
            found += layer
            for key in layer:
                del left[key]
        return found[:most]

    def _layer(self, points: Mapping[Key, tuple[float, ...]]) -> list[Key]:
        """`front` of points in which everything is to be large."""
        kept: dict[tuple[float, ...], Key] = {}
        for key in sorted(points, key=points.__getitem__, reverse=True):
            point = points[key]
            if point not in kept and not any(_beats(other, point) for other in kept):
                kept[point] = key
        return list(kept.values())

    def hypervolume(self, points: Sequence[Point], worst: Point) -> float:
        """The volume that points dominate, up to the `worst` point; those beyond it add nothing.

        Exact, by slicing along the last aim (Zitzler and Thiele 1999); meant for two or three aims.
        """
        corner = self._signed(worst)
        above = [
            tuple(a - b for a, b in zip(self._signed(point), corner, strict=True))
            for point in points
        ]
        return _volume([point for point in above if all(side > 0 for side in point)])

    def spread(self, points: Mapping[Key, Point], most: int) -> list[Key]:
        """At most `most` of the front: the best in quality, then always that which adds most
        hypervolume. The volume is measured up to the worst of the front in each aim."""
        front = self.front(points)
        if len(front) <= most:
            return front
        sides = [self._signed(points[key]) for key in front]
        scale = [(min(side), max(side) - min(side) or 1.0) for side in zip(*sides, strict=True)]
        boxes = {
            key: tuple(
                (a - low) / range_ + 0.1 for a, (low, range_) in zip(side, scale, strict=True)
            )
            for key, side in zip(front, sides, strict=True)
        }
        chosen = front[:1]
        while len(chosen) < most:
            taken = [boxes[key] for key in chosen]
            rest = [key for key in front if key not in chosen]
            chosen.append(max(rest, key=lambda key: _volume([*taken, boxes[key]])))
        return [key for key in front if key in chosen]

    def _signed(self, point: Point) -> tuple[float, ...]:
        """Everything as something to be large."""
        costs = [point.get(name, math.inf) for name in self.minimise]
        return (point["quality"], *(-math.inf if math.isnan(cost) else -cost for cost in costs))


def _beats(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def _volume(points: Sequence[tuple[float, ...]]) -> float:
    """The volume of the union of boxes from the origin to each point."""
    if not points:
        return 0.0
    if len(points[0]) == 1:
        return max(point[0] for point in points)
    total, above = 0.0, 0.0
    for height in sorted({point[-1] for point in points}):
        slab = [point[:-1] for point in points if point[-1] >= height]
        total += (height - above) * _volume(slab)
        above = height
    return total
