"""Memories as one run sees them: read as they were at its start, written when it has ended well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

from graphdsl.executors.memory_store import Entry, Snapshot, Store
from graphdsl.plan import MemorySpec
from graphdsl.values import Doc

Found = TypeVar("Found")


class Stores:
    """The stores of one loaded program. Those without a file live as long as this object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: dict[tuple[str, str], Store] = {}

    def get(self, spec: MemorySpec) -> Store:
        """The store of a declared memory: one per file, or per name for those without one."""
        path = spec.path
        key = ("name", spec.name) if path is None else ("file", str(path))
        with self._lock:  # two first runs at once must not make two stores
            if key not in self._stores:
                self._stores[key] = Store(spec.name, path)
            return self._stores[key]

    def close(self) -> None:
        """Forget every store that has no file."""
        with self._lock:
            for store in self._stores.values():
                store.close()
            self._stores.clear()


class Recollection:
    """The memories of one run; an async context manager, entered when the run begins.

    Without `stores` a memory that has no file is empty, and forgotten when the run has ended.
    """

    def __init__(self, memories: Mapping[str, MemorySpec], stores: Stores | None = None) -> None:
        self._specs = tuple(memories.values())
        self._stores = Stores() if stores is None else stores
        self._taken: dict[Store, Snapshot] = {}
        self._written: list[tuple[tuple[int, ...], int, Store, Entry]] = []

    def recall(self, memory: MemorySpec, query: str, top: int) -> tuple[Doc, ...]:
        """The entries that fit best, as the memory was when the run began."""
        return self._taken[self._stores.get(memory)].search(query, top)

    def remember(
        self, memory: MemorySpec, text: str, key: str | None, position: tuple[int, ...]
    ) -> None:
        """Keep a text for `commit`. `position` is its place in the program's order."""
        entry = Entry(text, key)
        self._written.append((position, len(self._written), self._stores.get(memory), entry))

    async def commit(self) -> None:
        """Write what was kept, in the program's order; all of it, per store, or nothing.

        Raises `InputError` when a store cannot be written.
        """
        if not self._written:
            return
        by_store: dict[Store, list[Entry]] = {}
        for _, _, store, entry in sorted(self._written, key=lambda write: write[:2]):
            by_store.setdefault(store, []).append(entry)
        for store, entries in by_store.items():
            await _in_thread(lambda store=store, entries=entries: store.commit(entries))
        self._written.clear()

    async def __aenter__(self) -> Recollection:
        if self._specs:
            try:
                await _in_thread(self._take)
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

    def _take(self) -> None:
        for spec in self._specs:
            store = self._stores.get(spec)
            if store not in self._taken:
                self._taken[store] = store.take()

    def _release(self) -> None:
        for store, snapshot in self._taken.items():
            store.release(snapshot)
        self._taken.clear()


async def _in_thread(work: Callable[[], Found]) -> Found:
    """Run blocking work aside. It is never left half done: a cancellation waits for its end."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise
