"""Past runs in one SQLite file, safe to write from many processes.

A run is a row of what lists show, and beside it its trace as compressed JSON. The oldest runs go
when there are too many, or when they take too much room.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from graphdsl.executors.private_files import make_file
from graphdsl.executors.trace import Trace
from graphdsl.values import Usage

MOST_RUNS: Final = 10_000
"""Runs that stay; older ones are deleted when new ones are kept."""

MOST_BYTES: Final = 256 * 2**20
"""What the traces of all runs may take, compressed; the newest run stays in any case."""

_BUSY: Final = 10.0
"""Seconds to wait for another process that is writing."""

_APPLICATION: Final = 0x67647472
"""SQLite's `application_id` of this file ("gdtr")."""

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    flow TEXT NOT NULL,
    graph_hash TEXT NOT NULL,
    file TEXT NOT NULL,
    batch TEXT NOT NULL,
    started REAL NOT NULL,
    status TEXT NOT NULL,
    seconds REAL NOT NULL,
    calls INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    usd REAL,
    saved_calls INTEGER NOT NULL,
    saved_usd REAL,
    size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS traces (
    number INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_flow ON runs (flow, status, number);
CREATE INDEX IF NOT EXISTS runs_by_batch ON runs (batch, number);
PRAGMA application_id = {_APPLICATION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """One past run without its nodes. `started` is seconds since the epoch; `usd` is None where a
    model without a known price was called; `batch` is empty for a run by itself. `saved_calls`
    came from the cache, and would have cost `saved_usd`."""

    run_id: str
    flow: str
    graph_hash: str
    file: str
    batch: str
    started: float
    status: str
    seconds: float
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    unknown: int
    usd: float | None
    saved_calls: int = 0
    saved_usd: float | None = 0.0


_COLUMNS: Final = tuple(field.name for field in fields(KeptRun))
_ADD: Final = (
    f"INSERT INTO runs ({', '.join(_COLUMNS)}, size) VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
)
_LIST: Final = f"SELECT {', '.join(_COLUMNS)} FROM runs"
_OLDEST: Final = "SELECT number, size FROM runs ORDER BY number"
_TAKEN: Final = "SELECT count(*), coalesce(sum(size), 0) FROM runs"


class RunStore:
    """The file of past runs, opened for each use: nothing is held between two of them.

    Every method raises OSError, which names the file, when it cannot be used.
    """

    def __init__(
        self, path: Path, *, most_runs: int = MOST_RUNS, most_bytes: int = MOST_BYTES
    ) -> None:
        self.path = path
        self._most_runs = most_runs
        self._most_bytes = most_bytes

    def add(self, traces: Sequence[Trace]) -> None:
        """Keep these runs, all or none; one that is there already is replaced by its new trace."""
        packed = [(trace, _packed(trace)) for trace in traces]
        with self._writing() as connection:
            for trace, data in packed:
                _insert(connection, trace, data)
            self._trim(connection)

    def runs(
        self,
        *,
        flow: str | None = None,
        status: str | None = None,
        batch: str | None = None,
        most: int | None = None,
    ) -> list[KeptRun]:
        """Runs, newest first: those of a flow, a status, a batch; `most` of them at most."""
        wanted = {"flow": flow, "status": status, "batch": batch}
        given = {name: _utf8(value) for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in given)
        query = f"{_LIST} {'WHERE ' + where if where else ''} ORDER BY number DESC LIMIT ?"
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(query, (*given.values(), -1 if most is None else most))
            return [KeptRun(*row) for row in rows]

    def load(self, run_id: str) -> Trace | None:
        """The trace of a run; None when there is no such run."""
        query = "SELECT data FROM traces JOIN runs USING (number) WHERE run_id = ?"
        with self._reading() as connection:
            if connection is None:
                return None
            found = connection.execute(query, (_utf8(run_id),)).fetchone()
        return None if found is None else self._unpacked(found[0])

    def ids(self, beginning: str, most: int) -> list[str]:
        """The ids that begin so, newest first; `most` of them at most."""
        query = (
            "SELECT run_id FROM runs WHERE substr(run_id, 1, ?) = ? ORDER BY number DESC LIMIT ?"
        )
        begin = _utf8(beginning)
        with self._reading() as connection:
            if connection is None:
                return []
            return [run_id for (run_id,) in connection.execute(query, (len(begin), begin, most))]

    def _unpacked(self, data: bytes) -> Trace:
        from graphdsl.executors.traces.trace_file import read_trace

        try:
            return read_trace(zlib.decompress(data))
        except (zlib.error, ValueError, TypeError) as error:
            raise OSError(f"`{self.path}` holds a trace that cannot be read: {error}") from error

    def _trim(self, connection: sqlite3.Connection) -> None:
        count, size = connection.execute(_TAKEN).fetchone()
        last = None
        for number, taken in connection.execute(_OLDEST):
            if count <= 1 or (count <= self._most_runs and size <= self._most_bytes):
                break
            last, count, size = number, count - 1, size - taken
        if last is not None:
            connection.execute("DELETE FROM runs WHERE number <= ?", (last,))

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction; the file is made where there is none."""
        with _explained(self.path):
            make_file(self.path)
            with closing(_connect(self.path, "rwc")) as connection:
                _prepare(connection, self.path)
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection | None]:
        """The file as it is; None where there is none."""
        if not _exists(self.path):
            yield None
            return
        with _explained(self.path), closing(_opened(self.path)) as connection:
            _check(connection, self.path)
            yield connection


def _exists(path: Path) -> bool:
    """Whether there is one. Raises OSError where nobody may look."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _opened(path: Path) -> sqlite3.Connection:
    """To read from: also where neither the file nor its folder can be changed.

    SQLite needs files of its own beside it, unless it is told that nobody writes.
    """
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.OperationalError as error:
        connection.close()
        code = error.sqlite_errorcode & 0xFF
        if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        return _connect(path, "ro&immutable=1")
    except BaseException:
        connection.close()
        raise
    return connection


def _insert(connection: sqlite3.Connection, trace: Trace, data: bytes) -> None:
    connection.execute("DELETE FROM runs WHERE run_id = ?", (_utf8(trace.run_id),))
    usage, saved = trace.usage, _saved(trace)
    row = KeptRun(
        _utf8(trace.run_id),
        _utf8(trace.flow),
        _utf8(trace.graph_hash),
        _utf8(trace.file),
        _utf8(trace.batch),
        trace.started,
        trace.status,
        trace.seconds,
        usage.calls,
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        usage.unknown,
        usage.usd,
        saved.calls,
        saved.usd,
    )
    values = (*(getattr(row, name) for name in _COLUMNS), len(data))
    number = connection.execute(_ADD, values).lastrowid
    connection.execute("INSERT INTO traces (number, data) VALUES (?, ?)", (number, data))


def _saved(trace: Trace) -> Usage:
    """What its samples from the cache would have cost."""
    total = Usage()
    for record in trace.walk():
        for call in record.calls:
            if call.origin == "cache":
                total += call.saved
    return total


def _packed(trace: Trace) -> bytes:
    return zlib.compress(json.dumps(trace.to_dict(), ensure_ascii=True).encode())


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", timeout=_BUSY, isolation_level=None, uri=True
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file. A power cut may take the last runs, but not the file."""
    connection.execute("PRAGMA synchronous = NORMAL")
    if _check(connection, path):
        return
    for _ in _tries():
        # Going over to WAL does not wait for another process that does the same.
        with _unless_busy():
            connection.execute("PRAGMA journal_mode = WAL")
            break
    connection.executescript(_SCHEMA)


def _tries(pause: float = 0.02) -> Iterator[None]:
    """As long as another process that writes would be waited for."""
    for _ in range(int(_BUSY / pause)):
        yield
        time.sleep(pause)


@contextmanager
def _unless_busy() -> Generator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise


def _check(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether it has its tables. Raises OSError for a database of something else."""
    connection.execute("BEGIN")  # both questions are about the same moment
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    connection.execute("COMMIT")
    if application == _APPLICATION:
        return True
    if tables:
        raise OSError(f"`{path}` is a database of something else; move it away")
    return False


def _utf8(text: str) -> str:
    """Lone surrogates (of a path that is no UTF-8) are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def _explained(path: Path) -> Generator[None]:
    """Turn what SQLite says about a file that it cannot use into OSError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise OSError(f"`{path}` is damaged ({error}); delete it, or move it away") from error
        raise OSError(f"`{path}` cannot be used: {error}") from error
