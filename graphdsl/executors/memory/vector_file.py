"""Vectors in a memory file: of which embedder, of which text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from graphdsl.executors.memory.connection import transaction
from graphdsl.executors.memory.vectors import Vectors


def load_vectors(connection: sqlite3.Connection, identity: str, known: Vectors) -> None:
    """Add what a file has beside the vectors that are known, where they are of one size."""
    row = connection.execute(
        "SELECT id FROM embedders WHERE identity = ? AND size = ?", (identity, known.size)
    ).fetchone()
    if row is None:
        return
    rows = connection.execute(
        "SELECT id, digest, vector FROM vectors WHERE embedder = ? AND id > ? ORDER BY id",
        (row[0], known.last),
    ).fetchall()
    if rows:
        known.add((digest, vector) for _, digest, vector in rows if len(vector) == 4 * known.size)
        known.last = rows[-1][0]


def keep_vectors(
    connection: sqlite3.Connection, identity: str, size: int, rows: Sequence[tuple[bytes, bytes]]
) -> None:
    """Write vectors; those that the embedder made in another size are dropped."""
    with transaction(connection):
        row = connection.execute(
            "SELECT id, size FROM embedders WHERE identity = ?", (identity,)
        ).fetchone()
        if row is not None and row[1] != size:
            connection.execute("DELETE FROM vectors WHERE embedder = ?", (row[0],))
            connection.execute("UPDATE embedders SET size = ? WHERE id = ?", (size, row[0]))
        elif row is None:
            row = connection.execute(
                "INSERT INTO embedders (identity, size) VALUES (?, ?) RETURNING id",
                (identity, size),
            ).fetchone()
        connection.executemany(
            "INSERT OR IGNORE INTO vectors (embedder, digest, vector) VALUES (?, ?, ?)",
            ((row[0], digest, vector) for digest, vector in rows),
        )
