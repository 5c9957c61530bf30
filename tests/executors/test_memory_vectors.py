"""Recalling by meaning: vectors are made once, kept by embedder and text, and searched exactly."""

from __future__ import annotations

import asyncio
import importlib.util
import math
import random
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl.errors import BackendError, BackendMissing, Unsupported
from graphdsl.executors.memory import Recollection, Stores, embedders, vectors
from graphdsl.executors.memory.embedders import Embedder, model_embedder, static_embedder
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.history import forget
from graphdsl.executors.memory.nearest import by_meaning
from graphdsl.executors.memory.origin import Origin, View
from graphdsl.executors.memory.ranking import search
from graphdsl.executors.memory.store import Store
from graphdsl.executors.memory.vectors import Vectors, new_vectors, to_bytes
from graphdsl.executors.simulated_vectors import vector
from graphdsl.ir.entities import LEARNING
from graphdsl.plan import MemorySpec, ModelSpec

ALL = View(frozenset(LEARNING))
needs_numpy = pytest.mark.skipif(
    importlib.util.find_spec("numpy") is None, reason="numpy is not installed"
)
needs_wordllama = pytest.mark.skipif(
    importlib.util.find_spec("wordllama") is None, reason="the extra `embeddings` is not installed"
)


class Spelling:
    """An embedder by spelling, which keeps what it was asked."""

    def __init__(self, identity: str = "spelling", seed: int = 0, size: int = 256) -> None:
        self.asked: list[str] = []
        self.calls = 0
        self.size = size
        self.seed = seed
        self.embedder = Embedder(identity, self.embed, batch=4)

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.calls += 1
        self.asked += texts
        await asyncio.sleep(0)
        return [vector(text, self.seed)[: self.size] for text in texts]


@pytest.fixture(params=["file", "process"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Store("m", tmp_path / "m.db" if request.param == "file" else None)
    yield made
    made.close()


@pytest.fixture(params=[pytest.param("numpy", marks=needs_numpy), "plain"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With numpy and without."""
    if request.param == "plain":
        without_numpy(monkeypatch)


def without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(vectors, "import_module", missing)


def keep(store: Store, *texts: str) -> None:
    store.commit([Entry(text) for text in texts])


async def near(
    store: Store, spelling: Spelling, query: str, top: int = 2, method: str = "embedding"
) -> list[str]:
    async def opened() -> Embedder:
        return spelling.embedder

    snapshot = store.take()
    try:
        docs = await search(store, snapshot, ALL, query, top, method, opened)
    finally:
        store.release(snapshot)
    return [doc.text for doc in docs]


@pytest.mark.usefixtures("table")
async def test_the_nearest_text_comes_first(store: Store) -> None:
    keep(store, "a red fox", "forty-two", "the red foxes", "nothing alike")
    assert await near(store, Spelling(), "red fox") == ["a red fox", "the red foxes"]
    assert await near(store, Spelling(), "red fox", top=0) == []
    assert len(await near(store, Spelling(), "red fox", top=99)) == 4


@pytest.mark.usefixtures("table")
async def test_a_text_is_embedded_once_for_all_runs(store: Store) -> None:
    spelling = Spelling()
    keep(store, *(f"text {number}" for number in range(9)), "text 1")
    found = await asyncio.gather(*(near(store, spelling, "text 1") for _ in range(5)))
    assert found == [["text 1", "text 1"]] * 5
    queries = spelling.asked.count("text 1")
    assert queries == 6  # five queries and one entry
    assert len(spelling.asked) == 5 + 9
    keep(store, "text 10")
    await near(store, spelling, "text 1")
    assert spelling.asked[-2:] == ["text 1", "text 10"]


async def test_vectors_stay_in_the_file(tmp_path: Path) -> None:
    keep(Store("m", tmp_path / "m.db"), "one", "two")
    await near(Store("m", tmp_path / "m.db"), Spelling(), "one")
    again = Spelling()
    assert await near(Store("m", tmp_path / "m.db"), again, "one", top=1) == ["one"]
    assert again.asked == ["one"]


async def test_vectors_of_two_embedders_are_never_mixed(store: Store) -> None:
    keep(store, "one", "two", "three")
    first, second = Spelling("first"), Spelling("second", seed=7)
    assert await near(store, first, "two", top=1) == ["two"]
    assert await near(store, second, "two", top=1) == ["two"]
    assert second.asked == ["two", "one", "two", "three"]
    await near(store, first, "two")
    assert first.asked == ["two", "one", "two", "three", "two"]


async def test_an_embedder_that_gives_another_size_begins_anew(tmp_path: Path) -> None:
    store = Store("m", tmp_path / "m.db")
    keep(store, "one", "two")
    await near(store, Spelling(), "two")
    smaller = Spelling(size=200)
    assert await near(store, smaller, "two", top=1) == ["two"]
    assert smaller.asked == ["two", "one", "two"]
    other = Spelling(size=200)
    await near(Store("m", tmp_path / "m.db"), other, "two")
    assert other.asked == ["two"]


async def test_vectors_of_forgotten_texts_are_erased(tmp_path: Path) -> None:
    store = Store("m", tmp_path / "m.db")
    keep(store, "one", "two")
    await near(store, Spelling(), "two")
    store.change(lambda connection: forget(connection, ["1"]))
    count = "SELECT count(*) FROM vectors"
    assert store.look(lambda connection: connection.execute(count).fetchone()) == (1,)
    keep(store, "three")
    assert await near(store, Spelling(), "three", top=1) == ["three"]


async def test_a_read_only_memory_is_embedded_for_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(Store("m", tmp_path / "m.db"), "one", "two")

    def refused(_path: object, _mode: int) -> bool:
        return False

    monkeypatch.setattr("os.access", refused)
    store, spelling = Store("m", tmp_path / "m.db"), Spelling()
    before = (tmp_path / "m.db").read_bytes()
    for _ in range(2):
        assert await near(store, spelling, "one", top=1) == ["one"]
    assert spelling.asked == ["one", "one", "two", "one"]
    assert (tmp_path / "m.db").read_bytes() == before


async def test_an_empty_memory_asks_nobody(store: Store) -> None:
    spelling = Spelling()
    assert await near(store, spelling, "one", method="hybrid") == []
    assert spelling.calls == 0


async def test_both_rankings_count_in_a_hybrid_one(store: Store) -> None:
    keep(store, "fox", "foxes and hens", "the fox is a red animal", "unlike")
    assert await near(store, Spelling(), "foxes", top=3, method="hybrid") == [
        "foxes and hens",
        "fox",
        "the fox is a red animal",
    ]


@pytest.mark.parametrize("reply", [[], [[1.0]], [[1.0], [1.0, 2.0], [0.0]]])
async def test_vectors_that_do_not_fit_are_an_error(store: Store, reply: list[Any]) -> None:
    keep(store, "one", "two")

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [[1.0]] if texts == ["query"] and reply else reply

    snapshot = store.take()
    with pytest.raises(BackendError, match="`odd` gave vectors that do not fit its texts"):
        await by_meaning(store, snapshot, Embedder("odd", embed), "query", (), 2)
    store.release(snapshot)


async def test_hidden_entries_are_not_found(store: Store) -> None:
    store.commit([Entry("a red fox")], Origin("certificate"))
    store.commit([Entry("the red foxes")])
    assert await near(store, Spelling(), "a red fox", top=5) == ["the red foxes"]
    assert await near(store, Spelling(), "a red fox", top=5, method="hybrid") == ["the red foxes"]


ROWS = st.lists(
    st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), min_size=1, max_size=20
)


def filled(make: Callable[[int], Vectors], rows: Sequence[Sequence[float]]) -> Vectors:
    made = make(3)
    for number, row in enumerate(rows):
        made.add([(bytes([number]), to_bytes(row))])
    return made


@needs_numpy
@settings(deadline=None)
@given(ROWS, st.sets(st.integers(1, 20)), st.integers(1, 20))
def test_numpy_and_plain_python_agree(rows: list[list[float]], hidden: set[int], top: int) -> None:
    ids = list(range(1, len(rows) + 1))
    hidden &= set(ids)
    digests = [bytes([number]) for number in range(len(rows))]
    found: list[list[tuple[int, float]]] = []
    for make in (new_vectors, Vectors):
        made = filled(make, rows)
        found.append(made.nearest(made.places(digests), ids, [1.0, 0.5, -0.25], hidden, top))
    one, other = found
    assert len(one) == len(other) == min(top, len(ids) - len(hidden))
    assert not hidden & {row for row, _ in one}
    assert all(math.isclose(a, b, abs_tol=1e-5) for (_, a), (_, b) in zip(one, other, strict=True))


@pytest.mark.usefixtures("table")
async def test_ten_thousand_entries_are_searched_exactly(tmp_path: Path) -> None:
    store = Store("m", tmp_path / "m.db")
    draw = random.Random(3)
    keep(store, *(f"entry {number}" for number in range(10_000)))
    made = {f"entry {n}": [draw.gauss(0, 1) for _ in range(8)] for n in range(10_000)}
    made["query"] = [1.0] * 8

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return [made[text] for text in texts]

    snapshot = store.take()
    found = await by_meaning(store, snapshot, Embedder("drawn", embed, 5000), "query", {7, 8}, 5)
    texts = snapshot.texts_of([row for row, _ in found])
    store.release(snapshot)

    def cosine(text: str) -> float:
        return sum(made[text]) / math.hypot(*made[text])

    assert texts == sorted(made.keys() - {"query", "entry 6", "entry 7"}, key=cosine)[::-1][:5]


# ---- where vectors come from


async def test_a_model_is_called_through_the_run() -> None:
    model = ModelSpec("e", "simulated", "", {})
    asked: list[Any] = []

    async def embeds(spec: ModelSpec, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        asked.append((spec, *texts))
        return [vector(text, 0) for text in texts]

    spec, stores = MemorySpec("m", None, {"embed": model}), Stores()
    keep(stores.get(spec), "a red fox", "forty-two")
    async with Recollection({"m": spec}, stores) as memory:
        docs = await memory.recall(spec, "red fox", 1, "embedding", embeds)
        assert [doc.text for doc in docs] == ["a red fox"]
        with pytest.raises(Unsupported, match="`e` does not have `embeddings of memories`"):
            await memory.recall(spec, "red fox", 1, "hybrid")
    assert asked == [(model, "red fox"), (model, "a red fox", "forty-two")]
    stores.close()


def test_equal_models_have_equal_vectors_whatever_they_are_called() -> None:
    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        raise AssertionError

    def identity(name: str, seed: int) -> str:
        return model_embedder(ModelSpec(name, "simulated", "", {"seed": seed}), embed).identity

    assert identity("a", 1) == identity("b", 1) != identity("b", 2)


async def test_without_the_extra_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere(_name: str) -> None:
        return None

    monkeypatch.setattr(embedders, "find_spec", nowhere)
    embedders.forget_files()
    spec, stores = MemorySpec("m", None), Stores()
    keep(stores.get(spec), "one")
    async with Recollection({"m": spec}, stores) as memory:
        with pytest.raises(BackendMissing, match=r"pip install 'graphdsl-tts\[embeddings\]'"):
            await memory.recall(spec, "one", 1, "embedding")
    stores.close()


@needs_wordllama
async def test_static_embeddings_work_without_a_network(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    embedders.forget_files()
    keep(store, "the physician treated her patient", "stocks fell on Monday", "a cup of tea", "")
    embedder = await static_embedder()
    snapshot = store.take()
    found = await by_meaning(store, snapshot, embedder, "a doctor healed the sick", (), 4)
    best = snapshot.texts_of([found[0][0]])
    store.release(snapshot)
    assert best == ["the physician treated her patient"]
    assert embedder.identity.startswith("wordllama:l2_supercat_256:")
    assert {len(one) for one in await embedder.embed(["x", "", "\ud800"])} == {256}
    assert list(await embedder.embed([])) == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [0, 1])
async def test_vectors_of_anything_but_numbers_are_refused_and_not_kept(
    store: Store, number: float, where: int
) -> None:
    """In those of the query, and of the entries."""

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        is_query = texts == ["query"]
        return [[1.0, number if is_query == (where == 0) else 0.0] for _ in texts]

    keep(store, "a text")
    snapshot = store.take()
    with pytest.raises(BackendError, match="`odd` gave vectors that are not all finite numbers"):
        await by_meaning(store, snapshot, Embedder("odd", embed), "query", (), 1)
    store.release(snapshot)
    assert store.vectors("odd", 2).missing([b"x"]) == [b"x"]
    assert not store.look(lambda c: c.execute("SELECT count(*) FROM vectors").fetchone()[0])
