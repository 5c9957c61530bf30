"""The contenders side by side: each in its process, asked in turns, none waited for too long."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Final

from benchmarks.overhead_parts.contender import Contender
from benchmarks.overhead_parts.worker import Cannot, Live, Order, Timing, serve

LATE: Final = Cannot("cap")
"""It took longer than the cap."""

Found = list[Timing] | Cannot
"""The timings of one cell, one for each repeat."""


@dataclass
class _Seat:
    process: SpawnProcess
    pipe: Connection


class Field:
    """A context manager over the processes of the contenders.

    `cap` is seconds for one measurement, with making the graph ready. Who is late is ended, and
    sits out what is larger of that kind. `broken`: somebody failed in a way that is no answer.
    """

    def __init__(self, contenders: Iterable[Contender], cap: float, *, uvloop: bool) -> None:
        self.contenders = {one.name: one for one in contenders}
        self._cap = cap
        self._uvloop = uvloop
        self._seats: dict[str, _Seat] = {}
        self._skips: set[tuple[str, str]] = set()
        self.broken = False

    def __enter__(self) -> Field:
        self._folder = tempfile.TemporaryDirectory()
        os.environ["TMPDIR"] = self._folder.name  # what the processes leave there goes with it
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rest()
        del os.environ["TMPDIR"]
        self._folder.cleanup()

    def rest(self) -> None:
        """End all processes; the next order finds fresh ones."""
        for name in list(self._seats):
            self._end(name)

    def race(
        self, order: Order, repeats: int, kind: str, names: Iterable[str] | None = None
    ) -> Mapping[str, Found]:
        """The timings of everybody, interleaved; a first round makes ready and is dropped.

        Who was late at an order of this `kind` before is not asked again.
        """
        found: dict[str, Found] = {}
        for round_ in range(repeats + 1):
            for name in names or self.contenders:
                known = found.get(name, [])
                if isinstance(known, Cannot):
                    continue
                answer = self._asked(kind, name, order)
                if isinstance(answer, Timing):
                    found[name] = [*known, answer] if round_ else known
                else:
                    assert isinstance(answer, Cannot)
                    found[name] = answer
        return found

    def _asked(self, kind: str, name: str, order: Order) -> Timing | Live | Cannot:
        if (kind, name) in self._skips:
            return LATE
        answer = self.ask(name, order)
        if answer is LATE:
            self._skips.add((kind, name))
        return answer

    def ask(self, name: str, order: Order) -> Timing | Live | Cannot:
        """One measurement."""
        seat = self._seats.get(name) or self._begin(name)
        seat.pipe.send(order)
        if not seat.pipe.poll(self._cap):
            self._end(name)
            return LATE
        try:
            answer: Timing | Live | Cannot = seat.pipe.recv()
        except EOFError:
            self._end(name)
            answer = Cannot("the process died", broken=True)
        self.broken |= isinstance(answer, Cannot) and answer.broken
        return answer

    def _begin(self, name: str) -> _Seat:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        contender = self.contenders[name]
        process = context.Process(target=serve, args=(contender, there, self._uvloop), daemon=True)
        process.start()
        there.close()
        self._seats[name] = _Seat(process, here)
        return self._seats[name]

    def _end(self, name: str) -> None:
        seat = self._seats.pop(name)
        seat.pipe.close()
        seat.process.kill()
        seat.process.join()
