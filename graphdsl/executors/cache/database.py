"""The file of a cache: an SQLite database that many processes may use at once.

Its rows are in the order in which they were last used, so that the oldest go first and leave whole
pages free: using a row again moves it to the end, unless it is near there anyway.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphdsl.executors.cache.stats import Counts, ModelShare
from graphdsl.values import Usage

APPLICATION: Final = 0x67646361
"""SQLite's `application_id` of a cache ("gdca")."""

VERSION: Final = 1
"""Of the tables. A file with a later one is left alone."""

_BUSY: Final = 10.0
"""Seconds that a batch waits for other processes which write, unless it is told to hurry."""

_TRY: Final = 0.2
"""Seconds for which SQLite waits by itself; between, it is seen whether there is a hurry."""

_GLANCE: Final = 0.05
"""Seconds that a look waits; it happens on an event loop, and may find nothing instead."""

_ROOM: Final = 0.9
"""What is in use after answers had to go, as a share of the limit."""

_STEP: Final = 10_000
"""Rows that go in one piece, at most."""

_WAL: Final = 16_000_000
"""Bytes to which the write-ahead log shrinks again after it was longer."""

_SCHEMA: Final = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    model TEXT NOT NULL,
    made REAL NOT NULL,
    answer BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""

_FIND: Final = "SELECT id, CAST(answer AS BLOB) FROM answers WHERE key = ?"
_ADD: Final = "INSERT OR IGNORE INTO answers (key, model, made, answer) VALUES (?, ?, ?, ?)"
_ENDS: Final = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM answers"
_MOVE: Final = "UPDATE answers SET id = (SELECT max(id) + 1 FROM answers) WHERE id = ? AND id < ?"
_OLDEST: Final = "SELECT id, length(answer) FROM answers ORDER BY id LIMIT ?"
_COUNT: Final = (
    "INSERT INTO counts VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET value = min(value + excluded.value, 9000000000000000000)"
)
_MODELS: Final = (
    "SELECT model, count(*), sum(length(answer)) FROM answers GROUP BY model ORDER BY 3 DESC, 1"
)
_CLEAR: Final = "DELETE FROM answers WHERE (?1 IS NULL OR made < ?1) AND (?2 IS NULL OR model = ?2)"


class NotOurs(Exception):
    """A database of something else."""


class Newer(Exception):
    """A cache of a later version of graphdsl."""


@dataclass(frozen=True, slots=True)
class Row:
    """An answer to be kept: its key, the name of its model, when it was made."""

    key: bytes
    model: str
    made: float
    answer: bytes


class Database:
    """An open file. `find` is for event loops, `write` for a thread; each has its connection.

    Everything but `close` raises `sqlite3.Error`.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it. Raises `NotOurs` and `Newer` too."""
        self._writer = _connect(path, _TRY)
        self._until = math.inf
        try:
            _prepare(self._writer)
            self._reader = _connect(path, _GLANCE)
        except BaseException:
            self._writer.close()
            raise
        self._place = path
        self.inode = path.stat().st_ino

    @property
    def moved(self) -> bool:
        """Whether its path leads elsewhere by now: the file was removed, or another put there."""
        try:
            return self._place.stat().st_ino != self.inode
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def hurry(self, until: float) -> None:
        """Wait for other processes no longer than that moment of `time.monotonic`.

        Safe to call while another thread waits.
        """
        self._until = until

    def find(self, key: bytes) -> tuple[int, bytes] | None:
        """The row of a key, and the answer in it."""
        found = self._reader.execute(_FIND, (key,)).fetchall()  # all, so that the read has ended
        return found[0] if found else None

    def write(
        self, rows: Sequence[Row], used: Iterable[int], bad: Iterable[bytes], counts: Counts
    ) -> None:
        """One transaction: drop `bad` keys, keep new rows, note which were `used`, and count.

        An answer that is there already stays: all who look later find the same.
        """
        with self._transaction() as writer:
            writer.executemany("DELETE FROM answers WHERE key = ?", ((key,) for key in bad))
            self._move(used)
            writer.executemany(_ADD, ((row.key, row.model, row.made, row.answer) for row in rows))
            writer.executemany(_COUNT, _counted(counts))

    def shrink(self, limit: int) -> int:
        """Drop the least recently used until at most `limit` bytes are in use; how many went."""
        gone = 0
        while (over := self.bytes - limit) > 0:
            cut = self._cut(over + int(limit * (1 - _ROOM)))
            if cut is None:
                break
            with self._transaction() as writer:
                dropped = writer.execute("DELETE FROM answers WHERE id <= ?", (cut,)).rowcount
                writer.executemany(_COUNT, _counted(Counts(evicted=dropped)))
            gone += dropped
        return gone

    def clear(self, before: float | None, model: str | None) -> int:
        """Drop answers made before a time, those of a model, or all; how many went."""
        with self._transaction() as writer:
            gone = writer.execute(_CLEAR, (before, model)).rowcount
            if before is None and model is None:
                writer.execute("DELETE FROM counts")
        self._tidy()
        return gone

    @property
    def middle(self) -> int:
        """The row up to which rows are old: using one of them moves it to the end."""
        first, last = self._writer.execute(_ENDS).fetchone()
        return (first + last) // 2

    @property
    def bytes(self) -> int:
        """Bytes of the file that are in use."""
        pages, free, size = (
            self._writer.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    @property
    def counts(self) -> Counts:
        """What has been counted in this file."""
        rows: list[tuple[str, int]] = self._writer.execute("SELECT * FROM counts").fetchall()
        found = dict(rows)
        saved = Usage(
            found.get("hits", 0),
            found.get("prompt_tokens", 0),
            0,
            found.get("completion_tokens", 0),
            cost=found.get("cost", 0),
        )
        return Counts(
            found.get("hits", 0),
            found.get("misses", 0),
            saved,
            found.get("unpriced", 0),
            found.get("evicted", 0),
        )

    @property
    def models(self) -> tuple[ModelShare, ...]:
        """The answers by model, most bytes first. Looks at every row."""
        rows: list[tuple[str, int, int]] = self._writer.execute(_MODELS).fetchall()
        return tuple(ModelShare(*row) for row in rows)

    def close(self) -> None:
        """Close both connections; the last one of all processes tidies the file up."""
        self._reader.close()
        self._writer.close()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._writer as writer:
            self._begin(writer)
            yield writer

    def _begin(self, writer: sqlite3.Connection) -> None:
        """Start to write, once no other process does."""
        last = time.monotonic() + _BUSY
        while True:
            try:
                writer.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() >= min(last, self._until):
                    raise

    def _tidy(self) -> None:
        """Give free pages back; another time, where other processes are at work."""
        try:  # `execute` would free one page only
            self._writer.executescript("PRAGMA incremental_vacuum")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            if not is_busy(error):
                raise

    def _move(self, used: Iterable[int]) -> None:
        """Rows of the older half go to the end."""
        middle = self.middle
        old = sorted(row for row in set(used) if row <= middle)
        self._writer.executemany(_MOVE, ((row, middle + 1) for row in old))

    def _cut(self, surplus: int) -> int | None:
        """The row up to which the oldest have so many bytes together."""
        cut = None
        for row, size in self._writer.execute(_OLDEST, (_STEP,)).fetchall():
            if surplus <= 0:
                break
            cut, surplus = row, surplus - size
        return cut


def is_busy(error: Exception) -> bool:
    """Whether another process was at work for too long."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection) -> None:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if tables and application != APPLICATION:
        raise NotOurs
    if version > VERSION:
        raise Newer
    if not tables:
        connection.executescript(_SCHEMA)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL}")


def _counted(counts: Counts) -> list[tuple[str, int]]:
    saved = counts.saved
    found = {
        "hits": counts.hits,
        "misses": counts.misses,
        "prompt_tokens": saved.prompt_tokens,
        "completion_tokens": saved.completion_tokens,
        "cost": saved.cost or 0,
        "unpriced": counts.unpriced,
        "evicted": counts.evicted,
    }
    return [(name, value) for name, value in found.items() if value]
