"""Vectors of texts without a model: similar spellings are near each other.

Feature hashing (Weinberger et al. 2009) of the three-character substrings, counted and scaled to
length 1. Meaning plays no part.
"""

from __future__ import annotations

import math
from typing import Final
from zlib import crc32

SIZE: Final = 256
"""Numbers of a vector."""

_GRAM: Final = 3


def vector(text: str, seed: int) -> tuple[float, ...]:
    """The vector of a text; another seed gives other vectors that lie as near each other.

    >>> one, near, far = (vector(text, 0) for text in ("a red fox", "the red fox", "42 + 17"))
    >>> sum(a * b for a, b in zip(one, near)) > sum(a * b for a, b in zip(one, far))
    True
    """
    counts = [0] * SIZE
    padded = f"\x02{text.casefold()}\x03"
    for at in range(max(1, len(padded) - _GRAM + 1)):
        gram = padded[at : at + _GRAM].encode("utf-8", "surrogatepass")
        counts[crc32(gram, seed & 0xFFFFFFFF) % SIZE] += 1
    length = math.sqrt(sum(count * count for count in counts))
    return tuple(count / length for count in counts)
