"""Writing to a memory: one transaction is one version, whatever it holds."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce

from graphdsl.executors.memory.connection import transaction
from graphdsl.executors.memory.damage import Damaged, checked
from graphdsl.executors.memory.encoding import encodable
from graphdsl.executors.memory.entry import ConceptEntry, Entry, Written, digest
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.schema import LABEL
from graphdsl.ops.concept_reading import concept_of
from graphdsl.ops.concept_texts import whole
from graphdsl.ops.concepts import Concept, merged


def newest(connection: sqlite3.Connection) -> int:
    """The number of the last version; 0 for a memory that nobody has written to."""
    row = connection.execute("SELECT coalesce(max(version), 0) FROM versions").fetchone()
    (last,) = checked(row, ((int,),))
    return last


def commit(
    connection: sqlite3.Connection,
    entries: Sequence[Written],
    origin: Origin,
    token: str | None = None,
    note: str = "",
) -> int:
    """Add all entries in order, or none, as a new version; gives its number.

    A token that was applied before changes nothing and gives the version of then.
    """
    token = None if token is None else encodable(token)
    with transaction(connection):
        known = connection.execute(
            "SELECT version FROM versions WHERE token = ?", (token,)
        ).fetchone()
        if known is not None:
            return known[0]
        version = begin_version(connection, origin, token, note)
        for entry in entries:
            if isinstance(entry, Entry):
                _add_text(connection, entry, entry.origin or origin, version)
            else:
                _add_concept(connection, entry, entry.origin or origin, version)
        return version


def begin_version(
    connection: sqlite3.Connection,
    origin: Origin,
    token: str | None = None,
    note: str = "",
    erased: int = 0,
) -> int:
    """Make the next version, within a transaction."""
    version = newest(connection) + 1
    connection.execute(
        "INSERT INTO versions (version, created, token, run, split, note, erased) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (version, time.time(), token, origin.run, origin.split, note, erased),
    )
    return version


def _add_text(connection: sqlite3.Connection, entry: Entry, origin: Origin, version: int) -> None:
    key = None if entry.key is None else encodable(entry.key)
    if key is not None:
        connection.execute(
            "UPDATE entries SET removed_in = ? WHERE kind = 'text' AND key = ? "
            f"AND removed_in IS NULL AND {LABEL} = ?",
            (version, key, origin.label),
        )
    insert(connection, "text", key, encodable(entry.text), None, origin, version)


def _add_concept(
    connection: sqlite3.Connection, entry: ConceptEntry, origin: Origin, version: int
) -> None:
    """Merge a concept into the one that stands now: another run may have written it meanwhile."""
    concept = _used_by(entry.concept, origin)
    body = body_of(concept)
    name = encodable(concept.name)
    part = (name, body, origin.split, origin.content)
    same = "name = ? AND body = ? AND split IS ? AND content IS ? AND removed_in IS NULL"
    known = connection.execute(f"SELECT 1 FROM parts WHERE {same}", part).fetchone()
    row = connection.execute(
        "SELECT body FROM entries WHERE kind = 'concept' AND key = ? AND removed_in IS NULL",
        (name,),
    ).fetchone()
    if known and row:
        return
    if not known:
        connection.execute(
            "INSERT INTO parts (name, body, split, content, added_in, run) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (*part, version, origin.run),
        )
    if row:
        put_concept(connection, name, merged(read_body(row[0]), concept), version)
    else:
        renew_concept(connection, name, version)


def renew_concept(connection: sqlite3.Connection, name: str, version: int) -> None:
    """Let a concept stand as its standing parts make it; not at all where there are none."""
    rows = connection.execute(
        "SELECT body FROM parts WHERE name = ? AND removed_in IS NULL ORDER BY id", (name,)
    ).fetchall()
    put_concept(connection, name, whole_of(row[0] for row in rows), version)


def whole_of(bodies: Iterable[str]) -> Concept | None:
    """The concept of these parts, in order; None where there are none."""
    parts = map(read_body, bodies)
    first = next(parts, None)
    return None if first is None else reduce(merged, parts, first)


def put_concept(
    connection: sqlite3.Connection, name: str, concept: Concept | None, version: int
) -> None:
    """Let a concept, or none, stand instead of the one of its name."""
    connection.execute(
        "UPDATE entries SET removed_in = ? "
        "WHERE kind = 'concept' AND key = ? AND removed_in IS NULL",
        (version, name),
    )
    if concept is not None:
        text, body = encodable(whole(concept)), body_of(concept)
        insert(connection, "concept", name, text, body, Origin(), version)


def insert(
    connection: sqlite3.Connection,
    kind: str,
    key: str | None,
    text: str,
    body: str | None,
    origin: Origin,
    version: int,
    until: int | None = None,
) -> None:
    """Add one entry that stands from a version on, until another."""
    connection.execute(
        "INSERT INTO entries (kind, key, text, body, digest, created, added_in, removed_in, split, "
        "content, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            kind,
            key,
            text,
            body,
            digest(text),
            time.time(),
            version,
            until,
            origin.split,
            origin.content,
            origin.run,
        ),
    )


def _used_by(concept: Concept, origin: Origin) -> Concept:
    """A concept with the problem of its run among those that used it."""
    problem = origin.problem
    if problem is None or problem in concept.used_in:
        return concept
    return replace(concept, used_in=(*concept.used_in, problem))


def body_of(concept: Concept) -> str:
    """A concept as it is kept."""
    return encodable(json.dumps(concept.to_record(), ensure_ascii=False))


def read_body(body: str) -> Concept:
    """A concept that was kept. Raises `Damaged` for anything else."""
    try:
        concept = concept_of(json.loads(body))
    except (ValueError, TypeError, RecursionError) as error:
        raise Damaged from error
    if not isinstance(concept, Concept):
        raise Damaged
    return concept
