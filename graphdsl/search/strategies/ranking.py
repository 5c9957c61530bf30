"""Ranks and crowding of NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002)."""

from __future__ import annotations

import math
from collections.abc import Sequence

Aims = tuple[float, ...]
"""What counts of a point, all of it to be large."""


def dominates(first: Aims, second: Aims) -> bool:
    """Whether the first is at least as good in everything, and better in something."""
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def fronts(points: Sequence[Aims]) -> list[list[int]]:
    """Positions of points, front by front: none in a front dominates another, and each is dominated
    by one of the front before (fast non-dominated sorting).

    >>> fronts([(1, 1), (2, 0), (0, 0), (1, 0)])
    [[0, 1], [3], [2]]
    """
    beats: list[list[int]] = [[] for _ in points]
    above = [0] * len(points)
    for at, point in enumerate(points):
        for other in range(at):
            if dominates(point, points[other]):
                beats[at].append(other)
                above[other] += 1
            elif dominates(points[other], point):
                beats[other].append(at)
                above[at] += 1
    found: list[list[int]] = []
    front = [at for at, count in enumerate(above) if count == 0]
    while front:
        found.append(front)
        following: list[int] = []
        for at in front:
            for other in beats[at]:
                above[other] -= 1
                if above[other] == 0:
                    following.append(other)
        front = sorted(following)
    return found


def crowding(points: Sequence[Aims]) -> list[float]:
    """The crowding distance of each point of one front: how much room there is around it, as a
    share of each aim's range; infinite at both ends of an aim.

    >>> crowding([(0, 4), (1, 3), (4, 0)])
    [inf, 2.0, inf]
    """
    room = [0.0] * len(points)
    for aim in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda at: points[at][aim])
        low, high = points[order[0]][aim], points[order[-1]][aim]
        room[order[0]] = room[order[-1]] = math.inf
        if high > low:
            for left, at, right in zip(order, order[1:], order[2:], strict=False):
                room[at] += (points[right][aim] - points[left][aim]) / (high - low)
    return room


def ranked(points: Sequence[Aims]) -> list[int]:
    """Positions from best to worst: by front, then by room, the earlier point first among equals.

    With one aim that is the order of its values.

    >>> ranked([(0.2,), (0.9,), (0.5,)])
    [1, 2, 0]
    """
    found: list[int] = []
    for front in fronts(points):
        room = crowding([points[at] for at in front])
        order = sorted(range(len(front)), key=lambda place: -room[place])
        found += [front[place] for place in order]
    return found
