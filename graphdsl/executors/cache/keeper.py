"""What keeps answers on disk: reads where it is asked, writes on a thread.

Nothing here raises because of the file. Without one it finds nothing and keeps nothing.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from graphdsl.errors import InputError
from graphdsl.executors.batches import Batches
from graphdsl.executors.cache.cached import Cached, from_bytes, to_bytes
from graphdsl.executors.cache.counting import HitCounter
from graphdsl.executors.cache.database import Database, Row, is_busy
from graphdsl.executors.cache.opening import (
    Opened,
    is_damage,
    open_database,
    reason,
    reopened,
)
from graphdsl.executors.cache.stats import CacheStats, Counts

T = TypeVar("T")

_LINGER: Final = 0.05
"""Seconds for which writing waits for more to write."""

_LAST: Final = 2.0
"""Seconds that flushing and closing wait for other processes which write."""

_TIMES: Final = 3
"""How often a batch is written, at most, where the file is damaged or goes away meanwhile."""

_LARGEST: Final = 16
"""An answer takes at most one part in so many of the limit."""


@dataclass(frozen=True, slots=True)
class New:
    """An answer to be kept."""

    key: str
    model: str
    answer: Cached


@dataclass(frozen=True, slots=True)
class Broken:
    """A key whose bytes are not what they were; None for the whole file."""

    key: bytes | None


Note: TypeAlias = "New | Broken | int"
"""What the thread is told; a number is that of a row that was used. Not of all: those near the end
need not move there, and one in a while is enough for it to count."""


class Keeper:
    """The file of a cache. Safe to use from many threads, in the process that opened it.

    `usable`: there is a file in which answers can be kept.
    """

    def __init__(self, path: Path, opened: Opened, limit: int, counter: HitCounter) -> None:
        self.path = path
        self.limit = limit
        self.notes: list[str] = [] if opened.note is None else [opened.note]
        self.usable = opened.database is not None
        self._database = opened.database
        self._counter = counter
        self._process = os.getpid()
        self._pending: dict[str, Cached] = {}
        self._middle = 0
        self._uncounted = False
        self._busy = False
        self._until = math.inf
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._batches: Batches[Note] = Batches(f"cache {path}", self._write, self._end, _LINGER)

    def find(self, key: str) -> Cached | None:
        """The answer of a key."""
        if self._process != os.getpid():
            return None  # a forked child has no part in the connections of its parent
        answer = self._pending.get(key)
        return self._read(bytes.fromhex(key)) if answer is None else answer

    def keep(self, key: str, model: str, answer: Cached) -> None:
        """Have an answer written soon; until then it is found here."""
        if not self.usable or self._process != os.getpid():
            return
        self._pending[key] = answer
        if not self._batches.put(New(key, model, answer)):
            self._pending.pop(key, None)

    def flush(self) -> None:
        """Wait until what was kept before is written, or cannot be; a note says so then."""
        if self._process == os.getpid():
            self._hurry(time.monotonic() + _LAST)
            self._batches.flush()
            if not self._batches.closed:
                self._hurry(math.inf)

    def clear(self, before: float | None, model: str | None) -> int:
        """See `Cache.clear`. Raises `sqlite3.Error`."""
        self.flush()
        with self._writing:
            if before is None and model is None:
                self._counter.take()
            return self._mended(lambda database: database.clear(before, model)) or 0

    def stats(self) -> CacheStats:
        """See `Cache.stats`. Raises `sqlite3.Error`."""
        self.flush()
        with self._writing:
            found = self._mended(self._look) or CacheStats(
                self.path, self.limit, counts=self._counter.look()
            )
            return replace(found, notes=tuple(self.notes))

    def close(self) -> None:
        """Write what is left, and close the file; other processes are not waited for long."""
        if self._process == os.getpid():
            self._hurry(time.monotonic() + _LAST)
            self._batches.close()

    def _hurry(self, until: float) -> None:
        """Other processes are waited for until then, now and by databases to come."""
        self._until = until
        database = self._database
        if database is not None:
            database.hurry(until)

    def _look(self, database: Database) -> CacheStats:
        models = database.models
        return CacheStats(
            self.path,
            self.limit,
            sum(one.answers for one in models),
            database.bytes,
            database.counts + self._counter.look(),
            models,
        )

    def _mended(self, work: Callable[[Database], T]) -> T | None:
        """What work on the file gives, which is replaced where it shows damage; None without."""
        database = self._here()
        try:
            return None if database is None else work(database)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
        self._replace()
        return None if self._database is None else work(self._database)

    def _read(self, key: bytes) -> Cached | None:
        try:
            with self._reading:
                found = None if self._database is None else self._database.find(key)
        except sqlite3.Error as error:
            if is_damage(error):
                self._batches.put(Broken(None))
            return None
        if found is None:
            return None
        row, kept = found
        answer = from_bytes(kept)
        if answer is None:
            self._batches.put(Broken(key))
        elif row <= self._middle or not self._uncounted:
            self._uncounted = True
            self._batches.put(row)
        return answer

    def _write(self, notes: Sequence[Note]) -> None:
        """On the thread, which must live whatever happens."""
        news = [note for note in notes if isinstance(note, New)]
        used = [note for note in notes if isinstance(note, int)]
        broken = [note.key for note in notes if isinstance(note, Broken)]
        try:
            with self._writing:
                if None in broken:
                    self._replace()
                self._store(news, used, [key for key in broken if key is not None])
        except Exception as error:
            self._busy = is_busy(error)
            self._say(f"not all answers are kept in `{self.path}`: {reason(error)}")
        finally:
            for new in news:
                self._pending.pop(new.key, None)

    def _store(self, news: Sequence[New], used: Sequence[int], bad: Sequence[bytes]) -> None:
        if not self.usable:
            return
        rows = [_row(new) for new in news]
        rows = [row for row in rows if len(row.answer) * _LARGEST <= self.limit]
        self._uncounted = False
        counts = self._counter.take()
        if not (rows or used or bad) and counts == Counts():
            return
        try:
            self._put(rows, used, bad, counts)
        except BaseException:
            self._counter.put_back(counts)
            raise
        self._busy = False

    def _put(
        self, rows: Sequence[Row], used: Sequence[int], bad: Sequence[bytes], counts: Counts
    ) -> None:
        """Once more where the file was damaged, or went away while it was written."""
        for _ in range(_TIMES):
            database = self._here()
            if database is None:
                return
            try:
                database.write(rows, used, bad, counts)
                if rows:
                    database.shrink(self.limit)
                self._middle = database.middle
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
                self._replace()
            else:
                if not database.moved:
                    return
            used, bad = (), ()  # rows of the old file

    def _here(self) -> Database | None:
        """The file that is at the path now; another one where it was removed, or replaced."""
        database = self._database
        if database is None or not database.moved:
            return database
        self._forget()
        self._say(
            f"the cache `{self.path}` was removed or replaced while it was in use; what is "
            "answered from now on goes into the one that is there now"
        )
        try:
            self._take(open_database(self.path))
        except InputError as error:
            self._take(Opened(None, str(error)))
        return self._database

    def _take(self, opened: Opened) -> None:
        if opened.note is not None:
            self._say(opened.note)
        if opened.database is not None:
            opened.database.hurry(self._until)
        self._middle = 0
        self._database = opened.database
        self.usable = opened.database is not None

    def _replace(self) -> None:
        """A new file instead of a damaged one."""
        damaged = self._database
        if damaged is None:
            return
        self._forget()
        self._take(reopened(self.path, damaged.inode))

    def _forget(self) -> None:
        """Close the file; whoever reads finds nothing."""
        with self._reading:
            database, self._database = self._database, None
            if database is not None:
                with suppress(sqlite3.Error):
                    database.close()

    def _end(self) -> None:
        """On the thread, last."""
        with self._writing:
            if not self._busy:  # otherwise it would be waited for once more
                with suppress(sqlite3.Error):
                    self._store([], [], [])
            self._forget()

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _row(new: New) -> Row:
    answer = new.answer
    model = new.model.encode("utf-8", "replace").decode()
    return Row(bytes.fromhex(new.key), model, answer.made, to_bytes(answer))
