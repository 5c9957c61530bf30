"""The one thing that a simulated model knows: sums."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

_SUM: Final = re.compile(r"-?\d+(?:\s*[+-]\s*\d+)+")
_TERM: Final = re.compile(r"[+-]?\s*\d+")


@lru_cache(maxsize=4096)
def solve(prompt: str) -> str:
    """The value of the last sum in the prompt ("7 + 6"), else a number that stands for an answer.

    >>> solve("What is 7 + 6 - 1?")
    '12'
    """
    sums = _SUM.findall(prompt)
    if not sums:
        digest = blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=2).digest()
        return str(int.from_bytes(digest, "little") % 100)
    terms = _TERM.findall(sums[-1])
    return str(sum(int("".join(term.split())) for term in terms))
