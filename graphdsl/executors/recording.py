"""Recording: every completion of a run goes into a bank, from which `replay` answers.

A thread of its own writes, whatever has come in at a time; nobody waits for the disk. What is in
the bank already is not written again, nor is what came from a bank: a recording of a replay holds
what another model (its `otherwise`) was asked for. There is no key, address or trace in a record,
and no prompt but its digest, unless `content` is asked for.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from graphdsl.errors import BackendError, InputError
from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.executors.bank import BadBank, BankWriter, NoBank, open_writer
from graphdsl.executors.bank_record import Recorded, Replayed, recorded
from graphdsl.executors.batches import Batches
from graphdsl.ir.entities import ModelSpec

_OPEN: Final[set[Recorder]] = set()
"""The recorders of this process that have not been closed."""


def recorded_to(path: Path) -> bool:
    """True while a recorder of this process adds to that bank."""
    place = path.resolve()
    return any(recorder.path.resolve() == place for recorder in tuple(_OPEN))


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
        self._written = 0
        self._lost = 0
        self._problem: Exception | None = None
        self._batches = Batches(f"record {path}", self._write, self._close_writer)
        _OPEN.add(self)

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
    def closed(self) -> bool:
        """True once nothing can be recorded any more."""
        return self._batches.closed

    @property
    def written(self) -> int:
        """How many records the bank has got so far."""
        return self._written

    @property
    def lost(self) -> int:
        """How many completions could not be written so far; `close` says why."""
        return self._lost

    def note(
        self,
        spec: ModelSpec,
        request: ChatRequest | TextRequest,
        completion: Completion,
        seconds: float,
    ) -> None:
        """Keep what a model answered, after so many seconds; does not wait for the disk.

        It goes by the name that `spec` has for the model; where another one answered in the place
        of a replay, give the spec of the replay, which then finds it. What is `Replayed` is there
        already, and passed over. Raises `BackendError` where the recorder is closed.
        """
        if isinstance(completion, Replayed):
            return
        name = spec.model or spec.name
        record = recorded(name, request, completion, seconds, content=self._content)
        if not self._batches.put(record):
            raise BackendError(f"the recording `{self.path}` is closed, and takes nothing more")

    def close(self) -> None:
        """Write what is left. May be called twice.

        Raises `BackendError` when something could not be written, which then is missing.
        """
        if not self._batches.close():
            return
        _OPEN.discard(self)
        if self._problem is not None:
            missing = f"{self._lost} of its completions are missing" if self._lost else "perhaps"
            raise BackendError(
                f"the recording `{self.path}` is not complete, {missing}: {_reason(self._problem)}"
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

    def _write(self, records: list[Recorded]) -> None:
        """Whatever goes wrong is kept for `close`: the thread must live to write what follows."""
        try:
            self._written += self._writer.add(records)
        except Exception as error:
            self._problem = self._problem or error
            self._lost += len(records)

    def _close_writer(self) -> None:
        try:
            self._writer.close()
        except Exception as error:
            self._problem = self._problem or error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
