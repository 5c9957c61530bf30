"""Memories as one run sees them: read as they were at its start, written when it has ended well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Final

from graphdsl.errors import Unsupported
from graphdsl.executors.memory.aside import aside
from graphdsl.executors.memory.embedders import Embed, Embedder, model_embedder, static_embedder
from graphdsl.executors.memory.entry import ConceptEntry, Entry, Written
from graphdsl.executors.memory.origin import Origin, View, refusal, view_of
from graphdsl.executors.memory.ranking import search
from graphdsl.executors.memory.snapshot import Snapshot
from graphdsl.executors.memory.store import Store
from graphdsl.executors.memory.stores import Stores
from graphdsl.ops.concepts import Concept
from graphdsl.plan import MemorySpec, ModelSpec
from graphdsl.values import Doc

Position = tuple[int, ...]
"""A place in the program's order."""

Embeds = Callable[[ModelSpec, Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
"""Has a declared model turn texts into vectors, and charges the run for it."""

_NOBODY: Final = Origin()


class Recollection:
    """The memories of one run; an async context manager, entered when the run begins.

    Without `stores` a memory that has no file is empty, and forgotten when the run has ended.
    `origin` says which data the run is about: see `graphdsl.executors.memory.origin`.
    """

    def __init__(
        self,
        memories: Mapping[str, MemorySpec],
        stores: Stores | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._specs = tuple(memories.values())
        self._stores = Stores() if stores is None else stores
        self._origin = origin or _NOBODY
        self._taken: dict[tuple[Store, int | None], Snapshot] = {}
        self._written: list[tuple[Position, int, Store, Written]] = []

    async def recall(
        self,
        memory: MemorySpec,
        query: str,
        top: int,
        method: str = "bm25",
        embeds: Embeds | None = None,
    ) -> tuple[Doc, ...]:
        """The entries that fit best, as the memory was when the run began.

        `embeds` calls the model that the memory's block names, where it names one. Raises
        `BackendMissing` when embeddings are wanted and their package is not installed, and what
        `embeds` raises.
        """
        return await search(
            self._stores.get(memory),
            self._snapshot(memory),
            self._view(memory),
            query,
            top,
            method,
            lambda: _embedder(memory, embeds),
        )

    async def concepts(self, memory: MemorySpec, query: str, most: int) -> tuple[Concept, ...]:
        """The concepts by name; of more than `most` those that fit the query best by words."""
        snapshot, view = self._snapshot(memory), self._view(memory)

        def look() -> tuple[Concept, ...]:
            found = snapshot.concepts(view)
            if len(found) <= most:
                return found
            ranking = snapshot.by_words(query, snapshot.count("concept") + snapshot.count("text"))
            fitting = snapshot.concepts(view, (row for row, _ in ranking))
            names = {one.name for one in fitting}
            rest = [one for one in found if one.name not in names]
            rest.sort(key=lambda one: (-len(one.used_in), one.name))
            return tuple(sorted([*fitting, *rest][:most], key=lambda one: one.name))

        return await aside(look)

    def remember(
        self, memory: MemorySpec, text: str, key: str | None, position: Position
    ) -> str | None:
        """Keep a text for `commit`; why not, where the memory does not take it.

        `position` is its place in the program's order.
        """
        return self._write(memory, [Entry(text, key)], position)

    def remember_concepts(
        self, memory: MemorySpec, concepts: Sequence[Concept], position: Position
    ) -> str | None:
        """Keep concepts for `commit`; why not, where the memory does not take them."""
        return self._write(memory, [ConceptEntry(concept) for concept in concepts], position)

    async def commit(self, token: str | None = None) -> None:
        """Write what was kept, in the program's order; all of it, per store, or nothing.

        A `token` (of the run) that a store has seen before writes nothing there: a run that is
        resumed after its commit does not write twice. Raises `InputError` when a store cannot be
        written.
        """
        by_store: dict[Store, list[Written]] = {}
        for _, _, store, entry in sorted(self._written, key=lambda write: write[:2]):
            by_store.setdefault(store, []).append(entry)
        for store, entries in by_store.items():
            await aside(lambda s=store, e=entries: s.commit(e, self._origin, token))
        self._written.clear()

    async def __aenter__(self) -> Recollection:
        if self._specs:
            try:
                await aside(self._take)
            except BaseException:
                self._release()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    def _write(
        self, memory: MemorySpec, entries: Sequence[Written], position: Position
    ) -> str | None:
        if memory.version is not None:
            return f"not kept: memory `{memory.name}` is frozen at version {memory.version}"
        refused = refusal(memory.name, memory.learns_from, self._origin)
        if refused is None:
            store = self._stores.get(memory)
            for entry in entries:
                self._written.append((position, len(self._written), store, entry))
        return refused

    def _snapshot(self, memory: MemorySpec) -> Snapshot:
        return self._taken[self._stores.get(memory), memory.version]

    def _view(self, memory: MemorySpec) -> View:
        return view_of(memory.learns_from, self._origin)

    def _take(self) -> None:
        for spec in self._specs:
            store = self._stores.get(spec)
            if (store, spec.version) not in self._taken:
                self._taken[store, spec.version] = store.take(spec.version)

    def _release(self) -> None:
        for (store, _), snapshot in self._taken.items():
            store.release(snapshot)
        self._taken.clear()


async def _embedder(memory: MemorySpec, embeds: Embeds | None) -> Embedder:
    model = memory.embed
    if not isinstance(model, ModelSpec):
        return await static_embedder()
    if embeds is None:
        raise Unsupported("embeddings of memories", model=model.name)
    asks: Embeds = embeds

    def embed(texts: Sequence[str]) -> Awaitable[Sequence[Sequence[float]]]:
        return asks(model, texts)

    embedded: Embed = embed
    return model_embedder(model, embedded)
