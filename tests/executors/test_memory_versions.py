"""Versions of a memory: reading earlier ones, going back, forgetting, older files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from graphdsl.errors import BackendError, InputError
from graphdsl.executors.memory import Recollection, Stores
from graphdsl.executors.memory.commit import newest
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.history import (
    compact,
    forget,
    forget_of,
    remove,
    restore,
    stored,
    versions,
)
from graphdsl.executors.memory.origin import Origin, View
from graphdsl.executors.memory.schema import APPLICATION, OLDEST, SCHEMA
from graphdsl.executors.memory.store import Store
from graphdsl.ir.entities import LEARNING
from graphdsl.plan import MemorySpec
from graphdsl.values import Doc

ALL = View(frozenset({*LEARNING, "train", "certificate"}))
Found = TypeVar("Found")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("lessons", tmp_path / "lessons.db")


def docs(store: Store, query: str, version: int | None = None) -> tuple[Doc, ...]:
    snapshot = store.take(version)
    found = snapshot.docs(snapshot.by_words(query, 100), ALL)
    store.release(snapshot)
    return found


def texts(store: Store, version: int | None = None) -> list[str]:
    at = store.look(newest) if version is None else version
    return [one.text for one in store.look(lambda connection: stored(connection, at))]


def keep(store: Store, *lessons: str, key: str | None = None, **more: Any) -> int:
    return store.commit([Entry(text, key) for text in lessons], **more)


def test_every_commit_is_a_version_that_ranks_as_it_did_then(store: Store) -> None:
    then: list[tuple[Doc, ...]] = [()]
    for text in ("the cat sat", "a cat and a cat", "cat cat dog", "no pet"):
        keep(store, text, key="last" if "dog" in text else None)
        then.append(docs(store, "cat dog"))
    keep(store, "the last one", key="last")
    assert [docs(store, "cat dog", version) for version in range(5)] == then
    assert [doc.text for doc in docs(store, "dog", 4)] == ["cat cat dog"]
    assert docs(store, "dog", 5) == ()


def test_a_fixed_version_is_read_once(store: Store) -> None:
    keep(store, "a lesson")
    first = store.take(1)
    store.release(first)
    keep(store, "another lesson")
    assert store.take(1) is first
    store.close()


def test_versions_say_who_wrote_what(store: Store) -> None:
    keep(store, "one", "two", key="k", origin=Origin("search", "hash", "run-1"))
    keep(store, "three", note="by hand")
    last, first = store.look(versions)
    assert (first.number, first.run, first.split, first.added, first.removed) == (
        1,
        "run-1",
        "search",
        2,
        1,
    )
    assert (last.number, last.note, last.added) == (2, "by hand", 1)


@pytest.mark.parametrize("version", [-1, 3])
def test_a_version_that_there_is_not_is_named(store: Store, version: int) -> None:
    keep(store, "one")
    keep(store, "two")
    with pytest.raises(InputError, match=rf"no version {version}; its newest is 2"):
        store.take(version)


def test_restoring_makes_a_new_version(store: Store) -> None:
    keep(store, "old rule", key="rule")
    keep(store, "new rule", key="rule")
    keep(store, "a lesson")
    assert store.change(lambda c: restore(c, 1, "lessons")) == 4
    assert texts(store) == ["old rule"]
    assert [doc.text for doc in docs(store, "rule lesson")] == ["old rule"]
    assert texts(store, 3) == ["new rule", "a lesson"]
    keep(store, "newest rule", key="rule")
    assert texts(store) == ["newest rule"]


def test_what_is_removed_stays_in_earlier_versions(store: Store) -> None:
    keep(store, "secret plan", key="plan")
    keep(store, "no key")
    assert store.change(lambda c: remove(c, ["plan", "2", "nobody"])) == [1, 2]
    assert texts(store) == []
    assert texts(store, 2) == ["secret plan", "no key"]
    assert store.change(lambda c: remove(c, ["plan"])) == []
    assert store.look(newest) == 3


def test_what_is_forgotten_is_in_no_version_nor_in_the_file(tmp_path: Path, store: Store) -> None:
    keep(store, "secretword of the plan", key="plan")
    keep(store, "another secretword", key="plan")
    keep(store, "harmless")
    assert [doc.text for doc in docs(store, "secretword", 1)] == ["secretword of the plan"]
    assert store.change(lambda c: forget(c, ["plan"])) == 2
    here = ["harmless"]
    assert [texts(store, version) for version in range(5)] == [[], [], [], here, here]
    assert docs(store, "secretword", 1) == ()
    for path in tmp_path.iterdir():
        assert b"secretword" not in path.read_bytes(), path
    assert store.look(versions)[0].erased == 2


def test_what_runs_of_a_split_wrote_can_be_forgotten(store: Store) -> None:
    keep(store, "from search", origin=Origin("search", "a"))
    keep(store, "from certificate", origin=Origin("certificate", "b"))
    assert store.change(lambda c: forget_of(c, split="certificate")) == 1
    assert store.change(lambda c: forget_of(c, content="nobody")) == 0
    assert texts(store) == ["from search"]
    assert texts(store, 2) == ["from search"]
    assert store.look(newest) == 3


def test_versions_that_were_compacted_away_are_named(store: Store) -> None:
    for number in range(4):
        keep(store, f"rule {number}", key="rule")
    assert store.change(lambda c: compact(c, 3, "lessons")) == 2
    assert [texts(store, version) for version in (3, 4)] == [["rule 2"], ["rule 3"]]
    with pytest.raises(InputError, match=r"version 2 .* compacted away; the oldest .* is 3"):
        store.take(2)
    with pytest.raises(InputError, match="has no version 9"):
        store.change(lambda c: compact(c, 9, "lessons"))


async def test_a_frozen_memory_is_read_as_it_was_and_takes_nothing(store: Store) -> None:
    keep(store, "first lesson")
    keep(store, "second lesson")
    frozen = MemorySpec("past", str(store.path), {"version": 1})
    current = MemorySpec("lessons", str(store.path))
    stores = Stores()
    async with Recollection({"past": frozen, "lessons": current}, stores) as memory:
        assert [doc.text for doc in await memory.recall(frozen, "lesson", 5)] == ["first lesson"]
        assert len(await memory.recall(current, "lesson", 5)) == 2
        refused = memory.remember(frozen, "third lesson", None, ())
        assert refused == "not kept: memory `past` is frozen at version 1"
        await memory.commit()
    assert store.look(newest) == 2
    stores.close()


async def test_a_run_that_is_resumed_after_its_commit_writes_nothing_twice(store: Store) -> None:
    spec = MemorySpec("lessons", str(store.path))
    for _ in range(2):
        async with Recollection({"lessons": spec}) as memory:
            memory.remember(spec, "only once", None, ())
            await memory.commit(token="run-1")
    assert texts(store) == ["only once"]
    assert keep(store, "again", token="run-1") == 1
    assert keep(store, "again", token="run-2") == 2


def test_two_processes_with_one_token_write_once(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.store import Store
Store("lessons", Path(sys.argv[1])).commit([Entry("only once")], token="run-1")
"""
    path = tmp_path / "lessons.db"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert texts(Store("lessons", path)) == ["only once"]


# ---- files of other times


def old_file(path: Path, *lessons: tuple[str | None, str]) -> None:
    """A memory as the first schema had it, after three commits."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"""
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, text TEXT NOT NULL, created REAL NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5(text, content='entries', content_rowid='id');
CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
END;
PRAGMA application_id = {OLDEST};
PRAGMA user_version = 3;
PRAGMA journal_mode = WAL;
""")
        connection.executemany("INSERT INTO entries (key, text, created) VALUES (?, ?, 1)", lessons)
        connection.commit()


def test_a_file_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "lessons.db"
    old_file(path, ("k", "an old cat"), (None, "an old dog"))
    store = Store("lessons", path)
    assert [(doc.id, doc.text) for doc in docs(store, "cat")] == [("k", "an old cat")]
    assert store.look(versions)[0].note == "from an older file"
    keep(store, "a new cat", key="k")
    assert texts(store) == ["an old dog", "a new cat"]
    assert [doc.text for doc in docs(store, "cat", 1)] == ["an old cat"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


def test_an_old_file_that_cannot_be_written_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lessons.db"
    old_file(path, (None, "an old cat"))
    before = path.read_bytes()

    def refused(_path: object, _mode: int) -> bool:
        return False

    monkeypatch.setattr("os.access", refused)
    assert [doc.text for doc in docs(Store("lessons", path), "cat")] == ["an old cat"]
    assert path.read_bytes() == before


def test_several_processes_may_find_an_old_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lessons.db"
    old_file(path, (None, "an old cat"))
    code = """
import sys
from pathlib import Path
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.store import Store
Store("lessons", Path(sys.argv[1])).commit([Entry("a new cat")])
"""
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert texts(Store("lessons", path)) == ["an old cat"] + ["a new cat"] * 3


def test_a_file_of_a_newer_schema_is_refused_and_left_alone(store: Store) -> None:
    keep(store, "from the future")
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(InputError, match=r"written by a newer graphdsl .* update this one"):
        store.take()
    with pytest.raises(InputError, match="newer graphdsl"):
        keep(store, "no")


@pytest.mark.parametrize("size", [100, 4096, 9000])
def test_a_file_that_was_cut_off_is_an_error_that_says_so(store: Store, size: int) -> None:
    keep(store, *(f"lesson {number}" for number in range(500)))
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.path.write_bytes(store.path.read_bytes()[:size])
    with pytest.raises((InputError, BackendError), match=r"memory `lessons`: .*lessons\.db"):
        docs(store, "lesson")


# ---- any history


class Histories(RuleBasedStateMachine):
    """A store beside a list of what each version should hold."""

    keys = st.sampled_from([None, "a", "b"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store("lessons", Path(self.folder.name) / "lessons.db")
        self.versions: list[list[tuple[str | None, str]]] = [[]]
        self.oldest = 0
        self.count = 0

    def do(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        return self.store.change(work)

    @rule(keys=st.lists(keys, min_size=1, max_size=3))
    def commit(self, keys: list[str | None]) -> None:
        entries: list[Entry] = []
        now = list(self.versions[-1])
        for key in keys:
            self.count += 1
            entries.append(Entry(f"word{self.count}", key))
            now = [one for one in now if key is None or one[0] != key]
            now.append((key, f"word{self.count}"))
        assert self.store.commit(entries) == len(self.versions)
        self.versions.append(now)

    @rule(key=st.sampled_from(["a", "b"]))
    def remove(self, key: str) -> None:
        if self.do(lambda c: remove(c, [key])):
            self.versions.append([one for one in self.versions[-1] if one[0] != key])

    @rule(key=st.sampled_from(["a", "b"]))
    def forget(self, key: str) -> None:
        if self.do(lambda c: forget(c, [key])):
            self.versions.append(self.versions[-1])
            self.versions = [[one for one in then if one[0] != key] for then in self.versions]

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(self.oldest, len(self.versions) - 1))
        if version == 0 and self.oldest:
            return
        self.do(lambda c: restore(c, version, "lessons"))
        self.versions.append(self.versions[version])

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        if len(self.versions) > 1:
            oldest = data.draw(st.integers(max(1, self.oldest), len(self.versions) - 1))
            self.do(lambda c: compact(c, oldest, "lessons"))
            self.oldest = oldest

    @invariant()
    def every_version_holds_what_it_held(self) -> None:
        assert self.store.look(newest) == len(self.versions) - 1
        for version in range(self.oldest, len(self.versions)):
            found = self.store.look(lambda c, v=version: stored(c, v))
            expected = sorted(self.versions[version], key=str)
            assert sorted(((one.key, one.text) for one in found), key=str) == expected

    @invariant()
    def words_are_found_where_they_stand(self) -> None:
        query = " ".join(f"word{number + 1}" for number in range(self.count))
        for version in (None, self.oldest):
            expected = self.versions[-1 if version is None else version]
            found = docs(self.store, query, version)
            assert sorted(doc.text for doc in found) == sorted(text for _, text in expected)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
