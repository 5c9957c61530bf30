"""One memory: a SQLite file, or the same thing inside the process.

A `Snapshot` of a file is a read transaction: it sees the store as it was, whatever other runs and
processes commit. Runs between two commits share one. Nothing here is bound to a thread; every store
has its lock.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from graphdsl.errors import BackendError
from graphdsl.executors.memory.commit import commit
from graphdsl.executors.memory.connection import (
    explained,
    in_process,
    is_locked_up,
    look_at,
    open_file,
)
from graphdsl.executors.memory.entry import Written
from graphdsl.executors.memory.history import check_version, epoch
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.snapshot import Snapshot, as_of
from graphdsl.executors.memory.vector_file import keep_vectors, load_vectors
from graphdsl.executors.memory.vectors import Vectors, new_vectors

Found = TypeVar("Found")

_NOBODY = Origin()


class Store:
    """A memory by name: a file, or with `path` None a database inside the process."""

    def __init__(self, name: str, path: Path | None) -> None:
        self.name = name
        self.path = path
        self._lock = threading.RLock()
        self._kept: dict[int | None, Snapshot] = {}
        self._own: sqlite3.Connection | None = None
        self._vectors: dict[str, Vectors] = {}

    # ---- snapshots

    def take(self, version: int | None = None) -> Snapshot:
        """The store as it is now, or as it was in a version.

        Raises `InputError` when it cannot be opened or has no such version.
        """
        with self._lock, explained(self.name, self.path):
            current = self._kept.get(version)
            fresh = self._now() if version is None else self._then(version, current)
            if current is not None and _same(current, fresh):
                if fresh is not current:
                    fresh.close()
                current.users += 1
                return current
            self._kept[version] = fresh
            return fresh

    def release(self, snapshot: Snapshot) -> None:
        """Give a snapshot back; the last user closes it, unless it is of a fixed version."""
        with self._lock:
            snapshot.users -= 1
            if snapshot.users:
                return
            if any(kept is snapshot for version, kept in self._kept.items() if version is not None):
                return
            if self._kept.get(None) is snapshot:
                del self._kept[None]
            snapshot.close()

    def _now(self) -> Snapshot:
        """A file pins a read transaction, an in-process store is copied."""
        if self.path is None:
            connection = in_process(self.name)
            self._private().backup(connection)
            return Snapshot(connection, name=self.name)
        connection = self._reading(self.path)
        try:
            connection.execute("BEGIN")
            return Snapshot(connection, name=self.name, path=self.path)
        except BaseException:
            connection.close()
            raise

    def _then(self, version: int, current: Snapshot | None) -> Snapshot:
        """A copy of what stood in a version; kept, since nothing but erasing changes it."""
        with self.opened() as connection:
            check_version(connection, version, self.name)
            now = epoch(connection)
            if current is not None and current.epoch == now:
                return current
            copy = in_process(self.name)
            as_of(connection, copy, version)
        return Snapshot(copy, now, self.name, self.path)

    def _reading(self, path: Path) -> sqlite3.Connection:
        locked = is_locked_up(self.name, path)
        return look_at(self.name, path) if locked else open_file(self.name, path)

    # ---- writing

    def commit(
        self,
        entries: Sequence[Written],
        origin: Origin = _NOBODY,
        token: str | None = None,
        note: str = "",
    ) -> int:
        """Add all entries in order, or none, as a new version; gives its number.

        A `token` that was given before, also by another process, changes nothing. Raises
        `InputError` when it is no store, `BackendError` when it cannot be written.
        """
        return self.change(lambda connection: commit(connection, entries, origin, token, note))

    def change(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        """Do something with a connection that may write. Raises as `commit` does."""
        with self._lock, explained(self.name, self.path):
            if self.path is None:
                return work(self._private())
            if is_locked_up(self.name, self.path):
                raise BackendError(
                    f"memory `{self.name}`: `{self.path}` cannot be written: it is read-only; make "
                    "it and its folder writable, or point `store` at another place"
                )
            with closing(open_file(self.name, self.path)) as connection:
                return work(connection)

    def look(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        """Do something with a connection that only reads. Raises as `take` does."""
        with self._lock, explained(self.name, self.path), self.opened() as connection:
            return work(connection)

    @contextmanager
    def opened(self) -> Generator[sqlite3.Connection, None, None]:
        """A connection for reading that is closed again."""
        if self.path is None:
            yield self._private()
            return
        with closing(self._reading(self.path)) as connection:
            yield connection

    # ---- vectors

    def vectors(self, identity: str, size: int) -> Vectors:
        """The vectors of an embedder, those of the file included; of another size, none."""
        with self._lock, explained(self.name, self.path):
            known = self._vectors.get(identity)
            if known is None or known.size != size:
                known = self._vectors[identity] = new_vectors(size)
            if self.path is not None:
                with self.opened() as connection:
                    load_vectors(connection, identity, known)
            return known

    def keep_vectors(
        self, identity: str, vectors: Vectors, rows: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Add to an embedder's vectors, in the file too where it can be written."""
        vectors.add(rows)
        if self.path is not None and not is_locked_up(self.name, self.path):
            size = vectors.size
            self.change(lambda connection: keep_vectors(connection, identity, size, rows))

    # ---- the end

    def close(self) -> None:
        """Forget an in-process store, and versions that were read; a file stays."""
        with self._lock:
            for snapshot in self._kept.values():
                if not snapshot.users:
                    snapshot.close()
            self._kept.clear()
            self._vectors.clear()
            if self._own is not None:
                self._own.close()
                self._own = None

    def _private(self) -> sqlite3.Connection:
        if self._own is None:
            self._own = in_process(self.name)
            weakref.finalize(self, self._own.close)
        return self._own


def _same(one: Snapshot, other: Snapshot) -> bool:
    return one.version == other.version and one.epoch == other.epoch
