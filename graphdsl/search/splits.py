"""Parts of the data: what a search may see, and what only its certificate is made on.

An item belongs to a part by a hash of its content. So it stays where it is when the file is
sorted, shortened or extended, and two copies of one item are never in different parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from graphdsl.search.bench import Split

SHARES: Final[Mapping[Split, float]] = {"search": 0.4, "validation": 0.2, "certificate": 0.4}
"""How much of the data each part has, about."""


def content_hash(values: Mapping[str, Any]) -> str:
    """A digest of an item's inputs and target, in hexadecimal digits, whatever their order.

    >>> content_hash({"a": 1, "b": "x"}) == content_hash({"b": "x", "a": 1})
    True
    """
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def split_of(content: str, shares: Mapping[Split, float] = SHARES) -> Split:
    """The part of an item with that content hash.

    >>> [split_of(content_hash({"n": n})) for n in range(3)]
    ['certificate', 'search', 'validation']
    """
    digest = blake2b(content.encode(), digest_size=8, person=b"split").digest()
    place = int.from_bytes(digest, "big") / 2**64 * sum(shares.values())
    for split, share in shares.items():
        if place < share:
            return split
        place -= share
    return list(shares)[-1]
