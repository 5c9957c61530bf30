"""A bank as an SQLite file: one row per reply, which holds the line that a `.jsonl` bank would."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from graphdsl.executors.bank import KEPT, BadBank
from graphdsl.executors.bank_line import BadRecord, from_line, to_line
from graphdsl.executors.bank_record import Recorded, item_place

_BUSY: Final = 60.0
"""Seconds to wait for another process that is writing."""

_APPLICATION: Final = 0x67647262
"""SQLite's `application_id` of a bank ("gdrb")."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS replies (
    id INTEGER PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    place TEXT NOT NULL,
    model TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS replies_by_model ON replies (model, place);
PRAGMA application_id = {_APPLICATION};
COMMIT;
"""

_ADD: Final = "INSERT OR IGNORE INTO replies (identity, place, model, record) VALUES (?, ?, ?, ?)"
_FIND: Final = "SELECT id, record FROM replies WHERE model = ? AND place = ? ORDER BY id"
_ITEMS: Final = "SELECT 1 FROM replies WHERE model = ? AND place GLOB ? LIMIT 1"
_MODELS: Final = "SELECT DISTINCT model FROM replies ORDER BY model"


class SqliteBank:
    """A bank that is read, by its index."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _explained(path):
            self._connection = _connect(f"{path.resolve().as_uri()}?mode=ro")
        try:
            with _explained(path):
                self._models = _models(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._find = lru_cache(KEPT)(self._read)

    @property
    def models(self) -> tuple[str, ...]:
        """See `Bank`."""
        return self._models

    def find(self, place: str, model: str) -> Sequence[Recorded]:
        """See `Bank`."""
        with _explained(self._path):
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return self._find(version, place, model)

    def has_items(self, model: str) -> bool:
        """See `Bank`."""
        with _explained(self._path):
            found = self._connection.execute(_ITEMS, (_utf8(model), f"{item_place('')}*"))
            return found.fetchone() is not None

    def close(self) -> None:
        """See `Bank`."""
        self._connection.close()

    def _read(self, _version: int, place: str, model: str) -> tuple[Recorded, ...]:
        """The version says whether another process has written since."""
        with _explained(self._path):
            rows = self._connection.execute(_FIND, (_utf8(model), _utf8(place))).fetchall()
        return tuple(self._parsed(*row) for row in rows)

    def _parsed(self, row: int, record: str) -> Recorded:
        try:
            return from_line(record)
        except BadRecord as error:
            raise BadBank(f"row {row} of `{self._path}` is no recorded reply: {error}") from error


class SqliteWriter:
    """A bank that grows, by one transaction per piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _explained(path):
            self._connection = self._open()

    def add(self, records: Sequence[Recorded]) -> int:
        """See `BankWriter`."""
        connection = self._connection
        before = connection.total_changes
        rows = (
            (record.identity, _utf8(record.place), _utf8(record.model), to_line(record).decode())
            for record in records
        )
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_ADD, rows)
        return connection.total_changes - before

    def close(self) -> None:
        """See `BankWriter`."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = _connect(self._path.resolve().as_uri())
        try:
            if _tables(connection):
                _check(connection, self._path)
            connection.executescript(_SCHEMA)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(address: str) -> sqlite3.Connection:
    return sqlite3.connect(
        address, timeout=_BUSY, isolation_level=None, check_same_thread=False, uri=True
    )


def _models(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    """The models of a bank that is read; none of a file in which nothing is yet."""
    if not _tables(connection):
        return ()
    _check(connection, path)
    rows: list[tuple[str]] = connection.execute(_MODELS).fetchall()
    return tuple(model for (model,) in rows)


def _tables(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return count


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION:
        raise BadBank(f"`{path}` is a database of something else, and no recorded bank")


def _utf8(text: str) -> str:
    """Lone surrogates, which have no bytes, are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def _explained(path: Path) -> Generator[None]:
    """Turn what SQLite says about a file that it cannot use into `BadBank`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error):
            reason = "is no SQLite file; a file of JSON lines ends with `.jsonl`"
        else:
            reason = f"cannot be used: {error}"
        raise BadBank(f"`{path}` {reason}") from error
