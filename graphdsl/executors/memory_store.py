"""One memory: a SQLite file with full-text search, or the same thing inside the process.

Entries are ranked by BM25 (Robertson & Zaragoza 2009) as FTS5 computes it. A `Snapshot` is a
read transaction: it sees the store as it was, whatever other runs and processes commit. The
number of commits is kept in the file, so that runs between two commits share one snapshot.
Nothing here is bound to a thread; every store has its lock.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphdsl.errors import BackendError, InputError
from graphdsl.values import Doc

BUSY: Final = 10.0
"""Seconds to wait for another process that is writing."""

_APPLICATION: Final = 0x67647331
"""SQLite's `application_id` of a memory file ("gds1")."""

_MOST_WORDS: Final = 1000
"""Distinct words of a query that are looked for."""

_OF_THE_DISK: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }
)
"""Errors that are no fault of the program or its inputs."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT UNIQUE,
    text TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='entries', content_rowid='id');
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
END;
PRAGMA application_id = {_APPLICATION};
COMMIT;
"""

_SEARCH: Final = """
SELECT entries.id, entries.key, entries.text, -bm25(words) AS score
FROM words JOIN entries ON entries.id = words.rowid
WHERE words MATCH ? ORDER BY score DESC, entries.id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to keep; an entry of the same key is replaced."""

    text: str
    key: str | None


class Snapshot:
    """A store as it was at one moment. Release it as often as it was taken."""

    def __init__(self, connection: sqlite3.Connection, version: int) -> None:
        self.version = version
        self.users = 1
        self._connection = connection
        self._lock = threading.Lock()

    def search(self, query: str, top: int) -> tuple[Doc, ...]:
        """The best `top` entries that share a word with the query, best first, oldest on ties."""
        words = dict.fromkeys(re.findall(r"\w+", query.casefold()))
        if not words or top <= 0:
            return ()
        quoted = " OR ".join(f'"{_encodable(word)}"' for word in list(words)[:_MOST_WORDS])
        with self._lock:
            rows = self._connection.execute(_SEARCH, (quoted, top)).fetchall()
        return tuple(_doc(*row) for row in rows)

    def close(self) -> None:
        """Give the connection back; the snapshot cannot be searched any more."""
        with self._lock:
            self._connection.close()


class Store:
    """A memory by name: a file, or with `path` None a database inside the process."""

    def __init__(self, name: str, path: Path | None) -> None:
        self.name = name
        self.path = path
        self._lock = threading.Lock()
        self._current: Snapshot | None = None
        self._own: sqlite3.Connection | None = None

    def take(self) -> Snapshot:
        """The store as it is now. Raises `InputError` when it cannot be opened."""
        with self._lock, self._explained():
            fresh = self._snapshot()
            current = self._current
            if current is not None and current.version == fresh.version:
                fresh.close()
                current.users += 1
                return current
            self._current = fresh
            return fresh

    def release(self, snapshot: Snapshot) -> None:
        """Give a snapshot back; the last user closes it."""
        with self._lock:
            snapshot.users -= 1
            if snapshot.users:
                return
            if self._current is snapshot:
                self._current = None
            snapshot.close()

    def commit(self, entries: Sequence[Entry]) -> None:
        """Add all entries in order, or none.

        Raises `InputError` when it is no store, `BackendError` when it cannot be written.
        """
        with self._lock, self._explained():
            if self.path is None:
                _add(self._private(), entries)
                return
            if self._locked_up(self.path):
                raise BackendError(
                    f"memory `{self.name}`: `{self.path}` cannot be written: it is read-only; make "
                    "it and its folder writable, or point `store` at another place"
                )
            with closing(self._open(self.path)) as connection:
                _add(connection, entries)

    def close(self) -> None:
        """Forget an in-process store; a file stays."""
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    def _snapshot(self) -> Snapshot:
        """A file pins a read transaction, an in-process store is copied."""
        if self.path is not None:
            locked = self._locked_up(self.path)
            connection = self._look(self.path) if locked else self._open(self.path)
            connection.execute("BEGIN")
        else:
            connection = _connect(":memory:")
            self._private().backup(connection)
        return Snapshot(connection, _version(connection))

    def _locked_up(self, path: Path) -> bool:
        """True when the file cannot be written, nor what SQLite keeps beside it."""
        if not path.parent.is_dir():
            raise InputError(f"memory `{self.name}`: the folder `{path.parent}` does not exist")
        return not _writable(path.parent) or (path.exists() and not _writable(path))

    def _look(self, path: Path) -> sqlite3.Connection:
        """For reading only; a file that is not there yet is an empty memory."""
        if not path.exists():
            connection = _connect(":memory:")
            connection.executescript(_SCHEMA)
            return connection
        connection = _connect_to_look(path)
        try:
            if not self._is_memory(connection):
                raise InputError(f"memory `{self.name}`: `{path}` is empty and cannot be written")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = _connect(str(path))
        try:
            if not self._is_memory(connection):
                connection.executescript(_SCHEMA)
            _write_ahead(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_memory(self, connection: sqlite3.Connection) -> bool:
        """False for a new file, which has no tables yet; any other must be a memory."""
        connection.execute("BEGIN")  # both questions are about the same moment
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        connection.execute("COMMIT")
        if tables and application != _APPLICATION:
            raise InputError(f"memory `{self.name}`: `{self.path}` is another program's database")
        return bool(tables)

    def _private(self) -> sqlite3.Connection:
        if self._own is None:
            self._own = _connect(":memory:")
            weakref.finalize(self, self._own.close)
            self._own.executescript(_SCHEMA)
        return self._own

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = f"memory `{self.name}`: {_reason(error, self.path)}"
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
                raise BackendError(reason) from error
            raise InputError(reason) from error


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even the files that SQLite keeps beside a database.

    Where these cannot be made SQLite must be told that nobody changes the file (`immutable`).
    """
    address = path.resolve().as_uri()
    connection = _connect(f"{address}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        return _connect(f"{address}?mode=ro&immutable=1", uri=True)
    return connection


def _connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, uri=uri
    )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side. SQLite does not wait for this lock by itself."""
    connection.execute("PRAGMA synchronous = NORMAL")
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _add(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for entry in entries:
            key = None if entry.key is None else _encodable(entry.key)
            connection.execute("DELETE FROM entries WHERE key = ?", (key,))
            connection.execute(
                "INSERT INTO entries (key, text, created) VALUES (?, ?, ?)",
                (key, _encodable(entry.text), time.time()),
            )
        connection.execute(f"PRAGMA user_version = {(_version(connection) + 1) % 2**31}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _doc(row: int, key: str | None, text: str, score: float) -> Doc:
    return Doc(key if key is not None else str(row), text, score, {"key": key})


def _encodable(text: str) -> str:
    """Lone surrogates, which have no bytes, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


_REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("not a database", "`{path}` is not a memory file"),
    ("malformed", "`{path}` is damaged"),
    ("unable to open", "`{path}` cannot be opened; is it a folder, or not yours to read?"),
    ("readonly", "`{path}` cannot be written to"),
    ("locked", "`{path}` is locked by another program"),
    ("full", "there is no space left for `{path}`"),
    ("fts5", "this Python's SQLite has no full-text search (FTS5)"),
)


def _reason(error: sqlite3.Error, path: Path | None) -> str:
    for word, text in _REASONS:
        if word in str(error):
            return text.format(path=path)
    return f"`{path}`: {error}"
