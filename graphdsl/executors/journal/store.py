"""Journals: files that make runs resumable, and the same thing in memory."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from graphdsl.errors import InputError
from graphdsl.executors.journal.group_writer import GroupWriter
from graphdsl.executors.journal.journal_file import JournalFile, Watch
from graphdsl.executors.journal.past import Past
from graphdsl.executors.journal.records import JournalRecord
from graphdsl.executors.journal.run_journal import RunJournal, token_of
from graphdsl.values import Usage

_PATIENCE: Final = 10.0
"""Seconds that `close` waits for runs that are being cancelled."""


class Journal:
    """A file that makes runs resumable; a context manager. Safe to use from many threads.

    ::

        with Journal.open("night.journal") as journal:
            result = flow.run_sync(question="…", journal=journal.run("17"))

    Every call is durable in it before it is sent, every sample before anything uses it (one
    `fdatasync` for all that wait). Open it again after a crash, run the same again under the same
    name, and what it has is not asked for again. One process at a time may have it open.
    """

    def __init__(
        self, file: JournalFile, header: Mapping[str, Any], past: Iterable[JournalRecord] = ()
    ) -> None:
        self.path = file.path
        self.header = header
        self._file = file
        self._pasts = pasts_of(past)
        self.finished = False
        self._begun = set[str]()
        self._using = 0
        self._changed = threading.Condition()
        paid = any(past.valuable for past in self._pasts.values())
        self._writer = GroupWriter(file, valuable=paid)
        self.put = self._writer.put
        self.commit = self._writer.commit

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        header: Mapping[str, Any] | None = None,
        *,
        watch: Watch | None = None,
    ) -> Self:
        """A new journal, whose folder is made if need be. `header` is JSON data to keep with it.

        Raises `InputError` where there is a file already, and where none can be made.
        """
        known = {"id": secrets.token_hex(8), "created": time.time(), **(header or {})}
        return cls(JournalFile.create(Path(path), known, watch), known)

    @classmethod
    def resume(cls, path: str | os.PathLike[str], *, watch: Watch | None = None) -> Self:
        """A journal that exists; what a crash has left half written is cut off.

        Raises `InputError` where there is none, it is in use, damaged, newer than this program, or
        cannot be written.
        """
        file, header, records = JournalFile.resume(Path(path), watch)
        journal = cls(file, header, records)
        journal.put(("resumed", time.time()))
        return journal

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, watch: Watch | None = None) -> Self:
        """Resume the journal if there is one, else create it. Raises as they do."""
        place = Path(path)
        if place.exists() and place.stat().st_size:
            return cls.resume(place, watch=watch)
        place.unlink(missing_ok=True)
        return cls.create(place, watch=watch)

    @property
    def id(self) -> str:
        """What names this journal among all others."""
        return str(self.header["id"])

    @property
    def names(self) -> tuple[str, ...]:
        """The runs of earlier lives."""
        return tuple(self._pasts)

    @property
    def spent(self) -> dict[str, Usage]:
        """What earlier lives have spent, by the token of each run that this life has not begun."""
        return {token_of(self.id, name): past.spent for name, past in self._pasts.items()}

    def past(self, name: str) -> Past:
        """What earlier lives know of a run that this life has not begun."""
        return self._pasts.get(name) or Past()

    def run(self, name: str) -> RunJournal:
        """The part of the run of that name. Raises `InputError` where this life had it already."""
        with self._changed:
            if name in self._begun:
                raise InputError(
                    f"run `{name}` of the journal `{self.path}` has been begun already; give each "
                    'run a name of its own: `journal.run("…")`'
                )
            self._begun.add(name)
        return RunJournal(name, self, self._pasts.pop(name, None) or Past())

    @property
    def valuable(self) -> bool:
        """True when it holds a call that was, or was about to be, sent, or a value."""
        return self._writer.valuable

    def finish(self) -> None:
        """Note that all runs have ended well, so that the file may go when it is old."""
        self.finished = True
        self.put(("done",))

    def close(self) -> None:
        """Wait for runs that end just now, write what is left; may be called twice."""
        with self._changed:
            self._changed.wait_for(lambda: not self._using, _PATIENCE)
        self._writer.close()

    def entered(self) -> None:
        """A run begins to use the journal."""
        with self._changed:
            self._using += 1

    def left(self) -> None:
        """A run needs the journal no more."""
        with self._changed:
            self._using -= 1
            self._changed.notify_all()

    def reached(self, point: str) -> None:
        """A named point of a run."""
        if self._file.watch is not None:
            self._file.watch(point)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class MemoryJournal:
    """A journal without a file, for runs that are to be resumed in the same process.

    It keeps what its runs add until it is dropped itself, and nothing survives the process.
    """

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self._records: dict[str, list[JournalRecord]] = {}

    def run(self, name: str) -> RunJournal:
        """The part of the run of that name, with what it had added before."""
        past = Past()
        for record in self._records.setdefault(name, []):
            past.take(record)
        return RunJournal(name, self, past)

    def put(self, record: JournalRecord) -> None:
        """Keep a record."""
        self._records[record[1]].append(record)

    async def commit(self, record: JournalRecord) -> None:
        """Keep a record."""
        self._records[record[1]].append(record)

    def entered(self) -> None:
        """Nobody waits for runs to end."""

    def left(self) -> None:
        """Nobody waits for runs to end."""

    def reached(self, point: str) -> None:
        """Nobody is told."""


def pasts_of(records: Iterable[JournalRecord]) -> dict[str, Past]:
    """The earlier lives of each run, by its name."""
    pasts: dict[str, Past] = {}
    for record in records:
        if record[0] in _OF_A_RUN:
            pasts.setdefault(record[1], Past()).take(record)
    return pasts


_OF_A_RUN: Final = frozenset({"begin", "intent", "failed", "sample", "node", "end"})
