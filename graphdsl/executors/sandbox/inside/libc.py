"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38

_libc: Final = ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: Any) -> int:
    """The result of a system call by its number. Raises `OSError`."""
    _libc.syscall.restype = ctypes.c_long
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    return _checked(result, f"system call {number}")


def call(name: str, *arguments: Any) -> int:
    """The result of a function of the C library. Raises `OSError`."""
    return _checked(int(getattr(_libc, name)(*arguments)), name)


def prctl(option: int, value: int) -> int:
    """`prctl` with one argument. Raises `OSError`."""
    long = ctypes.c_ulong
    return call("prctl", ctypes.c_int(option), long(value), long(0), long(0), long(0))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
