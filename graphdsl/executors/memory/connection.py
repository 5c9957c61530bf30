"""Opening the SQLite database of a memory, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from graphdsl.errors import BackendError, InputError
from graphdsl.executors.memory.schema import is_empty, is_older, prepare

BUSY: Final = 10.0
"""Seconds to wait for another process that is writing."""

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

_REASONS: Final[tuple[tuple[str, str], ...]] = (
    ("not a database", "`{path}` is not a memory file"),
    ("malformed", "`{path}` is damaged"),
    ("decode", "`{path}` is damaged"),
    ("unable to open", "`{path}` cannot be opened; is it a folder, or not yours to read?"),
    ("readonly", "`{path}` cannot be written to"),
    ("locked", "`{path}` is locked by another program"),
    ("full", "there is no space left for `{path}`"),
    ("fts5", "this Python's SQLite has no full-text search (FTS5)"),
)


def connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time, without transactions of its own."""
    return sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, uri=uri
    )


def in_process(name: str) -> sqlite3.Connection:
    """An empty memory without a file."""
    connection = connect(":memory:")
    prepare(connection, name, "the memory")
    return connection


def open_file(name: str, path: Path) -> sqlite3.Connection:
    """A memory file for reading and writing; it is made, or brought up to date, where needed."""
    connection = connect(str(path))
    try:
        prepare(connection, name, f"`{path}`")
        _write_ahead(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def look_at(name: str, path: Path) -> sqlite3.Connection:
    """A memory file for reading only; one that is not there yet is an empty memory."""
    if not path.exists():
        return in_process(name)
    connection = _connect_to_look(path)
    try:
        if is_empty(connection):
            raise InputError(f"memory `{name}`: `{path}` is empty and cannot be written")
        if not is_older(connection):
            prepare(connection, name, f"`{path}`")
            return connection
        return _newer(name, connection, path)
    except BaseException:
        connection.close()
        raise


def _newer(name: str, older: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """A copy in the process, brought up to date, of a file that cannot be changed."""
    copy = connect(":memory:")
    try:
        with closing(older):
            older.backup(copy)
        prepare(copy, name, f"`{path}`")
    except BaseException:
        copy.close()
        raise
    return copy


def is_locked_up(name: str, path: Path) -> bool:
    """True when the file cannot be written, nor what SQLite keeps beside it.

    Raises `InputError` when there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError(f"memory `{name}`: the folder `{path.parent}` does not exist")
    return not _writable(path.parent) or (path.exists() and not _writable(path))


@contextmanager
def explained(name: str, path: Path | None) -> Generator[None, None, None]:
    """Errors of SQLite as ours: `BackendError` where it is the disk, else `InputError`."""
    try:
        yield
    except UnicodeDecodeError as error:  # SQLite quotes a damaged file in its messages
        raise InputError(f"memory `{name}`: `{path}` is damaged") from error
    except sqlite3.Error as error:
        reason = f"memory `{name}`: {_reason(error, path)}"
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK:
            raise BackendError(reason) from error
        raise InputError(reason) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """All that is written within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even the files that SQLite keeps beside a database.

    Where these cannot be made SQLite must be told that nobody changes the file (`immutable`).
    """
    address = path.resolve().as_uri()
    connection = connect(f"{address}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        return connect(f"{address}?mode=ro&immutable=1", uri=True)
    return connection


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


def _reason(error: sqlite3.Error, path: Path | None) -> str:
    for word, text in _REASONS:
        if word in str(error):
            return text.format(path=path)
    return f"`{path}`: {error}"
