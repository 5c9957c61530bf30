"""The processes that vLLM starts when it runs in ours: where they write, and that they end with us.

vLLM lets them write to our terminal, and outlive us where we are killed with SIGKILL (seen with
0.32). So processes that `multiprocessing` starts while an engine loads write to a log, and a
watching process of ours ends them once we are gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from graphdsl.executors import orphan_watch

_STANDARD: Final = (1, 2)
_PATCHING: Final = threading.Lock()
"""Engines load one at a time: each takes the place of the same method meanwhile."""


class Children:
    """The processes of one engine; `log` is what they write."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="graphdsl-vllm-", suffix=".log")
        self.log = Path(name)
        self._log: int | None = handle
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", orphan_watch.__file__],
            stdin=subprocess.PIPE,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            text=True,
        )

    @contextmanager
    def adopting(self) -> Generator[None]:
        """What is started meanwhile, by any thread, is one of these."""
        real = BaseProcess.start
        own = self

        def start(self: BaseProcess) -> None:
            with _written_to(own._log):
                real(self)
            own._watched(self)

        with _PATCHING:
            BaseProcess.start = start
            try:
                yield
            finally:
                BaseProcess.start = real

    def end(self) -> None:
        """Tell the watch to end what is left of them, and what is still to come."""
        if self._watch.stdin is not None and not self._watch.stdin.closed:
            self._watch.stdin.close()

    def close(self, *, keep_log: bool = False) -> None:
        """`end`, and wait until that has been done. May be called twice."""
        self.end()
        self._watch.wait()
        if self._log is not None:
            os.close(self._log)
            self._log = None
        if not keep_log:
            self.log.unlink(missing_ok=True)

    def _watched(self, process: BaseProcess) -> None:
        pipe = self._watch.stdin
        if pipe is None or pipe.closed:
            process.kill()
        else:
            print(process.pid, file=pipe, flush=True)


@contextmanager
def _written_to(log: int | None) -> Generator[None]:
    """Our standard streams lead to the log, for as long as it takes to start a process."""
    kept = [os.dup(stream) for stream in _STANDARD]
    try:
        for stream in _STANDARD:
            if log is not None:
                os.dup2(log, stream)
        yield
    finally:
        for stream, copy in zip(_STANDARD, kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
