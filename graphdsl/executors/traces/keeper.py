"""Keeps the traces of many runs beside them: a thread writes, nobody waits for the disk."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Final, Self

from graphdsl.executors.runs import keep_runs, reason
from graphdsl.executors.trace import Trace

_MOST: Final = 256
"""Traces that are written in one transaction, and half of those that may wait to be."""


class RunKeeper:
    """An observer of runs that keeps their traces; a context manager. Safe to use from any thread.

    ::

        with RunKeeper(batch="20260131-235959-1f2e3d", file="sums.tts") as keeper:
            flow.start(inputs, RunOptions(observe=keeper))

    Leaving the block waits until everything is written. Nothing that goes wrong is raised:
    `problem` says what it was, None where all is well, and `lost` how many traces it cost.
    """

    def __init__(
        self, *, batch: str | None = None, file: str | None = None, folder: Path | None = None
    ) -> None:
        self.problem: str | None = None
        self.lost = 0
        self._batch = batch
        self._file = file
        self._folder = folder
        self._queue: Queue[Trace | None] = Queue(2 * _MOST)
        self._thread = threading.Thread(target=self._write_all, name="keep traces", daemon=True)
        self._thread.start()

    def __call__(self, trace: Trace) -> None:
        """Keep the trace of a run that has ended; waits only while a lot is being written."""
        self._queue.put(trace)

    def close(self) -> None:
        """Write what is left. May be called twice; nothing is kept after it."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write_all(self) -> None:
        """The thread: wait for a trace, write all that there are, until the end is among them."""
        more = True
        while more:
            found = [self._queue.get()]
            while found[-1] is not None and len(found) < _MOST and not self._queue.empty():
                found.append(self._queue.get())
            more = found[-1] is not None
            traces = [trace for trace in found if trace is not None]
            if traces:
                self._write(traces)

    def _write(self, traces: list[Trace]) -> None:
        try:
            keep_runs(traces, self._folder, file=self._file, batch=self._batch)
        except Exception as error:  # the thread must live: who waits for it would wait for ever
            said = reason(error) if isinstance(error, OSError) else str(error)
            self.problem = self.problem or said or type(error).__name__
            self.lost += len(traces)
