"""The tables of a memory file, and how files of older versions become like them.

Nothing is changed in place: an entry stands from the version that added it to the one that removed
it, so that every version can be read again. `words` indexes the entries that stand now. A key names
one text of each split, since runs of one split may not see those of another. A concept is one
entry; `parts` has what each run added to it. Vectors go by the hash of their text.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from graphdsl.errors import InputError
from graphdsl.executors.memory.entry import digest
from graphdsl.ir.entities import UNLABELLED

APPLICATION: Final = 0x67647332
"""SQLite's `application_id` of a memory file ("gds2"); `user_version` is the schema's."""

OLDEST: Final = 0x67647331
"""The `application_id` of the first schema ("gds1"), whose `user_version` counted commits."""

SCHEMA: Final = 2

LABEL: Final = f"coalesce(split, '{UNLABELLED}')"
"""The label of an entry or part: its split, or `unlabelled`."""

_TABLES: Final = (
    """CREATE TABLE versions (
        version INTEGER PRIMARY KEY,
        created REAL NOT NULL,
        token TEXT UNIQUE,
        run TEXT,
        split TEXT,
        note TEXT NOT NULL,
        erased INTEGER NOT NULL DEFAULT 0,
        readable INTEGER NOT NULL DEFAULT 1
    )""",
    """CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        key TEXT,
        text TEXT NOT NULL,
        body TEXT,
        digest BLOB NOT NULL,
        created REAL NOT NULL,
        added_in INTEGER NOT NULL,
        removed_in INTEGER,
        split TEXT,
        content TEXT,
        run TEXT
    )""",
    f"""CREATE UNIQUE INDEX entry_by_key ON entries (kind, key, {LABEL})
        WHERE removed_in IS NULL AND key IS NOT NULL""",
    "CREATE INDEX entry_by_content ON entries (content)",
    "CREATE INDEX entry_by_split ON entries (split)",
    """CREATE TABLE parts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        body TEXT NOT NULL,
        added_in INTEGER NOT NULL,
        removed_in INTEGER,
        split TEXT,
        content TEXT,
        run TEXT
    )""",
    "CREATE INDEX part_by_name ON parts (name)",
    "CREATE INDEX part_by_content ON parts (content)",
    "CREATE INDEX part_by_split ON parts (split)",
    "CREATE VIRTUAL TABLE words USING fts5(text, content='entries', content_rowid='id')",
    """CREATE TRIGGER entry_added AFTER INSERT ON entries WHEN new.removed_in IS NULL BEGIN
        INSERT INTO words (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER entry_removed AFTER UPDATE OF removed_in ON entries
        WHEN old.removed_in IS NULL AND new.removed_in IS NOT NULL BEGIN
        INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TRIGGER entry_erased AFTER DELETE ON entries WHEN old.removed_in IS NULL BEGIN
        INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TABLE embedders (
        id INTEGER PRIMARY KEY, identity TEXT UNIQUE NOT NULL, size INTEGER NOT NULL
    )""",
    """CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        embedder INTEGER NOT NULL,
        digest BLOB NOT NULL,
        vector BLOB NOT NULL
    )""",
    "CREATE UNIQUE INDEX vector_by_text ON vectors (embedder, digest)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)

_FROM_OLDEST: Final = (
    "DROP TRIGGER entry_added",
    "DROP TRIGGER entry_removed",
    "DROP TABLE words",
    "ALTER TABLE entries RENAME TO old_entries",
)


def prepare(connection: sqlite3.Connection, name: str, place: str) -> None:
    """Make the tables of a new file, or bring an older one up to date, in one transaction.

    Raises `InputError` for another program's database and for a file of a newer graphdsl.
    """
    if _is_current(connection, name, place):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _is_current(connection, name, place):  # another process may have been faster
            if _pragma(connection, "application_id") == OLDEST:
                _upgrade(connection)
            else:
                _create(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_current(connection: sqlite3.Connection, name: str, place: str) -> bool:
    """False for a new file, which has no tables yet, and for one of an older schema."""
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")  # all questions are about the same moment
    application = _pragma(connection, "application_id")
    schema = _pragma(connection, "user_version")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if own:
        connection.execute("COMMIT")
    if tables and application not in (APPLICATION, OLDEST):
        raise InputError(f"memory `{name}`: {place} is another program's database")
    if tables and application == APPLICATION and schema > SCHEMA:
        raise InputError(
            f"memory `{name}`: {place} was written by a newer graphdsl (its schema is {schema}, "
            f"this one knows {SCHEMA}); update this one: pip install -U graphdsl-tts"
        )
    return bool(tables) and application == APPLICATION


def is_empty(connection: sqlite3.Connection) -> bool:
    """True for a file without tables."""
    return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]


def is_older(connection: sqlite3.Connection) -> bool:
    """True for a file of an older schema."""
    return _pragma(connection, "application_id") == OLDEST


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _upgrade(connection: sqlite3.Connection) -> None:
    """The first schema had the entries of the last commit only; they become version 1."""
    for statement in _FROM_OLDEST:
        connection.execute(statement)
    _create(connection)
    rows = connection.execute("SELECT id, key, text, created FROM old_entries ORDER BY id")
    old = [(row, key, text, digest(text), created) for row, key, text, created in rows]
    if old:
        connection.execute(
            "INSERT INTO versions (version, created, note) VALUES (1, ?, 'from an older file')",
            (time.time(),),
        )
    connection.executemany(
        "INSERT INTO entries (id, kind, key, text, digest, created, added_in) "
        "VALUES (?, 'text', ?, ?, ?, ?, 1)",
        old,
    )
    connection.execute("DROP TABLE old_entries")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]
