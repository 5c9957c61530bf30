"""Files and TCP ports that a process may use, by Linux's Landlock: needs no privilege.

See landlock(7). Version 3 of the interface (Linux 6.2) is the first that also covers truncation, so
older ones are not used.
"""

from __future__ import annotations

import os
import stat
import struct

from graphdsl.executors.sandbox.inside.libc import syscall
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

OLDEST: Final = 3
"""The oldest version of the interface that is good enough."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_ALL_FILES: Final = {3: (1 << 15) - 1, 4: (1 << 15) - 1}  # from version 5 on also ioctl on devices
_ALL_WITH_DEVICES: Final = (1 << 16) - 1
_DEVICE_NODES: Final = (1 << 6) | (1 << 11)
_FOR_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | (1 << 14) | (1 << 15)
_BOTH_PORTS, _BOTH_SCOPES = 3, 3


def version() -> int:
    """The version of the interface; 0 where there is none."""
    try:
        return syscall(_CREATE, None, 0, 1)
    except OSError:
        return 0


def restrict(read: Sequence[str], listed: Sequence[str], write: Sequence[str]) -> None:
    """From now on this process reads only beneath `read`, and changes only beneath `write`; beneath
    `listed` it sees the names in folders.

    Paths that do not exist are left out. TCP is refused, and (from version 6 on) signals to and
    abstract sockets of others. Raises `OSError`; `prctl(PR_SET_NO_NEW_PRIVS)` must come before.
    """
    abi = version()
    if abi < OLDEST:
        raise OSError(f"Landlock of version {OLDEST} or later is needed, this kernel has {abi}")
    handled = _ALL_FILES.get(abi, _ALL_WITH_DEVICES)
    attributes = struct.pack("Q", handled)
    if abi >= 4:
        attributes += struct.pack("Q", _BOTH_PORTS)
    if abi >= 6:
        attributes += struct.pack("Q", _BOTH_SCOPES)
    rules = syscall(_CREATE, attributes, len(attributes), 0)
    for path in read:
        _allow(rules, path, _READ_FILE | _READ_DIR)
    for path in listed:
        _allow(rules, path, _READ_DIR)
    for path in write:
        _allow(rules, path, handled & ~_EXECUTE & ~_DEVICE_NODES)
    syscall(_RESTRICT, rules, 0)
    os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _FOR_FILES & ~(1 << 15)
        beneath = 1
        syscall(_ADD, rules, beneath, struct.pack("=Qi", access, place), 0)
    finally:
        os.close(place)
