"""Earlier versions of a memory: listing them, going back, and forgetting for good."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from graphdsl.errors import InputError
from graphdsl.executors.memory.commit import begin_version, newest, read_body, renew_concept
from graphdsl.executors.memory.connection import transaction
from graphdsl.executors.memory.damage import NOTHING, NUMBER, checked
from graphdsl.executors.memory.encoding import encodable
from graphdsl.executors.memory.entry import Stored, Version
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.rebuilding import rebuild
from graphdsl.ops.concepts import Concept

_MAYBE: Final = (str, NOTHING)
_MAYBE_VERSION: Final = (int, NOTHING)
_STOOD: Final = "added_in <= :version AND (removed_in IS NULL OR removed_in > :version)"
_STORED: Final = "id, kind, key, text, created, added_in, removed_in, split, content, run"
_STORED_KINDS: Final = (
    (int,),
    (str,),
    _MAYBE,
    (str,),
    NUMBER,
    (int,),
    _MAYBE_VERSION,
    _MAYBE,
    _MAYBE,
    _MAYBE,
)
_VERSION_KINDS: Final = (
    (int,),
    NUMBER,
    _MAYBE,
    _MAYBE,
    (str,),
    (int,),
    (int,),
    (int,),
    (int,),
)
_TEXT: Final = "kind, key, text, body, digest, created, split, content, run"
_PART: Final = "name, body, split, content, run"
_PART_KINDS: Final = ((str,), (str,), _MAYBE, _MAYBE, _MAYBE)


def check_version(connection: sqlite3.Connection, version: int, name: str) -> None:
    """Raises `InputError` unless the memory can be read as it was in this version."""
    last = newest(connection)
    if not 0 <= version <= last:
        raise InputError(f"memory `{name}` has no version {version}; its newest is {last}")
    row = connection.execute(
        "SELECT min(version) FROM versions WHERE readable AND version >= ?", (version,)
    ).fetchone()
    if version and row[0] != version:
        raise InputError(
            f"version {version} of memory `{name}` was compacted away; the oldest that can be read "
            f"is {row[0]}"
        )


def epoch(connection: sqlite3.Connection) -> int:
    """A number that changes when something is erased from versions of before."""
    (erased,) = connection.execute("SELECT coalesce(sum(erased > 0), 0) FROM versions").fetchone()
    return erased


def versions(connection: sqlite3.Connection) -> list[Version]:
    """All versions, the newest first."""
    rows = connection.execute(
        """SELECT version, created, run, split, note, erased, readable,
        coalesce(added.count, 0), coalesce(gone.count, 0)
        FROM versions
        LEFT JOIN (SELECT added_in, count(*) AS count FROM entries GROUP BY added_in) AS added
            ON added_in = version
        LEFT JOIN (SELECT removed_in, count(*) AS count FROM entries GROUP BY removed_in) AS gone
            ON removed_in = version
        ORDER BY version DESC"""
    )
    found = [Version(*checked(row, _VERSION_KINDS)) for row in rows]
    return [replace(version, readable=bool(version.readable)) for version in found]


def stored(connection: sqlite3.Connection, version: int) -> list[Stored]:
    """What stood in a version, the oldest first."""
    rows = connection.execute(
        f"SELECT {_STORED} FROM entries WHERE {_STOOD} ORDER BY id", {"version": version}
    )
    return [Stored(*checked(row, _STORED_KINDS)) for row in rows]


def parts(connection: sqlite3.Connection, version: int) -> Iterator[tuple[Concept, Origin]]:
    """What the runs up to a version added to its concepts, in order."""
    rows = connection.execute(
        f"SELECT {_PART} FROM parts WHERE {_STOOD} ORDER BY id", {"version": version}
    )
    for row in rows.fetchall():
        _, body, split, content, run = checked(row, _PART_KINDS)
        yield read_body(body), Origin(split, content, run)


def restore(connection: sqlite3.Connection, version: int, name: str) -> int:
    """Make a new version that is like an earlier one; gives its number. Raises `InputError`."""
    with transaction(connection):
        check_version(connection, version, name)
        stood = {"version": version}
        texts = connection.execute(
            f"SELECT {_TEXT} FROM entries WHERE kind = 'text' AND {_STOOD} "
            "AND removed_in IS NOT NULL ORDER BY id",
            stood,
        ).fetchall()
        gone = connection.execute(
            f"SELECT {_PART} FROM parts WHERE {_STOOD} AND removed_in IS NOT NULL ORDER BY id",
            stood,
        ).fetchall()
        new = begin_version(connection, Origin(), note=f"restored version {version}")
        for table, some in (("entries", "kind = 'text' AND "), ("parts", "")):
            connection.execute(
                f"UPDATE {table} SET removed_in = ? "
                f"WHERE {some}removed_in IS NULL AND added_in > ?",
                (new, version),
            )
        _insert(connection, "entries", _TEXT, texts, new)
        _insert(connection, "parts", _PART, gone, new)
        for name in _names(connection, "added_in = :it OR removed_in = :it", new):
            renew_concept(connection, name, new)
        return new


def _names(connection: sqlite3.Connection, where: str, it: int | str | None) -> list[str]:
    """The concepts that have such parts."""
    rows = connection.execute(f"SELECT DISTINCT name FROM parts WHERE {where}", {"it": it})
    return [row[0] for row in rows]


def _insert(
    connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[Any], version: int
) -> None:
    marks = ", ".join("?" * (columns.count(",") + 2))
    connection.executemany(
        f"INSERT INTO {table} ({columns}, added_in) VALUES ({marks})",
        ((*row, version) for row in rows),
    )


def remove(connection: sqlite3.Connection, names: Sequence[str]) -> list[int]:
    """Remove entries by key or id in a new version; earlier versions keep them. Gives their ids."""
    with transaction(connection):
        found = _named(connection, names, standing=True)
        if found:
            version = begin_version(connection, Origin(), note="removed")
            _retire(connection, found, version)
        return found


def _retire(connection: sqlite3.Connection, ids: Sequence[int], version: int) -> None:
    for row in ids:
        connection.execute(
            "UPDATE parts SET removed_in = :version WHERE removed_in IS NULL AND name = "
            "(SELECT key FROM entries WHERE id = :id AND kind = 'concept')",
            {"version": version, "id": row},
        )
        connection.execute("UPDATE entries SET removed_in = ? WHERE id = ?", (version, row))


def missing(connection: sqlite3.Connection, names: Sequence[str], *, standing: bool) -> list[str]:
    """Those of the names that no entry has; with `standing` none of the newest version."""
    return [name for name in names if not _named(connection, [name], standing=standing)]


def _named(connection: sqlite3.Connection, names: Sequence[str], *, standing: bool) -> list[int]:
    only = " AND removed_in IS NULL" if standing else ""
    found: dict[int, None] = {}
    for name in names:
        by_id = int(name) if name.isascii() and name.isdecimal() and len(name) < 19 else -1
        rows = connection.execute(
            f"SELECT id FROM entries WHERE (key = ? OR (key IS NULL AND id = ?)){only} ORDER BY id",
            (encodable(name), by_id),
        )
        found |= dict.fromkeys(row[0] for row in rows)
    return list(found)


def forget(connection: sqlite3.Connection, names: Sequence[str]) -> int:
    """Erase entries by key or id from all versions; gives how many. A new version says so."""
    with _erasing(connection):
        found = _named(connection, names, standing=False)
        for row in found:
            connection.execute(
                "DELETE FROM parts WHERE name = "
                "(SELECT key FROM entries WHERE id = ? AND kind = 'concept')",
                (row,),
            )
            connection.execute("DELETE FROM entries WHERE id = ?", (row,))
        _tidy(connection, len(found))
    return len(found)


def forget_of(
    connection: sqlite3.Connection, *, split: str | None = None, content: str | None = None
) -> int:
    """Erase what runs of a split, or with certain inputs, wrote; gives how much.

    Concepts that others have added to keep what the others added.
    """
    column, given = ("split", split) if content is None else ("content", content)
    value = None if given is None else encodable(given)
    with _erasing(connection):
        texts = connection.execute(
            f"DELETE FROM entries WHERE kind = 'text' AND {column} = ?", (value,)
        ).rowcount
        names = _names(connection, f"{column} = :it", value)
        gone = connection.execute(f"DELETE FROM parts WHERE {column} = ?", (value,)).rowcount
        for name in names:
            rebuild(connection, name)
        _tidy(connection, texts + gone)
    return texts + gone


def compact(connection: sqlite3.Connection, before: int, name: str) -> int:
    """Erase what no version from `before` on has; gives how much. Earlier ones cannot be read then.

    Raises `InputError` when there is no such version.
    """
    with _erasing(connection):
        check_version(connection, before, name)
        gone = sum(
            connection.execute(f"DELETE FROM {table} WHERE removed_in <= ?", (before,)).rowcount
            for table in ("entries", "parts")
        )
        connection.execute("UPDATE versions SET readable = 0 WHERE version < ?", (before,))
        _drop_vectors(connection)
    return gone


def _tidy(connection: sqlite3.Connection, erased: int) -> int:
    """Note in a new version how much was erased, and drop what nothing refers to."""
    if not erased:
        return newest(connection)
    _drop_vectors(connection)
    return begin_version(connection, Origin(), note=f"forgot {erased}", erased=erased)


def _drop_vectors(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM vectors WHERE digest NOT IN (SELECT digest FROM entries)")


@contextmanager
def _erasing(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """A transaction after which the bytes of what was deleted are gone from the file too.

    They stay in the log beside it while others use the file: emptying it would wait for these with
    the place of the only writer taken, and runs that end meanwhile could not write.
    """
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        yield
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    connection.execute("VACUUM")
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
