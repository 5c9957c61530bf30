"""Concepts in a memory: merged by name at the commit, whoever writes at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphdsl.executors.memory import Recollection, Stores
from graphdsl.executors.memory.entry import ConceptEntry
from graphdsl.executors.memory.history import compact, forget, forget_of, restore
from graphdsl.executors.memory.origin import Origin, View
from graphdsl.executors.memory.store import Store
from graphdsl.ir.entities import LEARNING
from graphdsl.ops.concepts import Concept
from graphdsl.plan import MemorySpec

ALL = View(frozenset(LEARNING))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("ideas", tmp_path / "ideas.db")


def keep(store: Store, *concepts: Concept, content: str | None = None) -> int:
    origin = Origin(None, content, None)
    return store.commit([ConceptEntry(one) for one in concepts], origin)


def known(store: Store, version: int | None = None) -> list[Concept]:
    snapshot = store.take(version)
    found = snapshot.concepts(ALL)
    store.release(snapshot)
    return list(found)


def test_concepts_of_one_name_are_merged_in_the_order_of_their_commits(store: Store) -> None:
    keep(store, Concept("gcd", "routine", cues=("ratios",)), content="p1")
    keep(store, Concept("gcd", "routine", description="Euclid", cues=("primes",)), content="p2")
    keep(store, Concept("gcd", "structure", description="another"), content="p3")
    (found,) = known(store)
    assert found.kind == "routine"
    assert found.description == "Euclid"
    assert found.cues == ("ratios", "primes")
    assert found.used_in == ("p1", "p2", "p3")
    assert known(store, 1)[0].cues == ("ratios",)


def test_the_same_concept_of_the_same_problem_is_kept_once(store: Store) -> None:
    for _ in range(3):
        keep(store, Concept("gcd", "routine"), content="p1")
    assert known(store)[0].used_in == ("p1",)
    assert len(store.look(lambda c: c.execute("SELECT * FROM parts").fetchall())) == 1


async def test_two_runs_that_began_together_both_add_to_a_concept(store: Store) -> None:
    spec = MemorySpec("ideas", str(store.path))
    stores = Stores()
    async with (
        Recollection({"ideas": spec}, stores, Origin(content="p1")) as one,
        Recollection({"ideas": spec}, stores, Origin(content="p2")) as two,
    ):
        for number, recollection in enumerate((one, two)):
            found = Concept("gcd", "routine", cues=(f"cue {number}",))
            recollection.remember_concepts(spec, [found], ())
            assert await recollection.concepts(spec, "", 5) == ()
        await two.commit()
        await one.commit()
    assert known(store)[0].cues == ("cue 1", "cue 0")
    stores.close()


def test_processes_that_write_one_concept_lose_nothing(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from graphdsl.executors.memory.entry import ConceptEntry
from graphdsl.executors.memory.origin import Origin
from graphdsl.executors.memory.store import Store
from graphdsl.ops.concepts import Concept
store = Store("ideas", Path(sys.argv[1]))
for number in range(10):
    cue = f"{sys.argv[2]} {number}"
    store.commit([ConceptEntry(Concept("gcd", "routine", cues=(cue,)))], Origin(content=cue))
"""
    path = tmp_path / "ideas.db"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("ann", "bob")
    ]
    reader = Store("ideas", path)
    while any(writer.poll() is None for writer in writers):
        before = reader.take()
        seen = before.concepts(ALL)
        assert before.concepts(ALL) == seen
        reader.release(before)
    assert [writer.returncode for writer in writers] == [0, 0]
    (found,) = known(reader)
    assert len(found.cues) == len(found.used_in) == 20


async def test_of_too_many_concepts_those_that_fit_are_shown(store: Store) -> None:
    keep(store, *(Concept(f"idea {number}", "routine") for number in range(20)))
    keep(store, Concept("gcd", "routine", cues=("common divisors",)))
    spec = MemorySpec("ideas", str(store.path))
    async with Recollection({"ideas": spec}) as recollection:
        found = await recollection.concepts(spec, "which divisors?", 3)
    assert [one.name for one in found] == ["gcd", "idea 0", "idea 1"]


def test_concepts_go_back_with_their_version(store: Store) -> None:
    keep(store, Concept("gcd", "routine", cues=("ratios",)), content="p1")
    keep(store, Concept("gcd", "routine", cues=("primes",)), content="p2")
    store.change(lambda connection: restore(connection, 1, "ideas"))
    assert known(store)[0].cues == ("ratios",)
    keep(store, Concept("gcd", "routine", cues=("later",)), content="p3")
    assert known(store)[0].cues == ("ratios", "later")
    store.change(lambda connection: forget(connection, ["gcd"]))
    assert known(store) == known(store, 1) == []


def cues(store: Store, version: int | None = None) -> list[tuple[str, ...]]:
    return [one.cues for one in known(store, version)]


def test_what_others_added_stays_in_every_version_when_a_split_is_forgotten(store: Store) -> None:
    for split, cue in (("search", "one"), ("test", "secret"), ("search", "two")):
        store.commit([ConceptEntry(Concept("gcd", "routine", cues=(cue,)))], Origin(split))
    store.change(lambda c: restore(c, 1, "ideas"))
    before = [cues(store, version) for version in (1, 4)]
    assert store.change(lambda c: forget_of(c, split="test")) == 1
    found = [cues(store, version) for version in range(6)]
    one, both = [("one",)], [("one", "two")]
    assert found == [[], one, one, both, one, one]
    assert before == [one, one]
    store.change(lambda c: restore(c, 3, "ideas"))
    assert cues(store) == both
    assert store.path is not None
    assert b"secret" not in store.path.read_bytes()


def test_what_was_compacted_away_does_not_come_back_with_what_others_added(store: Store) -> None:
    for split, cue in (("search", "one"), ("test", "secret"), ("search", "two")):
        store.commit([ConceptEntry(Concept("gcd", "routine", cues=(cue,)))], Origin(split))
    store.change(lambda c: compact(c, 3, "ideas"))
    store.change(lambda c: forget_of(c, split="test"))
    rows = store.look(lambda c: c.execute("SELECT added_in, removed_in FROM entries").fetchall())
    assert rows == [(3, None)]
    assert cues(store) == [("one", "two")]


def test_a_concept_whose_part_stands_alone_is_made_anew(store: Store) -> None:
    """As files have it that an earlier graphdsl cleaned."""
    first, second = (Concept("gcd", "routine", cues=(cue,)) for cue in ("one", "two"))
    keep(store, first, content="p1")
    keep(store, second, content="p2")
    store.change(lambda c: c.execute("DELETE FROM entries"))
    keep(store, first, content="p1")
    assert cues(store) == [("one", "two")]
