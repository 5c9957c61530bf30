"""Locks on open files, which end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import os
from typing import IO


def try_lock(file: IO[bytes] | int) -> bool:
    """Lock a file for this process alone; False where another holds it. Closing it unlocks.

    Raises `OSError` where files cannot be locked.
    """
    number = file if isinstance(file, int) else file.fileno()
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise
    return True
