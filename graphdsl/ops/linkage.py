"""Which vectors belong together: agglomerative clusters, as ETS cuts them (arXiv 2502.13575)."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from graphdsl.ops.extras import extra

_NOTHING: Final = 1e-12
"""Distances below are those of equal vectors, up to rounding."""


def linked(vectors: Sequence[Sequence[float]], distance: float, what: str) -> list[int]:
    """A number for each vector, the same for those of one cluster, from 0 on by first occurrence.

    Average linkage over cosine distances (1 - cosine of the angle), cut so that two clusters whose
    mean distance is at most `distance` are one. A vector without a direction (of zeros, or with
    numbers that are not finite) is a cluster by itself. Takes time and memory as the square of the
    number of vectors. Raises `ExtraMissing` without scipy; `what` asks for it.
    """
    known = [at for at, vector in enumerate(vectors) if _directed(vector)]
    labels: list[object] = [("alone", at) for at in range(len(vectors))]
    if len(known) > 1:
        for at, label in zip(
            known, _labels([vectors[i] for i in known], distance, what), strict=True
        ):
            labels[at] = label
    order: dict[object, int] = {}
    return [order.setdefault(label, len(order)) for label in labels]


def _labels(vectors: Sequence[Sequence[float]], distance: float, what: str) -> list[int]:
    hierarchy = extra("scipy.cluster.hierarchy", what)
    distances: Any = extra("scipy.spatial.distance", what).pdist(vectors, "cosine")
    distances[distances < _NOTHING] = 0.0
    tree = hierarchy.linkage(distances, method="average")
    return [int(label) for label in hierarchy.fcluster(tree, distance, criterion="distance")]


def _directed(vector: Sequence[float]) -> bool:
    return any(vector) and all(isfinite(number) for number in vector)
