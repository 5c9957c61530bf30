"""Ctrl-C and SIGTERM: the first stops the command, those that follow must not break the stopping.

People press it twice, and `timeout` signals both the process and its group. A second
KeyboardInterrupt would end the interpreter while native threads of a model still call into it.
Both end alike, with journals and files complete; only the exit code differs.
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


_DELIVERY: Final = 5.0
"""Seconds that a collector of telemetry gets to take the spans of an interrupted run."""


class Once:
    """A handler that raises KeyboardInterrupt once, and not at all once we are leaving."""

    def __init__(self) -> None:
        self.leaving = False
        self.terminated = False
        self._until = 0.0

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = monotonic()
        if self.leaving or now < self._until:
            return
        self.terminated = number == signal.SIGTERM
        self._until = now + _PATIENCE
        raise KeyboardInterrupt


_handler: Final = Once()


def install() -> None:
    """Take Ctrl-C and SIGTERM over, unless whoever started us ignores or handles them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _handler)


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
    telemetry = sys.modules.get("graphdsl.executors.traces.telemetry")
    if telemetry is not None:  # an ordinary exit would send what is left
        telemetry.deliver(_DELIVERY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    ended = code == Exit.INTERRUPTED and _handler.terminated
    os._exit(Exit.TERMINATED if ended else code)
