"""What a process gives up before it runs code that nobody has read."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress

from graphdsl.executors.sandbox.inside import landlock, seccomp
from graphdsl.executors.sandbox.inside.libc import (
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    call,
    prctl,
)
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Final

_CAPABILITIES: Final = 64
_VERSION_3: Final = 0x20080522
_OPEN_FILES: Final = 64
_OPEN_FILES_SHARED: Final = 32
_PART: Final = 4
"""One file has this part of the room where only the relay watches the sum: a file that is open but
in no folder is not in sight, and there may be as many of them as may be open."""
_THREADS: Final = 64


def confine(work: dict[str, Any]) -> None:
    """Give up privileges, network, files and resources for good. Raises `OSError`.

    `work` has `limits`, and how: `user` (an id to become), `landlock` (what may be read, and with
    `listed` what may only be listed; the scratch folder may be written), `seccomp` (`True` where
    the system-call filter is needed and not only wanted), `shared` (the processes and files of
    others are in sight).
    """
    limits = work["limits"]
    os.umask(0o077)
    if sys.platform == "linux":
        _become(work.get("user"))
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # never outlives the relay
    _limit(limits, shared=bool(work.get("shared")))
    if work.get("landlock") is not None:
        devices = ["/dev/null", "/dev/zero", "/dev/full"]
        read = [*work["landlock"], "/dev/urandom"]
        landlock.restrict(read, work.get("listed") or (), [work["scratch"], *devices])
    _filter(work, alone=limits["processes"] <= 1 or bool(work.get("shared")))
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _become(user: int | None) -> None:
    """Another user, where one is named; no capabilities in any case."""
    with suppress(OSError):
        for capability in range(_CAPABILITIES):
            prctl(PR_CAPBSET_DROP, capability)
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    head = struct.pack("Ii", _VERSION_3, 0)
    call("capset", ctypes.c_char_p(head), ctypes.c_char_p(bytes(24)))


def _limit(limits: dict[str, Any], *, shared: bool) -> None:
    """`shared`: the number of processes is not limited, since it counts all of the user's; the
    folder that is written has no size."""
    seconds = max(1, int(limits["seconds"]) + 1)
    room = limits["files_bytes"] // _PART if shared else limits["files_bytes"]
    opened = _OPEN_FILES_SHARED if shared else _OPEN_FILES
    pairs = [
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, room, room),
        (resource.RLIMIT_NOFILE, opened, opened),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits["memory"], limits["memory"]),
    ]
    if not shared or not seccomp.supported():
        processes = _THREADS + limits["processes"]
        pairs.append((resource.RLIMIT_NPROC, processes, processes))
    for kind, soft, hard in pairs:
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            if sys.platform == "linux":
                raise  # elsewhere some limits exist by name only


def _filter(work: dict[str, Any], *, alone: bool) -> None:
    if not seccomp.supported():
        if work.get("seccomp"):
            raise OSError(f"no system-call filter for {os.uname().machine} is known")
        return
    shared = bool(work.get("shared"))
    seccomp.install(
        seccomp.program(os.uname().machine, alone=alone, shared=shared, pid=os.getpid())
    )
