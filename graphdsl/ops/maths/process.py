"""The process in which expressions are compared: started when first wanted, kept, replaced.

It has an empty environment, so it knows no keys, and little memory; `inside` says what it does.
There is one for each process of ours, used by one thread at a time. It ends with its pipe.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from graphdsl.errors import GraphDslError
from graphdsl.ops.maths import inside
from graphdsl.ops.maths.aside import still_wanted
from graphdsl.ops.required import require_packages

WALL: Final = 10.0
"""Seconds after which a comparison is given up by the clock: on a busy machine the second of
processor time that it has takes longer. The process is then ended."""

OVERRUN: Final = "k"
"""What is said of a pair for which the process was ended by its own timer."""

_START: Final = 60.0
_TRIES: Final = 3
_GLANCE: Final = 0.1
"""Seconds between two looks whether somebody waits still."""

_REAPED: Final = 0.2
"""Seconds in which a process that closed its pipe says how it ended."""

Pair = tuple[int, int]


class Comparer:
    """Asks the process, which it starts, and starts again where it was ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._owner = os.getpid()
        atexit.register(self.close)

    def compare(
        self, texts: Sequence[str], pairs: Sequence[Pair], *, join: bool
    ) -> list[str | None]:
        """What the process says of each pair, up to one with which it ended.

        That is the last: `OVERRUN` where its own timer has ended it, None where anything else has,
        such as a machine too busy or short of memory. Those after it must be asked again.

        Raises `ExtraMissing` without the package, `GraphDslError` where the process does not
        start, and what `still_wanted` raises.
        """
        request = {"texts": list(texts), "pairs": list(pairs), "join": join}
        results: list[str | None] = []
        with self._lock:
            process = self._asked(json.dumps(request).encode() + b"\n")
            try:
                while len(results) < len(pairs) and not ended(results):
                    still_wanted()
                    results.append(self._line(process, WALL))
            finally:
                if len(results) < len(pairs):  # it must not answer what nobody waits for
                    self._end()
        return results

    def close(self) -> None:
        """End the process. Another comparison starts a new one."""
        if self._owner == os.getpid():  # a forked process has its parent's, to leave alone
            self._end()

    def _asked(self, request: bytes) -> subprocess.Popen[bytes]:
        """The process, which has been given the request. It reads that whole before it answers."""
        for _ in range(_TRIES):
            process = self._running()
            if self._write(process, request):
                return process
        raise GraphDslError("the process that compares expressions does not listen")

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is None:
            return process
        self._end()
        for _ in range(_TRIES):
            process = self._started()
            try:
                ready = self._line(process, _START) == "ready"
            except BaseException:  # nobody waits any more, and nobody must read its `ready`
                self._end()
                raise
            if ready:
                return process
            self._end()
        raise GraphDslError("the process that compares expressions does not start")

    def _started(self) -> subprocess.Popen[bytes]:
        require_packages("vote", {"by": "maths"})
        process = self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(inside.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.path.abspath(os.sep),
            env={"LANG": "C.UTF-8"},
            start_new_session=True,
        )
        self._rest = b""
        known = [os.path.abspath(entry) for entry in sys.path if entry]
        self._write(process, json.dumps({"path": known}).encode() + b"\n")
        return process

    def _write(self, process: subprocess.Popen[bytes], data: bytes) -> bool:
        """False where nobody reads it."""
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except OSError:
            self._end()
            return False
        return True

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> str | None:
        """The next line; `OVERRUN` or None where the process has ended, or has been, being late."""
        assert process.stdout is not None
        if b"\n" not in self._rest:
            self._read(process.stdout.fileno(), time.monotonic() + seconds)
        line, end, rest = self._rest.partition(b"\n")
        if not end:
            return self._ended(process)
        self._rest = rest
        return line.decode("ascii")

    def _ended(self, process: subprocess.Popen[bytes]) -> str | None:
        with suppress(subprocess.TimeoutExpired):  # it may only be late
            process.wait(_REAPED)
        self._end()
        return OVERRUN if process.returncode == -signal.SIGVTALRM else None

    def _read(self, source: int, limit: float) -> None:
        """Read up to the end of a line. Raises what `still_wanted` does."""
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ)
            while b"\n" not in self._rest and (left := limit - time.monotonic()) > 0:
                still_wanted()
                if selector.select(min(left, _GLANCE)):
                    data = os.read(source, 65536)
                    if not data:
                        return
                    self._rest += data

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait()


def ended(results: Sequence[str | None]) -> bool:
    """True where the last of these results is that the process ended."""
    return bool(results) and results[-1] in (None, OVERRUN)


@cache
def _comparer(process: int) -> Comparer:
    return Comparer()


def comparer() -> Comparer:
    """The one of this process: a forked one makes its own."""
    return _comparer(os.getpid())
