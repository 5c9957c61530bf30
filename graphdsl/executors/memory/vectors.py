"""The vectors of one embedder, by the hash of their text: unit length, exact cosine search.

numpy does the work where it is installed, else plain Python, with the same ranking.
"""

from __future__ import annotations

import heapq
import math
import sys
import threading
from array import array
from collections.abc import Collection, Iterable, Sequence
from importlib import import_module
from operator import mul
from typing import Any

Vector = Sequence[float]

Ranked = list[tuple[int, float]]
"""Ids with their cosines, best first; the smallest id first on ties."""


def unit(vector: Vector) -> array[float]:
    """The vector with length 1, in single precision; one of zeros stays.

    >>> list(unit([3.0, 0.0])), list(unit([0.0]))
    ([1.0, 0.0], [0.0])
    """
    length = math.hypot(*vector)  # unlike a sum of squares it does not overflow
    return array("f", (x / length for x in vector) if length else vector)


def to_bytes(vector: Vector) -> bytes:
    """A vector with length 1 as it stands in a file: single precision, little endian."""
    return _little(unit(vector)).tobytes()


def from_bytes(data: bytes | bytearray) -> array[float]:
    """A vector of a file.

    >>> list(from_bytes(to_bytes([0.0, -2.0])))
    [0.0, -1.0]
    """
    return _little(array("f", bytes(data)))


def _little(numbers: array[float]) -> array[float]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _finite(score: float) -> float:
    """0 for a vector of a damaged file."""
    return score if math.isfinite(score) else 0.0


def new_vectors(size: int) -> Vectors:
    """An empty table for vectors of this size, by numpy if it is there."""
    try:
        return NumpyVectors(size, import_module("numpy"))
    except ImportError:
        return Vectors(size)


class Vectors:
    """A table that only grows. `last` is the newest row of the file that was read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.last = 0
        self._lock = threading.Lock()
        self._rows: dict[bytes, int] = {}
        self._data = bytearray()

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Those of the texts that have no vector yet, each once."""
        return [one for one in dict.fromkeys(digests) if one not in self._rows]

    def add(self, vectors: Iterable[tuple[bytes, bytes]]) -> None:
        """Add vectors of unit length as `to_bytes` gives them."""
        with self._lock:
            fresh = {one: data for one, data in vectors if one not in self._rows}
            self._append(b"".join(fresh.values()))
            for one in fresh:
                self._rows[one] = len(self._rows)

    def places(self, digests: Sequence[bytes]) -> Any:
        """Where the vectors of these texts are, for `nearest`. All of them must be there."""
        return [self._rows[one] for one in digests]

    def nearest(
        self, places: Any, ids: Sequence[int], query: Vector, hidden: Collection[int], top: int
    ) -> Ranked:
        """The `top` ids whose vectors, at `places`, are nearest to the query; ids ascend."""
        wanted = unit(query)
        scored = (
            (row, _finite(sum(map(mul, self._row(place), wanted))))
            for row, place in zip(ids, places, strict=True)
            if row not in hidden
        )
        return heapq.nsmallest(top, scored, key=lambda item: (-item[1], item[0]))

    def _append(self, data: bytes) -> None:
        self._data += data

    def _row(self, place: int) -> Vector:
        width = 4 * self.size
        return from_bytes(self._data[place * width : (place + 1) * width])


class NumpyVectors(Vectors):
    """The same in a matrix, of which searches that go on look at the rows of before."""

    def __init__(self, size: int, numpy: Any) -> None:
        super().__init__(size)
        self._numpy = numpy
        self._matrix: Any = numpy.empty((0, size), dtype="float32")
        self._count = 0

    def places(self, digests: Sequence[bytes]) -> Any:
        """As an array."""
        return self._numpy.array(super().places(digests), dtype="int64")

    def nearest(
        self, places: Any, ids: Sequence[int], query: Vector, hidden: Collection[int], top: int
    ) -> Ranked:
        """One product of the matrix, then a partial sort."""
        np = self._numpy
        best = min(top, len(ids) - len(hidden))
        if best <= 0:
            return []
        with self._lock:
            matrix = self._matrix[: self._count]
        scores = (matrix @ np.array(unit(query), dtype="float32"))[places]
        scores[~np.isfinite(scores)] = 0.0  # as `_finite`
        if hidden:
            scores[np.searchsorted(ids, sorted(hidden))] = -np.inf
        least = np.partition(scores, len(scores) - best)[len(scores) - best]
        found = np.flatnonzero(scores >= least)
        order = found[np.argsort(-scores[found], kind="stable")][:best]
        return [(ids[place], float(scores[place])) for place in order.tolist()]

    def _append(self, data: bytes) -> None:
        rows = self._numpy.frombuffer(data, dtype="<f4").reshape(-1, self.size)
        end = self._count + len(rows)
        if end > len(self._matrix):
            grown = self._numpy.empty((max(end, 2 * self._count), self.size), dtype="float32")
            grown[: self._count] = self._matrix[: self._count]
            self._matrix = grown
        self._matrix[self._count : end] = rows
        self._count = end
