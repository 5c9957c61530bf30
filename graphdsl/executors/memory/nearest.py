"""Ranking a memory by meaning: texts become vectors at their first use, then cosines decide."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from math import isfinite
from typing import Any
from weakref import WeakKeyDictionary

from graphdsl.errors import BackendError
from graphdsl.executors.memory.aside import aside
from graphdsl.executors.memory.embedders import Embedder
from graphdsl.executors.memory.snapshot import Snapshot
from graphdsl.executors.memory.store import Store
from graphdsl.executors.memory.vectors import Ranked, Vector, Vectors, to_bytes

_Locks = WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[int, str], asyncio.Lock]]
_locks: _Locks = WeakKeyDictionary()


async def by_meaning(
    store: Store,
    snapshot: Snapshot,
    embedder: Embedder,
    query: str,
    hidden: Collection[int],
    top: int,
) -> Ranked:
    """The `top` entries nearest to the query. Entries without a vector get one, once for all runs.

    Raises what the embedder raises.
    """
    ids, _ = snapshot.texts()
    if top <= 0 or len(ids) == len(hidden):
        return []
    (wanted,) = await _embedded(embedder, [query])
    vectors, places = await _aligned(store, snapshot, embedder, len(wanted))
    return await aside(lambda: vectors.nearest(places, ids, wanted, hidden, top))


async def _aligned(
    store: Store, snapshot: Snapshot, embedder: Embedder, size: int
) -> tuple[Vectors, Any]:
    """The vectors, and where in them those of the snapshot's entries are; worked out once."""
    known = snapshot.aligned.get(embedder.identity)
    if known is not None and known[0].size == size:
        return known
    async with _filling(store, embedder.identity):
        vectors = await _filled(store, snapshot, embedder, size)
    digests = snapshot.texts()[1]
    found = vectors, await aside(lambda: vectors.places(digests))
    snapshot.aligned[embedder.identity] = found
    return found


def _filling(store: Store, identity: str) -> asyncio.Lock:
    """Lets one run at a time ask for vectors, so that nothing is asked for twice."""
    locks = _locks.setdefault(asyncio.get_running_loop(), {})
    return locks.setdefault((id(store), identity), asyncio.Lock())


async def _filled(store: Store, snapshot: Snapshot, embedder: Embedder, size: int) -> Vectors:
    """The vectors of all texts of the snapshot; those of another size do not count."""
    ids, digests = snapshot.texts()
    known = await aside(lambda: store.vectors(embedder.identity, size))
    gaps = set(known.missing(digests))
    rows = {digest: row for row, digest in zip(ids, digests, strict=True) if digest in gaps}
    todo = list(rows.items())
    for start in range(0, len(todo), embedder.batch):
        some = todo[start : start + embedder.batch]
        vectors = await _embedded(embedder, snapshot.texts_of([row for _, row in some]), size)
        data = [(one, to_bytes(v)) for (one, _), v in zip(some, vectors, strict=True)]
        await aside(lambda data=data: store.keep_vectors(embedder.identity, known, data))
    return known


async def _embedded(
    embedder: Embedder, texts: Sequence[str], size: int | None = None
) -> Sequence[Vector]:
    """One vector of numbers per text, all of one size. Raises `BackendError` for anything else."""
    vectors = await embedder.embed(texts)
    sizes = {len(vector) for vector in vectors} | ({size} if size is not None else set[int]())
    if len(vectors) != len(texts) or len(sizes) > 1:
        raise BackendError(f"`{embedder.identity}` gave vectors that do not fit its texts")
    if not all(isfinite(x) for vector in vectors for x in vector):
        raise BackendError(f"`{embedder.identity}` gave vectors that are not all finite numbers")
    return vectors
