"""A memory as it was at one moment, and what one run may see of it."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from graphdsl.executors.memory.commit import newest, whole_of
from graphdsl.executors.memory.connection import explained
from graphdsl.executors.memory.damage import NOTHING, Damaged, Kinds, checked
from graphdsl.executors.memory.encoding import encodable
from graphdsl.executors.memory.origin import View
from graphdsl.executors.memory.schema import LABEL
from graphdsl.executors.memory.vectors import Vectors
from graphdsl.ops.concept_texts import whole
from graphdsl.ops.concepts import Concept
from graphdsl.values import Doc

_MOST_WORDS: Final = 1000
"""Distinct words of a query that are looked for."""

_SEARCH: Final = """
SELECT rowid, -bm25(words) AS score FROM words
WHERE words MATCH ? AND rowid NOT IN (SELECT value FROM json_each(?))
ORDER BY score DESC, rowid LIMIT ?
"""

_STANDING: Final = "removed_in IS NULL"

Ranking = Sequence[tuple[int, float]]
"""Ids of entries with their scores, best first."""


class Snapshot:
    """Give it back to its store as often as it was taken. Any thread may use it.

    All that reads raises `InputError` where the file, that of the memory `name`, is damaged.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        epoch: int = 0,
        name: str = "",
        path: Path | None = None,
    ) -> None:
        self._name, self._path = name, path
        self.version = newest(connection)
        self.epoch = epoch
        self.users = 1
        self._lock = threading.RLock()
        self.aligned: dict[str, tuple[Vectors, Any]] = {}
        """By embedder: its vectors, and where in them those of the entries are."""
        self._connection = connection
        self._labels: frozenset[str] | None = None
        self._texts: tuple[list[int], list[bytes]] | None = None
        self._closed = weakref.finalize(self, connection.close)

    def by_words(self, query: str, top: int, hidden: Collection[int] = ()) -> Ranking:
        """The `top` entries that share a word with the query, by BM25 (Robertson & Zaragoza 2009)
        as FTS5 computes it over all entries; the oldest first on ties."""
        words = dict.fromkeys(re.findall(r"\w+", query.casefold()))
        if not words or top <= 0:
            return ()
        quoted = " OR ".join(f'"{encodable(word)}"' for word in list(words)[:_MOST_WORDS])
        given = quoted, json.dumps(list(hidden)), min(top, 2**31)
        return self._rows(_SEARCH, given, ((int,), (float,)))

    def hidden(self, view: View) -> frozenset[int]:
        """The entries that must not be seen. A concept is hidden when all of its parts are."""
        strange = self._strange(view)
        if not strange and view.content is None:
            return frozenset()
        where, given = _excluded(view, strange)
        texts = self._rows(
            f"SELECT id FROM entries WHERE kind = 'text' AND {_STANDING} AND ({where})", given
        )
        clipped = json.dumps(sorted(self._clipped(view)))
        concepts = self._rows(
            f"SELECT id FROM entries WHERE kind = 'concept' AND {_STANDING} "
            "AND key IN (SELECT value FROM json_each(?)) AND NOT EXISTS "
            f"(SELECT 1 FROM parts WHERE name = key AND {_STANDING} AND NOT ({where}))",
            (clipped, *given),
        )
        return frozenset(row[0] for row in (*texts, *concepts))

    def docs(self, ranking: Ranking, view: View) -> tuple[Doc, ...]:
        """The entries of a ranking; concepts hold what may be seen of them."""
        clipped = self._clipped(view)
        return tuple(self._doc(row, score, clipped, view) for row, score in ranking)

    def concepts(self, view: View, among: Iterable[int] | None = None) -> tuple[Concept, ...]:
        """The concepts by name, or those that have these ids, as far as they may be seen."""
        clipped, hidden = self._clipped(view), self.hidden(view)
        wanted = None if among is None else set(among)
        rows = self._rows(
            "SELECT id, key, body FROM entries WHERE kind = 'concept' AND removed_in IS NULL "
            "ORDER BY key",
            kinds=((int,), (str,), (str,)),
        )
        return tuple(
            self._seen(name, view) if name in clipped else self._concept([body])
            for row, name, body in rows
            if row not in hidden and (wanted is None or row in wanted)
        )

    def count(self, kind: str) -> int:
        """How many entries of a kind stand."""
        (row,) = self._rows(f"SELECT count(*) FROM entries WHERE kind = ? AND {_STANDING}", (kind,))
        return row[0]

    def texts(self) -> tuple[list[int], list[bytes]]:
        """Ids of all entries in order, and the digests of their texts."""
        with self._lock:
            if self._texts is None:
                rows = self._rows(
                    f"SELECT id, digest FROM entries WHERE {_STANDING} ORDER BY id",
                    kinds=((int,), (bytes,)),
                )
                self._texts = [row[0] for row in rows], [row[1] for row in rows]
            return self._texts

    def texts_of(self, rows: Sequence[int]) -> list[str]:
        """The texts of entries, in order."""
        given = json.dumps(rows)
        found = self._rows(
            "SELECT id, text FROM entries WHERE id IN (SELECT value FROM json_each(?))",
            (given,),
            ((int,), (str,)),
        )
        by_id = dict(found)
        with self._explained():
            if len(by_id) < len(set(rows)):
                raise Damaged
        return [by_id[row] for row in rows]

    def close(self) -> None:
        """Give the connection back; the snapshot cannot be searched any more."""
        with self._lock:
            self._closed()

    def _rows(
        self, statement: str, given: Sequence[Any] = (), kinds: Sequence[Kinds] | None = None
    ) -> list[Any]:
        with self._lock, self._explained():
            rows = self._connection.execute(statement, given).fetchall()
            return rows if kinds is None else [checked(row, kinds) for row in rows]

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._name, self._path)

    def _concept(self, bodies: Sequence[str]) -> Concept:
        """The concept of its parts, or of itself."""
        with self._explained():
            concept = whole_of(bodies)
            if concept is None:
                raise Damaged
            return concept

    def labels(self) -> frozenset[str]:
        """The labels of all entries: their splits, and `unlabelled`."""
        with self._lock:
            if self._labels is None:
                rows = self._rows(
                    f"SELECT {LABEL} FROM entries WHERE kind = 'text' AND {_STANDING} "
                    f"UNION SELECT {LABEL} FROM parts WHERE {_STANDING}",
                    kinds=((str,),),
                )
                self._labels = frozenset(row[0] for row in rows)
            return self._labels

    def _strange(self, view: View) -> frozenset[str]:
        """The labels of this memory that the view lacks."""
        return self.labels() - view.labels

    def _clipped(self, view: View) -> frozenset[str]:
        """The names of concepts of which something must not be seen."""
        strange = self._strange(view)
        if not strange and view.content is None:
            return frozenset()
        where, given = _excluded(view, strange)
        statement = f"SELECT DISTINCT name FROM parts WHERE {_STANDING} AND ({where})"
        return frozenset(row[0] for row in self._rows(statement, given, ((str,),)))

    def _seen(self, name: str, view: View) -> Concept:
        """A concept, merged anew from the parts that may be seen."""
        where, given = _excluded(view, self._strange(view))
        rows = self._rows(
            f"SELECT body FROM parts WHERE name = ? AND {_STANDING} AND NOT ({where}) ORDER BY id",
            (name, *given),
        )
        return self._concept([row[0] for row in rows])

    def _doc(self, row: int, score: float, clipped: Collection[str], view: View) -> Doc:
        found = self._rows(
            "SELECT kind, key, text FROM entries WHERE id = ?",
            (row,),
            ((str,), (str, NOTHING), (str,)),
        )
        with self._explained():
            if not found:  # the index of words has what there is not
                raise Damaged
        ((kind, key, text),) = found
        if kind == "concept" and key in clipped:
            text = whole(self._seen(key, view))
        return Doc(key if key is not None else str(row), text, score, {"key": key, "kind": kind})


def _excluded(view: View, strange: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """A condition on what must not be seen, and its values; it is never NULL."""
    parts: list[str] = []
    given: list[str] = []
    if view.content is not None:
        parts.append("content IS NOT NULL AND content = ?")
        given.append(view.content)
    if strange:
        parts.append(f"{LABEL} IN (SELECT value FROM json_each(?))")
        given.append(json.dumps(sorted(strange)))
    return " OR ".join(f"({part})" for part in parts), tuple(given)


def as_of(source: sqlite3.Connection, copy: sqlite3.Connection, version: int) -> None:
    """Copy what stood in a version into an empty memory."""
    stood = "added_in <= ? AND (removed_in IS NULL OR removed_in > ?)"
    for table, columns in _COPIED:
        rows = source.execute(
            f"SELECT {columns} FROM {table} WHERE {stood} ORDER BY id", (version, version)
        )
        marks = ", ".join("?" * (columns.count(",") + 1))
        copy.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    rows = source.execute(
        "SELECT version, created, note FROM versions WHERE version = ?", (version,)
    )
    copy.executemany("INSERT INTO versions (version, created, note) VALUES (?, ?, ?)", rows)


_COPIED: Final = (
    ("entries", "id, kind, key, text, body, digest, created, added_in, split, content, run"),
    ("parts", "id, name, body, added_in, split, content, run"),
)
"""What a version is made of; that something was removed later is left out."""
