"""Drawing particles by their weight."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Final

Resampling = Callable[[Sequence[float], int, Random], list[int]]
"""So many indices, drawn by shares that sum to 1."""


def multinomial(shares: Sequence[float], count: int, random: Random) -> list[int]:
    """Each draw by itself."""
    return _at(shares, [random.random() for _ in range(count)])


def systematic(shares: Sequence[float], count: int, random: Random) -> list[int]:
    """One draw u, at the positions (u + j) / count: an index of share s comes s·count times,
    rounded up or down (Kitagawa 1996, Journal of Computational and Graphical Statistics 5).

    >>> systematic([0.5, 0.25, 0.25], 4, Random(1))
    [0, 0, 1, 2]
    """
    start = random.random()
    return _at(shares, [(start + step) / count for step in range(count)])


def _at(shares: Sequence[float], positions: Sequence[float]) -> list[int]:
    """The indices in whose part of [0, 1) these positions lie; one without a share has none."""
    ends = list(accumulate(shares))
    last = max(index for index, share in enumerate(shares) if share > 0)
    return [min(bisect_right(ends, position * ends[-1]), last) for position in positions]


RESAMPLINGS: Final[dict[str, Resampling]] = {"multinomial": multinomial, "systematic": systematic}
"""By the word in a program."""
