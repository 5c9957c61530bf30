"""What a cache costs per call: ours beside a bare dict, and beside diskcache where that is there.

    python benchmarks/cache.py [--calls 2000] [--rounds 7] [--processes 4]

First table: microseconds of one task for a call whose answer is not there (key, look, store) and
for one whose answer is. Every contender uses the same keys and answers (600 tokens, 1.8 kB); ours
writes on a thread, the others where they are called. They take turns; figures are the least of
the rounds, in wall time and in processor time of the thread that calls, which other load hardly
changes.
Second table: how long a look keeps an event loop busy, alone and while another process writes.
Third table: calls per second of several processes on one file, half of which find their answer.
The bar: 100 microseconds of processor time for a hit, and for a miss. Ends with status 1 beyond.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest, Completion
from graphdsl.executors.cache.key import cache_key
from graphdsl.executors.cache.store import Cache
from graphdsl.values import Finish, LogprobStats, Messages, Usage

BAR: Final = 100.0
"""Microseconds of processor time."""

PROMPT: Final = "A farmer has 7 hens and buys 6 more. How many hens does he have? " * 8
USAGE: Final = Usage(1, 500, 0, 600, cost=12_345)
REPLY: Final = Completion("She says. " * 180, Finish.STOP, USAGE, LogprobStats(600, -100.5, -3.25))
PLAIN: Final = json.dumps([REPLY.text, "stop", [1, 500, 0, 600, 0, 12_345, 0], 0.5])
"""The same answer for those that keep texts."""

SPAWN: Final = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Contender:
    """A cache: `ask` looks an answer up, keeps one where there is none, and says if it was there.

    `settle` waits until everything is written.
    """

    name: str
    ask: Callable[[str], Awaitable[bool]]
    settle: Callable[[], object]
    close: Callable[[], object]


def bare() -> Contender:
    """A dict in this process: the limit."""
    kept: dict[str, Completion] = {}

    async def ask(key: str) -> bool:
        if key in kept:
            return True
        kept[key] = REPLY
        return False

    return Contender("dict", ask, _nothing, _nothing)


def ours(path: Path) -> Contender:
    """This project's."""
    cache = Cache.open(path)

    async def ask(key: str) -> bool:
        async with cache.claim(key, "stub") as claim:
            if claim.found is not None:
                return True
            claim.store(REPLY, USAGE, 0.5)
            return False

    return Contender("graphdsl", ask, cache.flush, cache.close)


def diskcache(path: Path) -> Contender | None:
    """The package of that name; None where it is not installed."""
    if importlib.util.find_spec("diskcache") is None:
        return None
    module: Any = importlib.import_module("diskcache")
    cache = module.Cache(str(path))

    async def ask(key: str) -> bool:
        found = cache.get(key)
        if found is not None:
            json.loads(found)
            return True
        cache.set(key, PLAIN)
        return False

    return Contender("diskcache", ask, _nothing, cache.close)


def keys(first: int, count: int) -> list[str]:
    """Keys of requests, computed beforehand."""
    return [
        cache_key("stub", request(number), seeded=True) for number in range(first, first + count)
    ]


def request(number: int) -> ChatRequest:
    """A sample of one prompt."""
    return ChatRequest(Messages.user(PROMPT), max_tokens=700, seed=number)


async def per_call(contenders: Sequence[Contender], calls: int, rounds: int) -> None:
    """Print the first table; raises `SystemExit` beyond the bar."""
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for round_ in range(rounds):
        asked = keys(round_ * calls, calls)
        for contender in contenders:
            for what in ("miss", "hit"):
                wall, work = time.perf_counter(), time.thread_time()
                for key in asked:
                    assert await contender.ask(key) == (what == "hit")
                spent = time.perf_counter() - wall, time.thread_time() - work
                times.setdefault((contender.name, what), []).append(spent)
                contender.settle()
    begin = time.thread_time()
    keys(0, calls)
    print(f"key: {(time.thread_time() - begin) / calls * 1e6:.1f} µs, beside these")
    print(f"{'µs per call':12} {'miss':>8} {'cpu':>8} {'hit':>8} {'cpu':>8}")
    for contender in contenders:
        least = [
            min(spent[measure] for spent in times[contender.name, what]) / calls * 1e6
            for what in ("miss", "hit")
            for measure in (0, 1)
        ]
        print(f"{contender.name:12}", *(f"{figure:8.1f}" for figure in least))
        if contender.name == "graphdsl" and max(least[1], least[3]) > BAR:
            raise SystemExit(f"a call costs more than {BAR:g} µs")


async def looks(path: Path, calls: int) -> None:
    """Print the second table."""
    asked = keys(0, calls)
    print(f"\n{'µs of a look':12} {'median':>8} {'99 %':>8} {'most':>8}")
    for beside in (False, True):
        stop = SPAWN.Event()
        writer = SPAWN.Process(target=_write, args=(str(path), stop))
        if beside:
            writer.start()
            await asyncio.sleep(1.0)
        with Cache.open(path) as cache:
            spent = sorted([await _look(cache, key) for key in asked])
        stop.set()
        if beside:
            writer.join()
        late = spent[len(spent) * 99 // 100]
        name = "with writer" if beside else "alone"
        print(f"{name:12} {median(spent):8.1f} {late:8.1f} {spent[-1]:8.1f}")


async def _look(cache: Cache, key: str) -> float:
    begin = time.perf_counter()
    async with cache.claim(key) as claim:
        assert claim.found is not None
    return (time.perf_counter() - begin) * 1e6


def _write(path: str, stop: Event) -> None:
    """In a process of its own: new answers until told to stop."""

    async def work() -> None:
        contender, number = ours(Path(path)), 10_000_000
        while not stop.is_set():
            for key in keys(number, 100):
                await contender.ask(key)
            number += 100
            contender.settle()
        contender.close()

    asyncio.run(work())


def together(kind: str, folder: Path, processes: int, calls: int) -> float:
    """Calls per second of processes that share a file and half of their keys."""
    path = folder / f"together-{kind}"
    asked = [range(n * calls // 2, n * calls // 2 + calls) for n in range(processes)]
    with ProcessPoolExecutor(processes, mp_context=SPAWN) as pool:
        list(pool.map(partial(_share, kind, str(path)), [range(-9, -8)] * processes))  # warm
        begin = time.perf_counter()
        list(pool.map(partial(_share, kind, str(path)), asked))
        return processes * calls / (time.perf_counter() - begin)


def _share(kind: str, path: str, numbers: range) -> None:
    async def work() -> None:
        contender = ours(Path(path)) if kind == "graphdsl" else diskcache(Path(path))
        assert contender is not None
        for key in keys(numbers.start, len(numbers)):
            await contender.ask(key)
        contender.close()

    asyncio.run(work())


def _nothing() -> None:
    """Nothing is left to be written."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--processes", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "answers.sqlite"
        found = (bare(), ours(path), diskcache(folder / "diskcache"))
        contenders = [one for one in found if one is not None]
        asyncio.run(per_call(contenders, asked.calls, asked.rounds))
        for contender in contenders:
            contender.close()
        asyncio.run(looks(path, asked.calls))
        print(f"\n{asked.processes} processes, calls per second")
        for contender in contenders[1:]:
            rate = together(contender.name, folder, asked.processes, asked.calls)
            print(f"{contender.name:12} {rate:8.0f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
