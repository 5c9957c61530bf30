"""Recording: every completion of a run goes into a bank, from which `replay` answers.

A thread of its own writes, whatever has come in at a time; nobody waits for the disk. What is in
the bank already is not written again, nor is what came from a bank: a recording of a replay holds
what its `otherwise` was asked for. There is no key, address or trace in a record, and no prompt
but its digest, unless `content` is asked for.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from graphdsl.errors import BackendError, InputError
from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.executors.bank import BadBank, BankWriter, NoBank, open_writer
from graphdsl.executors.bank_record import Recorded, Replayed, recorded
from graphdsl.ir.entities import ModelSpec

_MOST: Final = 1000
"""Records that are written in one piece."""


class Recorder:
    """Keeps the completions of any number of runs in a bank; a context manager.

    ::

        with graphdsl.Recorder.open("bank.jsonl") as recorder:
            result = flow.run_sync(question="…", record=recorder)

    Safe to use from many threads. `close` waits until everything is written; without it the last
    completions may be lost.
    """

    def __init__(self, path: Path, writer: BankWriter, *, content: bool = False) -> None:
        self.path = path
        self._writer = writer
        self._content = content
        self._queue: SimpleQueue[Recorded | None] = SimpleQueue()
        self._written = 0
        self._lost = 0
        self._problem: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name=f"record {path}", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, content: bool = False) -> Self:
        """A recorder that adds to a bank, or makes one; with `content` it keeps prompts as texts.

        Raises `InputError` for a file that is no bank, and a place where none can be made.
        """
        place = Path(path)
        try:
            return cls(place, open_writer(place), content=content)
        except (NoBank, BadBank) as error:
            raise InputError(f"nothing can be recorded: {error}") from None
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"nothing can be recorded in `{place}`: {_reason(error)}") from error

    @property
    def written(self) -> int:
        """How many records the bank has got so far."""
        return self._written

    def note(
        self,
        spec: ModelSpec,
        request: ChatRequest | TextRequest,
        completion: Completion,
        seconds: float,
    ) -> None:
        """Keep what a model answered, after so many seconds. Does not wait and does not fail."""
        if not isinstance(completion, Replayed):
            name = spec.model or spec.name
            record = recorded(name, request, completion, seconds, content=self._content)
            self._queue.put(record)

    def close(self) -> None:
        """Write what is left. May be called twice.

        Raises `BackendError` when something could not be written, which then is missing.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._writer.close()
        if self._problem is not None:
            raise BackendError(
                f"the recording `{self.path}` is not complete, {self._lost} of its completions "
                f"are missing: {_reason(self._problem)}"
            ) from self._problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except BackendError as problem:
            if error is None:
                raise
            error.add_note(str(problem))

    def _write_all(self) -> None:
        """The thread: wait for records, write all that there are, until the end is among them."""
        more = True
        while more:
            batch = [self._queue.get()]
            while batch[-1] is not None and len(batch) < _MOST and not self._queue.empty():
                batch.append(self._queue.get())
            more = batch[-1] is not None
            records = [record for record in batch if record is not None]
            if records:
                self._write(records)

    def _write(self, records: list[Recorded]) -> None:
        try:
            self._written += self._writer.add(records)
        except (BadBank, OSError, sqlite3.Error) as error:
            self._problem = self._problem or error
            self._lost += len(records)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
