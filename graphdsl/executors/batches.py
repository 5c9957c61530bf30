"""A thread that writes to a disk what others give it, so that nobody waits for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MOST: Final = 1000
"""Things that are written in one piece."""


class Batches(Generic[T]):
    """Calls `write` on a thread of its own, with whatever has come in since the last time.

    `write` must not raise: the thread has to live for what follows. Should it do so, nothing more
    is taken, nobody waits any more, and the thread ends with the error. `end` is called there,
    last. It waits for `linger` seconds after the first of a batch, so that more come together.
    Safe to use from many threads; what is not written when the process ends is lost, unless it was
    closed.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[list[T]], None],
        end: Callable[[], None],
        linger: float = 0.0,
    ) -> None:
        self._write = write
        self._end = end
        self._linger = linger
        self._queue: SimpleQueue[T | threading.Event | None] = SimpleQueue()
        self._hurry = threading.Event()
        self._closed = False
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._write_all, name=name, daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """True once nothing more is taken."""
        return self._closed

    def put(self, thing: T) -> bool:
        """Have it written soon. False where it is closed, and the thing will not be."""
        return self._put(thing)

    def flush(self) -> None:
        """Wait until everything that was put before is written."""
        written = threading.Event()
        self._hurry.set()
        if self._put(written):
            written.wait()
        else:
            self._thread.join()

    def close(self) -> bool:
        """Write what is left, and end the thread. False where it was closed before."""
        with self._turn:
            if self._closed:
                return False
            self._closed = True
            self._hurry.set()
            self._queue.put(None)
        self._thread.join()
        return True

    def _put(self, thing: T | threading.Event) -> bool:
        with self._turn:
            if not self._closed:
                self._queue.put(thing)
            return not self._closed

    def _write_all(self) -> None:
        try:
            self._write_each()
        finally:
            self._give_up()  # nothing is left to give up, but for a defect
            self._end()

    def _give_up(self) -> None:
        """Take nothing more, and wake those who wait for what is left."""
        with self._turn:
            self._closed = True
        while not self._queue.empty():
            thing = self._queue.get()
            if isinstance(thing, threading.Event):
                thing.set()

    def _write_each(self) -> None:
        more = True
        while more:
            batch = [self._queue.get()]
            if self._linger and batch[0] is not None and self._queue.qsize() < _MOST:
                self._hurry.wait(self._linger)
            while batch[-1] is not None and len(batch) < _MOST and not self._queue.empty():
                batch.append(self._queue.get())
            more = batch[-1] is not None
            self._write_one(batch)

    def _write_one(self, batch: list[T | threading.Event | None]) -> None:
        waiting = [thing for thing in batch if isinstance(thing, threading.Event)]
        things = [
            thing for thing in batch if thing is not None and not isinstance(thing, threading.Event)
        ]
        try:
            if things:
                self._write(things)
        finally:
            if waiting and not self._closed:
                self._hurry.clear()
            for written in waiting:
                written.set()
