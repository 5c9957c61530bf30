"""Sampling seeds: reproducible, different at every node, independent of scheduling.

The seed of sample `index` is `(H + index) mod 2**31` with `H` the first 8 bytes (little endian) of
BLAKE2b over the run's seed, the node's path with its iterations (`reason.drafts[2]`), the model's
name and the stream, joined by the unit separator. So the first samples of a larger run are those
of a smaller one, and equal prompts at two nodes draw different samples.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

LIMIT: Final = 2**31
"""Seeds are below this; every backend can take 31 bits."""


def stream_seed(run_seed: int, address: str, model: str, stream: int) -> int:
    """The seed of sample 0 of a stream; see the module for how it is derived."""
    key = f"{run_seed}\x1f{address}\x1f{model}\x1f{stream}"
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % LIMIT


def explicit_seed(seed: int, stream: int) -> int:
    """The seed of sample 0 where the program fixes it with `seed:`.

    The first stream begins at `seed` itself; further ones are derived, so that they differ.
    """
    return seed % LIMIT if stream == 0 else stream_seed(seed, "", "", stream)


def sample_seed(first: int, index: int) -> int:
    """The seed of sample `index` of the stream that begins with `first`."""
    return (first + index) % LIMIT
