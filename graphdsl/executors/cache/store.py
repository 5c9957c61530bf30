"""The cache: answers by key, on disk for all processes, and asked for once at a time in this one.

A look is a read of some microseconds on the event loop; a thread of its own writes. Whatever is
wrong with the file becomes a note, and runs go on without it.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from weakref import WeakKeyDictionary

from graphdsl.errors import InputError
from graphdsl.executors.abc import Capabilities
from graphdsl.executors.cache.cached import Cached, Reply, keepable
from graphdsl.executors.cache.claim import Claim
from graphdsl.executors.cache.counting import HitCounter
from graphdsl.executors.cache.flights import Flights
from graphdsl.executors.cache.keeper import Keeper
from graphdsl.executors.cache.key import cache_key
from graphdsl.executors.cache.naming import Named, named
from graphdsl.executors.cache.opening import open_database, reason
from graphdsl.executors.cache.place import default_path
from graphdsl.executors.cache.stats import CacheStats
from graphdsl.ir.entities import ModelSpec
from graphdsl.values import Usage

__all__ = ["LIMIT", "Cache", "Cached"]

LIMIT: Final = 1_000_000_000
"""Bytes of the file that may be in use, unless somebody says otherwise."""

_LEAST: Final = 1_000_000
"""Bytes: the smallest limit."""


class Cache:
    """Keeps what models answered; an async `claim` finds it. A context manager.

    ::

        with Cache.open("answers.sqlite") as cache:
            async with cache.claim(cache.key(identity, request, seeded=True)) as claim:
                if claim.found is None:
                    claim.store(completion, usage, seconds)

    The file may be used by many processes at once, and a cache from many threads and event loops;
    tasks of one loop wait for each other (see `Claim`). `close` writes what is left: without it
    the last answers may be lost. A cache that is closed, or whose file cannot be used, finds
    nothing and keeps nothing; `notes` say so.
    """

    key = staticmethod(cache_key)
    keepable = staticmethod(keepable)

    def __init__(
        self, keeper: Keeper | None, counter: HitCounter, *, private: bool = False
    ) -> None:
        """For `open`."""
        self.private = private
        self._keeper = keeper
        self._counter = counter
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, Flights] = WeakKeyDictionary()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        limit: int = LIMIT,
        private: bool = False,
    ) -> Self:
        """The cache in a file, which is made where there is none; by default the user's own.

        `limit` is in bytes: beyond it, the answers that were used least recently go. A `private`
        cache belongs to one program (to one study of it), and keeps answers of simulated models
        too, which have no name that would tell them from those of other programs. A damaged
        file is set aside, and a new one begun; where none can be had nothing is kept. Raises
        `InputError` for a limit below 1 MB, and a path that is a folder or another kind of file.
        """
        if limit < _LEAST:
            raise InputError(f"the limit of a cache is at least {_LEAST} bytes, not {limit}")
        place = default_path() if path is None else Path(path).expanduser()
        counter = HitCounter()
        if place is None:
            return cls(None, counter, private=private)
        place = place.absolute()
        keeper = Keeper(place, open_database(place), limit, counter)
        return cls(keeper, counter, private=private)

    @property
    def path(self) -> Path | None:
        """The file; None where the environment says that there is to be none."""
        return None if self._keeper is None else self._keeper.path

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the file so far; one who reads results should see them."""
        return () if self._keeper is None else tuple(self._keeper.notes)

    @property
    def usable(self) -> bool:
        """Whether there is a file in which answers can be kept; `notes` say why there is none."""
        return self._keeper is not None and self._keeper.usable

    def named(self, spec: ModelSpec, able: Capabilities) -> Named | None:
        """What an open model is called here; None where nothing of it is kept."""
        return named(spec, able, private=self.private)

    def claim(self, key: str, model: str = "") -> Claim:
        """The answer of a key, or the task to ask for it: see `Claim`.

        `model` is the name under which `stats` and `clear` know the answer.
        """
        return Claim(key, self._flights_here(), partial(self._keep, key, model), self._count)

    def holds(self, key: str) -> bool:
        """Whether the answer of a key is there now; nothing is counted."""
        return self._find(key) is not None

    def flush(self) -> None:
        """Wait until what was stored before is on disk, or a note says that it cannot be.

        Other processes that write are waited for two seconds.
        """
        if self._keeper is not None:
            self._keeper.flush()

    def stats(self) -> CacheStats:
        """What it holds, and what all processes have saved by it. Waits for the disk.

        Raises `InputError` where the file cannot be read.
        """
        if self._keeper is None:
            return CacheStats(None, 0, counts=self._counter.look())
        try:
            return self._keeper.stats()
        except sqlite3.Error as error:
            raise InputError(f"`{self.path}` cannot be read: {reason(error)}") from error

    def clear(self, *, older: float | None = None, model: str | None = None) -> int:
        """Drop answers that were made more than `older` seconds ago, those of one model, or both;
        by default all, and what was counted. Waits for the disk; gives how many went.

        Raises `InputError` where the file cannot be changed.
        """
        if self._keeper is None:
            return 0
        before = None if older is None else time.time() - older
        try:
            return self._keeper.clear(before, model)
        except sqlite3.Error as error:
            raise InputError(f"`{self.path}` cannot be cleared: {reason(error)}") from error

    def close(self) -> None:
        """Write what is left, and close the file. May be called twice."""
        if self._keeper is not None:
            self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _flights_here(self) -> Flights:
        loop = asyncio.get_running_loop()
        flights = self._flights.get(loop)
        if flights is None:
            flights = self._flights.setdefault(loop, Flights(self._find))
        return flights

    def _find(self, key: str) -> Cached | None:
        return None if self._keeper is None else self._keeper.find(key)

    def _keep(self, key: str, model: str, reply: Reply, usage: Usage, seconds: float) -> Cached:
        answer = Cached(reply, usage, seconds, time.time())
        if self._keeper is not None:
            self._keeper.keep(key, model, answer)
        return answer

    def _count(self, found: Cached | None) -> None:
        if found is None:
            self._counter.miss()
        else:
            self._counter.hit(found.usage)
