"""Runs a command for as long as whoever asked for it lives: `python guarded_child.py COMMAND …`.

This is a program of its own, run by its path, so that it starts in some 20 ms and imports nothing
of graphdsl. It leads a session of its own; the command and all its children belong to its process
group. Its standard input is a pipe that only the asker holds: when that closes (the asker said so,
ended, or was killed with SIGKILL), the group gets SIGTERM, and SIGKILL after `GRACE` seconds. The
end of the command ends the group, too. If this process itself is killed, Linux tells the command.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

GRACE: Final = 15.0
"""Seconds between SIGTERM and SIGKILL."""

_LOOK: Final = 0.25
"""Seconds between two looks at the command."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def main(command: list[str]) -> int:
    """Run the command until it ends or nobody wants it any more; its exit status."""
    parent = os.getppid()
    for caught in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(caught, signal.SIG_IGN)  # those are for the command; the pipe is for us
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_in_child)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None and _wanted(parent):
        pass
    if child.poll() is None:
        os.killpg(0, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)
    status = child.poll()
    _end_others()
    return 1 if status is None or status < 0 else status


def _in_child() -> None:
    """Between fork and exec; this process has one thread, so that Python may run here."""
    for caught in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(caught, signal.SIG_DFL)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _wanted(parent: int) -> bool:
    """Waits a moment; false once the pipe is closed, or the parent is another one.

    A process that was forked from the asker may hold the pipe open after its end.
    """
    ready, _, _ = select.select([0], [], [], _LOOK)
    return not (ready and not os.read(0, 1)) and os.getppid() == parent


def _end_others() -> None:
    """The rest of the group has half a second to end by itself; then it is killed."""
    if sys.platform != "linux":
        os.killpg(0, signal.SIGKILL)  # and this process with them
    for look in range(200):
        _reap()
        left = _members(os.getpgrp()) - {os.getpid()}
        if not left:
            return
        if look >= 10:
            for one in left:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
        time.sleep(0.05)


def _reap() -> None:
    """Take leave of the children's children, which are ours once their parents have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _members(group: int) -> set[int]:
    """The processes of a group that are no zombies."""
    found: set[int] = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
            state, _, pgrp = f.read().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.add(int(name))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
