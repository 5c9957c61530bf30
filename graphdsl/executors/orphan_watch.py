"""Ends processes when whoever asked for it is gone: `python orphan_watch.py`, their ids on stdin.

A program of its own, run by its path. Its standard input is a pipe that only the asker holds, with
one process id a line; when it closes, those that still run get SIGTERM, and SIGKILL after `GRACE`
seconds. Ids are turned into handles as they come, so that no other process of that id is hit.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Final

GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""


def main() -> None:
    """Read ids until the pipe closes, then end them."""
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    handles: list[int] = []
    for line in sys.stdin:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(int(line)))
    _signal(handles, signal.SIGTERM)
    end = time.monotonic() + GRACE
    while handles and time.monotonic() < end:
        ended, _, _ = select.select(handles, [], [], GRACE)
        handles = [handle for handle in handles if handle not in ended]
    _signal(handles, signal.SIGKILL)


def _signal(handles: list[int], number: signal.Signals) -> None:
    for handle in handles:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)


if __name__ == "__main__":
    main()
