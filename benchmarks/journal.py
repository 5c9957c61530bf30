"""What a durable record costs: the journal beside SQLite (WAL, FULL) and a bare fdatasync.

    python benchmarks/journal.py [--folder .] [--records 20000] [--repeat 5]

First table: microseconds of wall time per record at 1, 16 and 128 records per commit, of a record
as large as a sample. Second table: microseconds per sample (an intent and a result) of many tasks
that each wait for both, and how much of that is work of the loop's thread; the journal in memory
stands beside. Contenders are interleaved, times are minima of the repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from graphdsl.executors.journal.journal_file import JournalFile
from graphdsl.executors.journal.records import JournalRecord
from graphdsl.executors.journal.store import Journal, MemoryJournal
from graphdsl.values import Draft, LogprobStats, Messages, Usage

COMMITS = (1, 16, 128)
TASKS = (1, 16, 128, 1000)

TEXT = "She starts with 7 hens and buys 6 more, so there are 7 + 6 = 13 hens.\nAnswer: 13"
PAID = Usage(1, 40, 0, 20, cost=12_000)
WORST = Usage(1, 120, 0, 512, unknown=1, cost=900_000)
DRAFT = Draft(
    TEXT,
    usage=PAID,
    model="stub",
    seed=123_456_789,
    logprobs=LogprobStats(20, -7.125, -1.5),
    prompt=Messages.user("A farmer has 7 hens and buys 6 more. How many hens?"),
)
CALL = "answer.drafts.samples stub 0.17 0123456789abcdef"
RECORD: JournalRecord = ("sample", "0", 17, CALL, DRAFT, PAID)

Commit = Callable[[int], None]
"""Makes so many records durable at once."""


@contextmanager
def journal(folder: Path) -> Generator[Commit]:
    """The file of a journal, without its thread."""
    file = JournalFile.create(folder / "bench.journal", {})

    def commit(size: int) -> None:
        file.append(b"".join(file.encode(RECORD, first=not n) for n in range(size)))

    yield commit
    file.close()


@contextmanager
def sqlite(folder: Path) -> Generator[Commit]:
    """The same bytes as rows of a table."""
    connection = sqlite3.connect(folder / "bench.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, body BLOB)")
    row = _line(folder)

    def commit(size: int) -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO records (body) VALUES (?)", [(row,)] * size)
        connection.execute("COMMIT")

    yield commit
    connection.close()


@contextmanager
def bare(folder: Path) -> Generator[Commit]:
    """Bytes that are ready, and one fdatasync: the limit."""
    number = os.open(folder / "bench.raw", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    row = _line(folder)

    def commit(size: int) -> None:
        os.write(number, row * size)
        os.fdatasync(number)

    yield commit
    os.close(number)


def _line(folder: Path) -> bytes:
    file = JournalFile.create(folder / "line.journal", {})
    line = file.encode(RECORD, first=False)
    file.close()
    return line


CONTENDERS = {"journal": journal, "sqlite WAL FULL": sqlite, "bare fdatasync": bare}


def storage(base: Path, records: int, repeat: int) -> None:
    """The first table."""
    best: dict[tuple[str, int], float] = {}
    for _ in range(repeat):
        for name, opened in CONTENDERS.items():
            with tempfile.TemporaryDirectory(dir=base) as folder, opened(Path(folder)) as commit:
                for size in COMMITS:
                    rounds = max(1, min(records // size, 200))
                    start = time.perf_counter()
                    for _ in range(rounds):
                        commit(size)
                    took = (time.perf_counter() - start) / rounds / size * 1e6
                    best[name, size] = min(took, best.get((name, size), took))
    print(f"{'us per record':<18}" + "".join(f"{size:>9}" for size in COMMITS) + "  per commit")
    for name in CONTENDERS:
        print(f"{name:<18}" + "".join(f"{best[name, size]:>9.1f}" for size in COMMITS))


async def samples(book: Journal | MemoryJournal, name: str, tasks: int, calls: int) -> None:
    """So many tasks that each journal one call after another."""
    run = book.run(name)
    await run.begin("hash", {}, 0)

    async def one(number: int) -> None:
        for turn in range(calls):
            call = f"{CALL} {number} {turn}"
            attempt = await run.intend(call, WORST)
            await run.completed(attempt, call, DRAFT, PAID)

    await asyncio.gather(*(one(number) for number in range(tasks)))
    await run.end("ok", PAID)
    run.leave()


def waiting(base: Path, records: int, repeat: int) -> None:
    """The second table."""
    print(f"\n{'us per sample':<18}" + "".join(f"{tasks:>18}" for tasks in TASKS) + "  tasks")
    print(f"{'':<18}" + f"{'wall':>10}{'loop':>8}" * len(TASKS))
    for kind in ("durable", "memory"):
        cells: list[str] = []
        for tasks in TASKS:
            calls = max(1, records // 10 // tasks)
            wall, loop = min(_timed(base, kind, tasks, calls) for _ in range(repeat))
            cells.append(f"{wall:>10.1f}{loop:>8.1f}")
        print(f"{kind:<18}" + "".join(cells))


_names = count()


def _timed(base: Path, kind: str, tasks: int, calls: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(dir=base) as folder:
        path = Path(folder) / "bench.journal"
        book = Journal.create(path) if kind == "durable" else MemoryJournal()
        start, busy = time.perf_counter(), time.thread_time()
        asyncio.run(samples(book, str(next(_names)), tasks, calls))
        wall, loop = time.perf_counter() - start, time.thread_time() - busy
        if isinstance(book, Journal):
            book.close()
    return wall / tasks / calls * 1e6, loop / tasks / calls * 1e6


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to be measured")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    storage(given.folder, given.records, given.repeat)
    waiting(given.folder, given.records, given.repeat)


if __name__ == "__main__":
    main()
