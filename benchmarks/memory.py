"""What a memory of many entries takes: commits, searches by words and by meaning, recalls by runs.

Searching by meaning is set beside the same product and partial sort in bare numpy, on the same
vectors, interleaved. Ends with status 1 when it takes more than BAR times as long.

    python benchmarks/memory.py [--entries 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

import numpy

from graphdsl.executors.memory import Recollection, Stores
from graphdsl.executors.memory.embedders import Embedder, static_embedder
from graphdsl.executors.memory.entry import Entry
from graphdsl.executors.memory.nearest import by_meaning
from graphdsl.executors.memory.origin import View, origin_of
from graphdsl.executors.memory.store import Store
from graphdsl.executors.memory.vectors import Vectors, to_bytes
from graphdsl.ir.entities import LEARNING
from graphdsl.plan import MemorySpec

BAR = 2.0
SIZE = 256
TOP = 10
QUERY = "word0 word3 word50 word700 word9000 word77"
ROUNDS = 15
WORDS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "prime",
    "ratio",
    "divisor",
    "angle",
    "triangle",
    "circle",
    "proof",
    "lemma",
    "sum",
]
ALL = View(frozenset(LEARNING))


def median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median seconds of some runs, after one that does not count."""
    work()
    return statistics.median(timed(work) for _ in range(rounds))


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def lessons(count: int) -> list[Entry]:
    """Entries of a dozen words, some frequent, most rare; each is of one data item."""
    draw = random.Random(7)
    words = [f"word{number}" for number in range(20_000)]
    often = list(accumulate(1 / (number + 1) for number in range(len(words))))  # Zipf
    return [
        Entry(
            f"lesson {number} " + " ".join(draw.choices(words, cum_weights=often, k=12)),
            None,
            origin_of({"q": number}, split="search"),
        )
        for number in range(count)
    ]


def drawn(seed: int = 3) -> Embedder:
    """Vectors without a model: random ones."""
    generator = numpy.random.default_rng(seed)

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return generator.standard_normal((len(texts), SIZE)).tolist()

    return Embedder("drawn", embed, 2000)


def report(what: str, seconds: float, more: str = "") -> None:
    """One line."""
    print(f"{what:<44} {seconds * 1e3:>10.2f} ms  {more}")


async def measure(folder: Path, entries: int) -> float:
    """Everything; gives the ratio to bare numpy."""
    store = Store("m", folder / "m.db")
    whole = lessons(entries)
    report(f"commit of {entries:,} entries", timed(lambda: store.commit(whole)))
    report("commit of one entry", median(lambda: store.commit([Entry("one more lesson")])))
    report("snapshot", median(lambda: store.release(store.take())))
    snapshot = store.take()
    words = median(lambda: snapshot.by_words(QUERY, TOP))
    report("search by words", words)
    view = View(ALL.labels, origin_of({"q": 7}, item="7").content)
    report("what one item may not see", median(lambda: snapshot.hidden(view)))
    embedder = drawn()
    start = time.perf_counter()
    await by_meaning(store, snapshot, embedder, "query", (), TOP)
    report("first search by meaning: all vectors", time.perf_counter() - start)
    ratio = beside_numpy(store, snapshot.texts(), entries)
    await whole_recall(folder / "m.db", store)
    store.release(snapshot)
    return ratio


def beside_numpy(store: Store, texts: tuple[list[int], list[bytes]], entries: int) -> float:
    """Search by meaning and the same in bare numpy, in turn."""
    vectors = store.vectors("drawn", SIZE)
    ids, digests = texts
    places = vectors.places(digests)
    query = numpy.random.default_rng(5).standard_normal(SIZE).astype("float32")
    matrix = numpy.random.default_rng(9).standard_normal((len(ids), SIZE)).astype("float32")

    def bare() -> object:
        scores = matrix @ query
        best = numpy.argpartition(-scores, TOP)[:TOP]
        return best[numpy.argsort(-scores[best])]

    def ours() -> object:
        return vectors.nearest(places, ids, query.tolist(), (), TOP)

    timed(bare)
    timed(ours)
    pairs = [(timed(bare), timed(ours)) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / other for other, mine in pairs)
    report(f"bare numpy, {entries:,} × {SIZE}", statistics.median(one for one, _ in pairs))
    report("search by meaning", statistics.median(two for _, two in pairs), f"ratio {ratio:.2f}")
    plain = Vectors(SIZE)
    few = min(10_000, entries)
    plain.add((digest, to_bytes(row)) for digest, row in zip(digests, matrix[:few], strict=False))
    at = plain.places(digests[:few])
    slow = median(lambda: plain.nearest(at, ids[: len(at)], query.tolist(), (), TOP), 3)
    report(f"the same in plain Python, {len(at):,} entries", slow)
    return ratio


async def whole_recall(path: Path, store: Store) -> None:
    """A run that recalls once: snapshot, what it may see, search, texts."""
    spec, stores = MemorySpec("m", str(path)), Stores()
    held = stores.get(spec)
    kept = held.take()

    async def once() -> None:
        origin = origin_of({"q": 7}, item="7")
        async with Recollection({"m": spec}, stores, origin) as memory:
            await memory.recall(spec, QUERY, 4)

    await once()
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await once()
        times.append(time.perf_counter() - start)
    report("a run's recall by words, all in all", statistics.median(times))
    held.release(kept)
    stores.close()


async def static(count: int) -> None:
    """The static embeddings, where they are installed."""
    start = time.perf_counter()
    embedder = await static_embedder()
    report("static embeddings: loading", time.perf_counter() - start)
    texts = [entry.text for entry in lessons(count)]
    start = time.perf_counter()
    await embedder.embed(texts)
    seconds = time.perf_counter() - start
    report(f"static embeddings of {count:,} texts", seconds, f"{count / seconds:,.0f} per second")


def main() -> int:
    """Measure; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ratio = asyncio.run(measure(Path(folder), options.entries))
    asyncio.run(static(10_000))
    print(f"ratio to bare numpy: {ratio:.2f} (bar {BAR})")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
