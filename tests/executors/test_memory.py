"""Memories: search, snapshots, commits, several processes, broken files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdsl.errors import BackendError, InputError, OperatorError
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import STANDARD, Operators
from graphdsl.executors.memory import Recollection, Stores, connection
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.origin import View
from graphdsl.executors.memory.snapshot import Snapshot
from graphdsl.executors.memory.store import Store
from graphdsl.executors.run_options import RunOptions
from graphdsl.ir.entities import LEARNING
from graphdsl.plan import MemorySpec, Program
from graphdsl.values import Doc
from tests.plans import Graph, serving


def file_store(folder: Path) -> Store:
    return Store("lessons", folder / "lessons.db")


def search(snapshot: Snapshot, query: str, top: int) -> tuple[Doc, ...]:
    return snapshot.docs(snapshot.by_words(query, top), View(frozenset(LEARNING)))


def found(store: Store, query: str, top: int = 10) -> list[str]:
    snapshot = store.take()
    texts = [doc.text for doc in search(snapshot, query, top)]
    store.release(snapshot)
    return texts


@pytest.fixture(params=["file", "process"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = file_store(tmp_path) if request.param == "file" else Store("lessons", None)
    yield made
    made.close()


def keep(store: Store, *texts: str, key: str | None = None) -> None:
    store.commit([Entry(text, key) for text in texts])


def test_the_best_match_comes_first(store: Store) -> None:
    keep(store, "the cat sat", "the dog ran", "a cat and a cat", "nothing else", "or more")
    assert found(store, "cat") == ["a cat and a cat", "the cat sat"]
    assert found(store, "cat dog", top=1) == ["the dog ran"]
    assert found(store, "cat", top=0) == []
    assert found(store, "zebra") == []


def test_scores_are_higher_for_better_matches(store: Store) -> None:
    keep(store, "cat cat cat", "cat and some other words", "x", "y", "z")
    snapshot = store.take()
    scores = [doc.score for doc in search(snapshot, "cat", 5)]
    store.release(snapshot)
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[1] > 0


def test_an_entry_of_the_same_key_is_replaced(store: Store) -> None:
    keep(store, "old rule", key="rule")
    keep(store, "new rule", key="rule")
    snapshot = store.take()
    docs = search(snapshot, "rule old new", 5)
    store.release(snapshot)
    assert [(doc.id, doc.text) for doc in docs] == [("rule", "new rule")]


def test_a_snapshot_does_not_see_what_is_committed_later(store: Store) -> None:
    keep(store, "first lesson")
    before = store.take()
    keep(store, "second lesson")
    assert [doc.text for doc in search(before, "lesson", 5)] == ["first lesson"]
    assert found(store, "lesson") == ["first lesson", "second lesson"]
    store.release(before)


def test_runs_between_two_commits_share_a_snapshot(store: Store) -> None:
    keep(store, "a lesson")
    first, second = store.take(), store.take()
    assert first is second
    store.release(first)
    assert [doc.text for doc in search(second, "lesson", 5)] == ["a lesson"]
    keep(store, "another lesson")
    third = store.take()
    assert third is not second
    store.release(second)
    store.release(third)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text() | st.text(alphabet='"*():^-+ANDORNOTNEAR{}text'))
def test_a_query_is_never_syntax(store: Store, query: str) -> None:
    found(store, query)


def test_words_of_the_query_language_are_only_words(store: Store) -> None:
    keep(store, "not this", "this AND that")
    assert found(store, 'NOT "') == ["not this"]
    assert found(store, "text:that*") == ["this AND that"]
    assert found(store, " ".join(f"word{number}" for number in range(5000)) + " this") == []
    assert found(store, "\ud800 this") == ["not this", "this AND that"]


def test_a_failed_commit_leaves_nothing(store: Store) -> None:
    keep(store, "good lesson")
    with pytest.raises(AttributeError):
        store.commit([Entry("half lesson", None), Entry(b"bytes", None)])  # pyright: ignore[reportArgumentType]
    assert found(store, "lesson half") == ["good lesson"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"memory `lessons`: the folder `.*none` does not exist"):
        file_store(tmp_path / "none").take()


def test_files_that_are_no_memory_are_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lessons.db"
    path.write_bytes(b"this is no database, whatever its name may say" * 100)
    with pytest.raises(InputError, match="is not a memory file"):
        Store("lessons", path).take()
    assert path.read_bytes().startswith(b"this is no database")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    with pytest.raises(InputError, match="another program's database"):
        Store("lessons", other).commit([Entry("x", None)])
    with pytest.raises(InputError, match="cannot be opened"):
        Store("lessons", tmp_path).take()


def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory in a folder where nothing can be written."""
    keep(file_store(folder), "a shipped lesson")

    def refused(_path: object, _mode: int) -> bool:
        return False

    monkeypatch.setattr("os.access", refused)
    return folder / "lessons.db"


def test_a_memory_that_cannot_be_written_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shipped(tmp_path, monkeypatch)
    before = path.read_bytes()
    assert found(Store("lessons", path), "lesson") == ["a shipped lesson"]
    assert found(Store("lessons", tmp_path / "missing.db"), "lesson") == []
    assert path.read_bytes() == before
    assert not (tmp_path / "missing.db").exists()


def test_writing_where_nothing_can_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store("lessons", shipped(tmp_path, monkeypatch))
    with pytest.raises(BackendError, match=r"memory `lessons`: .* cannot be written: .*read-only"):
        keep(store, "another lesson")
    assert found(store, "lesson") == ["a shipped lesson"]


def test_a_full_disk_is_no_fault_of_the_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may not grow beyond the pages that it has, as on a disk that is full."""
    store = file_store(tmp_path)
    keep(store, "a lesson")
    connect = connection.connect

    def full(path: str, **known: Any) -> sqlite3.Connection:
        small = connect(path, **known)
        small.execute("PRAGMA max_page_count = 1")
        return small

    monkeypatch.setattr(connection, "connect", full)
    with pytest.raises(BackendError, match="full"):
        keep(store, "word " * 10_000)
    assert found(store, "lesson") == ["a lesson"]


WRITER = """
import sys
from pathlib import Path
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.store import Store
store = Store("lessons", Path(sys.argv[1]))
for number in range(20):
    store.commit([Entry(f"lesson {number} of {sys.argv[2]}", None)])
"""


def test_several_processes_write_without_losing_anything(tmp_path: Path) -> None:
    path = str(tmp_path / "lessons.db")
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, name])
        for name in ("ann", "bob", "eve")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(found(file_store(tmp_path), "lesson", top=100)) == 60


def memory(path: Path | None = None) -> MemorySpec:
    return MemorySpec("lessons", None if path is None else str(path))


def remembering(spec: MemorySpec, *, broken: bool = False) -> Program:
    """A flow that keeps its input, and gives what it could recall before."""
    graph = Graph(("text",))
    kept = graph.step("remember", {"memory": spec}, text=graph.param("text"))
    docs = graph.step("recall", {"memory": spec, "top": 10}, query=graph.const("lesson"))
    ends = [kept, graph.step("texts", items=docs)]
    if broken:
        ends.append(graph.step("broken", of=kept))
    return graph.program(graph.listed(*ends), memories=[spec])


def _broken(_args: Any) -> Any:
    raise ZeroDivisionError


OPERATORS = Operators({**STANDARD.pure, "broken": _broken}, STANDARD.model)


@pytest.mark.parametrize("kind", ["file", "process"])
async def test_a_run_recalls_what_earlier_runs_kept_not_its_own(kind: str, tmp_path: Path) -> None:
    stores = Stores()
    program = remembering(memory(tmp_path / "m.db" if kind == "file" else None))
    recalled: list[Any] = []
    for text in ("lesson one", " ", "lesson two"):
        result = await execute(
            program, {"text": text}, backends=serving(), options=RunOptions(stores=stores)
        )
        recalled.append(result.output[1])
    assert recalled == [(), ("lesson one",), ("lesson one",)]
    stores.close()


async def test_a_run_that_fails_keeps_nothing() -> None:
    stores = Stores()
    broken = remembering(memory(), broken=True)
    with pytest.raises(OperatorError):
        await execute(
            broken,
            {"text": "lesson"},
            backends=serving(),
            options=RunOptions(stores=stores, operators=OPERATORS),
        )
    result = await execute(
        remembering(memory()), {"text": "x"}, backends=serving(), options=RunOptions(stores=stores)
    )
    assert result.output[1] == ()
    stores.close()


async def test_writes_are_kept_in_the_order_of_the_program() -> None:
    stores = Stores()
    spec = memory()
    async with Recollection({"lessons": spec}, stores) as recollection:
        recollection.remember(spec, "lesson late", "k", (2, 1))
        recollection.remember(spec, "lesson early", "k", (2, 0))
        await recollection.commit()
    assert found(stores.get(spec), "lesson") == ["lesson late"]
    stores.close()


async def test_a_memory_that_cannot_be_used_is_an_input_error(tmp_path: Path) -> None:
    program = remembering(memory(tmp_path / "none" / "m.db"))
    with pytest.raises(InputError, match="does not exist"):
        await execute(program, {"text": "x"}, backends=serving())
