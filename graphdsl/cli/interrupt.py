"""Ctrl-C: the first stops the command, those that follow must not break the stopping.

People press it twice, and `timeout` signals both the process and its group. A second
KeyboardInterrupt would end the interpreter while native threads of a model still call into it.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from time import monotonic
from types import FrameType
from typing import Final

from graphdsl.cli.codes import Exit

_PATIENCE: Final = 15.0
"""Seconds after which another Ctrl-C counts again: something swallowed the first."""


class Once:
    """A handler that raises KeyboardInterrupt once, and not at all once we are leaving."""

    def __init__(self) -> None:
        self.leaving = False
        self._until = 0.0

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        now = monotonic()
        if self.leaving or now < self._until:
            return
        self._until = now + _PATIENCE
        raise KeyboardInterrupt


_handler: Final = Once()


def install() -> None:
    """Take Ctrl-C over, unless whoever started us wants it ignored or handles it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handler)


def leave(code: int) -> None:
    """Close the models while Ctrl-C is ignored; returns when an ordinary exit is safe.

    An interrupted process, or one whose models do not close in time, ends here: an ordinary exit
    would wait for threads, and take the handler away while they still run.
    """
    _handler.leaving = True
    runtime = sys.modules.get("graphdsl.api.runtime")
    closed = True if runtime is None else runtime.shutdown_in_time()
    if closed and code != Exit.INTERRUPTED:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
