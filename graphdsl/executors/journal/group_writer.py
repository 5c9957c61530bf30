"""Group commit: a thread makes durable, in one step, whatever has come in since the last one."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from graphdsl.errors import JournalFailed
from graphdsl.executors.batches import Batches
from graphdsl.executors.journal.journal_file import JournalFile, reason
from graphdsl.executors.journal.records import JournalRecord

_Waiting = tuple[JournalRecord, "asyncio.Future[None] | None"]


class GroupWriter:
    """Appends records to a file in the order in which they are given. Safe from any thread.

    After the disk has refused once, every `commit` raises `JournalFailed`, and nothing is written
    any more: what follows would stand on records that are missing. `valuable` says whether the
    file has anything that somebody waited for, or is about to.
    """

    def __init__(self, file: JournalFile, *, valuable: bool = False) -> None:
        self.valuable = valuable
        self._file = file
        self._problem: str | None = None
        self._batches: Batches[_Waiting] = Batches(
            f"journal {file.path.name}", self._commit, file.close
        )

    def put(self, record: JournalRecord) -> None:
        """Write a record with those that follow; nobody waits for it."""
        if self._problem is None:
            self._batches.put((record, None))

    async def commit(self, record: JournalRecord) -> None:
        """Write a record and return when it is durable; also if cancelled, it is written.

        Raises `JournalFailed` when it cannot be.
        """
        self.valuable = True
        done = asyncio.get_running_loop().create_future()
        if self._problem is not None or not self._batches.put((record, done)):
            raise self._failure()
        await done

    def close(self) -> None:
        """Write what is left, and end; may be called twice."""
        self._batches.close()

    def _failure(self) -> JournalFailed:
        if self._problem is None:
            return JournalFailed(f"the journal `{self._file.path}` is closed")
        return JournalFailed(
            f"the journal `{self._file.path}` cannot be written: {self._problem}; what it has is "
            "safe, and nothing was sent that it has not: mend that, and resume the run"
        )

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            self._write(group)
        except Exception as defect:  # the last resort: nobody may wait for a thread that is gone
            self._problem = self._problem or _said(defect)
            with suppress(OSError):
                self._file.withdraw()
            _tell([done for _, done in group if done is not None], self._failure())

    def _write(self, group: list[_Waiting]) -> None:
        waiting: list[asyncio.Future[None]] = []
        lines: list[bytes] = []
        for record, done in group:
            if self._problem is None:
                try:
                    lines.append(self._file.encode(record, first=not lines))
                except Exception as defect:
                    self._refuse(record, done, defect)
                    continue
            if done is not None:
                waiting.append(done)
        if lines:
            self._append(b"".join(lines))
        _tell(waiting, self._failure() if self._problem is not None else None)

    def _refuse(
        self, record: JournalRecord, done: asyncio.Future[None] | None, defect: Exception
    ) -> None:
        """Say that a record cannot be written; one that nobody waits for would be missing."""
        if done is None:
            self._problem = f"a record `{record[0]}` cannot be told: {_said(defect)}"
        elif isinstance(defect, RecursionError):
            _tell([done], self._too_deep())
        else:
            _tell([done], defect)

    def _too_deep(self) -> JournalFailed:
        return JournalFailed(
            f"a value is nested too deeply for the journal `{self._file.path}`; make it flatter, "
            "or run without a journal"
        )

    def _append(self, lines: bytes) -> None:
        try:
            self._file.append(lines)
        except OSError as refused:
            self._problem = reason(refused)
            with suppress(OSError):
                self._file.withdraw()


def _said(defect: Exception) -> str:
    return f"{type(defect).__name__}: {defect}"


def _tell(waiting: list[asyncio.Future[None]], error: BaseException | None) -> None:
    """Wake those who wait, with one call into each of their loops."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for done in waiting:
        loops.setdefault(done.get_loop(), []).append(done)
    for loop, futures in loops.items():
        with suppress(RuntimeError):  # that loop is closed, and nobody waits there any more
            loop.call_soon_threadsafe(_resolve, futures, error)


def _resolve(futures: list[asyncio.Future[None]], error: BaseException | None) -> None:
    for done in futures:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
