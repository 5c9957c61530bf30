"""The stores of one loaded program."""

from __future__ import annotations

import threading

from graphdsl.executors.memory.store import Store
from graphdsl.plan import MemorySpec


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
