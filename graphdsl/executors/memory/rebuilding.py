"""Concepts made anew from their parts, after some of these were erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Final

from graphdsl.executors.memory.commit import body_of, insert, read_body
from graphdsl.executors.memory.damage import NOTHING, checked
from graphdsl.executors.memory.encoding import encodable
from graphdsl.executors.memory.origin import Origin
from graphdsl.ops.concept_texts import whole
from graphdsl.ops.concepts import Concept, merged

_PART: Final = ((str,), (int,), (int, NOTHING))

Part = tuple[Concept, int, int | None]
"""What one run added, the version that added it, and the first one without it."""


def rebuild(connection: sqlite3.Connection, name: str) -> None:
    """Let a concept be what its parts make it, in every version that can be read."""
    connection.execute("DELETE FROM entries WHERE kind = 'concept' AND key = ?", (name,))
    found = connection.execute(
        "SELECT body, added_in, removed_in FROM parts WHERE name = ? ORDER BY id", (name,)
    )
    rows = [checked(row, _PART) for row in found.fetchall()]
    row = connection.execute("SELECT coalesce(min(version), 0) FROM versions WHERE readable")
    (oldest,) = checked(row.fetchone(), ((int,),))
    for concept, since, until in _forms([(read_body(row[0]), *row[1:]) for row in rows]):
        if until is None or until > oldest:
            text, body = encodable(whole(concept)), body_of(concept)
            insert(connection, "concept", name, text, body, Origin(), since, until)


def _forms(parts: list[Part]) -> Iterator[tuple[Concept, int, int | None]]:
    """The concept from each change of its parts until the next, where there is one."""
    concept: Concept | None = None
    for since, until in _spans(one for part in parts for one in part[1:]):
        if any(gone == since for _, _, gone in parts):
            concept = None
            some = (one for one, added, gone in parts if added <= since and not _over(gone, since))
        else:  # the parts of before still stand, and come first
            some = (one for one, added, gone in parts if added == since and not _over(gone, since))
        for one in some:
            concept = one if concept is None else merged(concept, one)
        if concept is not None:
            yield concept, since, until


def _over(gone: int | None, version: int) -> bool:
    return gone is not None and gone <= version


def _spans(changes: Iterable[int | None]) -> list[tuple[int, int | None]]:
    """From each change to the next; the last one lasts.

    >>> _spans([4, None, 1, 4])
    [(1, 4), (4, None)]
    """
    known = sorted({one for one in changes if one is not None})
    return list(zip_longest(known, known[1:]))
