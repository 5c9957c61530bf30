"""Ranking the entries of a memory for a query: by words, by meaning, or by both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from graphdsl.executors.memory.aside import aside
from graphdsl.executors.memory.embedders import Embedder
from graphdsl.executors.memory.fusion import fused
from graphdsl.executors.memory.nearest import by_meaning
from graphdsl.executors.memory.origin import View
from graphdsl.executors.memory.snapshot import Ranking, Snapshot
from graphdsl.executors.memory.store import Store
from graphdsl.values import Doc

DEPTH: Final = 50
"""Ranks that each of two rankings brings into a fusion, at least."""

Opens = Callable[[], Awaitable[Embedder]]
"""Gives the embedder; called only where there is something to embed."""


async def search(
    store: Store,
    snapshot: Snapshot,
    view: View,
    query: str,
    top: int,
    method: str,
    embedder: Opens,
) -> tuple[Doc, ...]:
    """The `top` entries that a view shows and that fit best, by one of
    `graphdsl.ops.registry.METHODS`. Raises what the embedder raises."""
    hidden = await aside(lambda: snapshot.hidden(view))

    async def near(depth: int) -> Ranking:
        ids = await aside(snapshot.texts)
        if depth <= 0 or len(ids[0]) == len(hidden):
            return ()
        return await by_meaning(store, snapshot, await embedder(), query, hidden, depth)

    if method == "bm25":
        ranking = await aside(lambda: snapshot.by_words(query, top, hidden))
    elif method == "embedding":
        ranking = await near(top)
    else:
        depth = max(DEPTH, top) if top > 0 else 0
        words = await aside(lambda: snapshot.by_words(query, depth, hidden))
        both = (words, await near(depth))
        ranking = fused(([row for row, _ in one] for one in both), top)
    return await aside(lambda: snapshot.docs(ranking, view))
