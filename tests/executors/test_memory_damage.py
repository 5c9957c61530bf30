"""Memory files that were damaged, or are in use while they are cleaned."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import BackendError, InputError
from graphdsl.executors.memory.commit import newest
from graphdsl.executors.memory.entry import ConceptEntry, Entry
from graphdsl.executors.memory.history import compact, forget, forget_of, restore, stored, versions
from graphdsl.executors.memory.origin import Origin, View, view_of
from graphdsl.executors.memory.store import Store
from graphdsl.executors.memory.transfer import exported
from graphdsl.executors.memory.vectors import Vectors, new_vectors, to_bytes, unit
from graphdsl.ops.concepts import Concept

ALL = View(frozenset({"unlabelled", "search", "test"}))
SOME = view_of(["unlabelled", "search"], Origin("search", "c1", data=True))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A file with texts and concepts of two splits."""
    made = Store("lessons", tmp_path / "lessons.db")
    for number, split in enumerate(("search", "test", "search")):
        concept = Concept("gcd", "routine", cues=(f"cue {number}",))
        entries = [Entry(f"lesson {number}", "rule"), Entry("a word"), ConceptEntry(concept)]
        made.commit(entries, Origin(split, f"c{number}", f"r{number}"))
    return made


def read(store: Store, view: View = ALL) -> None:
    """All that a run reads."""
    snapshot = store.take()
    try:
        snapshot.docs(snapshot.by_words("lesson word cue", 9, snapshot.hidden(view)), view)
        snapshot.concepts(view)
        snapshot.texts_of(snapshot.texts()[0])
    finally:
        store.release(snapshot)


def look(store: Store) -> None:
    """All that the command line reads."""
    store.look(versions)
    store.look(lambda connection: stored(connection, newest(connection)))
    exported(store)


def damage(store: Store, statement: str) -> None:
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement)
        connection.commit()


def read_some(store: Store) -> None:
    """As a run that must not see all."""
    read(store, SOME)


@pytest.mark.parametrize("work", [read, read_some, look])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET text = x'00ff'",
        "UPDATE entries SET text = CAST(x'ff' AS TEXT)",
        "UPDATE parts SET body = '{'",
        "UPDATE parts SET body = '[]'",
        "UPDATE versions SET version = 9223372036854775807 WHERE version = 3",
    ],
)
def test_what_nobody_wrote_is_named_as_damage(
    store: Store, statement: str, work: Callable[[Store], None]
) -> None:
    if "parts" in statement:
        damage(store, statement.replace("parts", "entries") + " WHERE kind = 'concept'")
    damage(store, statement)
    with pytest.raises(InputError, match=r"memory `lessons`: `.*lessons\.db` is damaged"):
        work(store)


def test_a_damaged_name_in_a_message_of_sqlite_is_named_as_damage(store: Store) -> None:
    assert store.path is not None
    store.commit([])
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = store.path.read_bytes()
    data = data.replace(b"indexentry_by_key", b"indexentry_by_\xff\xff\xff")  # is quoted, since
    store.path.write_bytes(data.replace(b"entry_by_key ON", b"entry_by_key OX"))  # this is wrong
    with pytest.raises(InputError, match="is damaged"):
        read(store)


def test_any_bytes_are_read_or_refused(store: Store, tmp_path: Path) -> None:
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = store.path.read_bytes()
    chance = random.Random(0)
    works: list[Callable[[Store], Any]] = [
        read,
        look,
        lambda one: one.change(lambda c: restore(c, 1, "m")),
        lambda one: one.change(lambda c: forget_of(c, split="test")),
        lambda one: one.change(lambda c: forget(c, ["rule"])),
        lambda one: one.commit([ConceptEntry(Concept("gcd", "routine"))]),
    ]
    refused = 0
    for number in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 20, 300))):
            data[chance.randrange(100, len(data))] = chance.randrange(256)
        path = tmp_path / f"{number}.db"
        path.write_bytes(data)
        try:
            works[number % len(works)](Store("m", path))
        except (InputError, BackendError):
            refused += 1
    assert 0 < refused < 60


def test_a_vector_of_a_damaged_file_fits_nothing() -> None:
    for table in (Vectors(2), new_vectors(2)):
        good, bad = to_bytes([1.0, 0.0]), to_bytes([math.nan, 1.0])
        table.add([(b"a", bad), (b"b", good)])
        ranked = table.nearest(table.places([b"a", b"b"]), [1, 2], [1.0, 0.0], (), 2)
        assert ranked == [(2, 1.0), (1, 0.0)]
    assert list(unit([1e300, 0.0])) == [1.0, 0.0]


def forget_rule(connection: sqlite3.Connection) -> int:
    return forget(connection, ["rule"])


def compact_all(connection: sqlite3.Connection) -> int:
    return compact(connection, newest(connection), "lessons")


@pytest.mark.parametrize("clean", [forget_rule, compact_all])
def test_cleaning_a_file_that_a_run_reads_holds_up_no_writer(
    store: Store, clean: Callable[[sqlite3.Connection], int]
) -> None:
    """The log is emptied where that is possible now: who waits for it keeps all others waiting."""
    waits: list[int] = []
    reader = store.take()

    def watched(connection: sqlite3.Connection) -> int:
        def trace(statement: str) -> None:
            if "wal_checkpoint" in statement:
                waits.extend(connection.execute("PRAGMA busy_timeout").fetchone())

        connection.set_trace_callback(trace)
        return clean(connection)

    assert store.change(watched) > 0
    assert waits == [0]
    store.release(reader)
