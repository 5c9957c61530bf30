"""Sets and dicts that take forever to make. Also part of what runs inside a sandbox."""

from __future__ import annotations

MOST = 100
"""Values that may have the hash of another: making a set takes time with their square."""


def collide(values: list[object]) -> bool:
    """Whether values were chosen so that many have the same hash: Python's numbers hash to what
    they are, modulo 2**61 - 1. Raises `TypeError` for what has no hash.

    >>> collide([1, 2, 2**61]), collide([(2**61 - 1) * n for n in range(1000)])
    (False, True)
    """
    return len(values) - len(set(map(hash, values))) > MOST
