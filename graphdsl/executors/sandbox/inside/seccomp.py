"""A filter of system calls, as a program for the kernel: no network, no process, no back door.

It denies rather than allows, so that any Python works: what it denies are network sockets, new
processes and programs, signals to and memory of other processes, and the parts of the kernel that
were most often a way out (namespaces, mounts, tracing, keys, BPF, io_uring). See seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from graphdsl.executors.sandbox.inside.libc import syscall
from graphdsl.executors.sandbox.inside.syscall_numbers import (
    ATTRIBUTES,
    NEVER,
    PROCESSES,
    SHARED,
    SIGNALS,
    SPECIAL,
    numbers,
)
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_CLONE_THREAD: Final = 0x00010000
_NEW_NAMESPACES: Final = 0x7E020000  # CLONE_NEWNS … CLONE_NEWNET, CLONE_NEWCGROUP

_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_ERRNO: Final = 0x00050000
_LOAD, _EQUAL, _SOME_BITS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_X32: Final = 0x40000000

_SET_PDEATHSIG: Final = 1
_FCNTL: Final = (8, 10, 15, 1024, 1026)  # F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY
_IOCTL: Final = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP


def supported() -> bool:
    """True where the numbers of system calls are known."""
    return os.uname().sysname == "Linux" and os.uname().machine in _ARCHITECTURES


def program(machine: str, *, alone: bool, shared: bool, pid: int) -> bytes:
    """The filter, as the kernel wants it.

    `alone`: no other process can be made and no program started. `shared`: processes and files of
    others are in sight, so signals go only to `pid`, by whatever way, limits are set only for this
    process, and attributes of files cannot be changed. Nobody gives up to end with its parent.
    """
    deny = _refuse(errno.EPERM)
    special = numbers(SPECIAL, machine)
    lines = [
        _line(_LOAD, _ARCHITECTURE),
        _line(_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _line(_RETURN, _KILL_PROCESS),
        _line(_LOAD, _NUMBER),
        *_when(_AT_LEAST, _X32, deny),
        *_when(_EQUAL, special["clone3"], _refuse(errno.ENOSYS)),  # callers fall back on clone
        *_refused_with(special["prctl"], _FIRST_ARGUMENT, (_SET_PDEATHSIG,)),
    ]
    refused = [*numbers(NEVER, machine).values()]
    if alone:
        refused += numbers(PROCESSES, machine).values()
    if shared:
        refused += [*numbers(ATTRIBUTES, machine).values(), *numbers(SHARED, machine).values()]
        for number in numbers(SIGNALS, machine).values():
            lines += _only_to(number, pid)
        lines += _only_to(special["prlimit64"], 0)
        lines += _refused_with(special["fcntl"], _SECOND_ARGUMENT, _FCNTL)
        lines += _refused_with(special["ioctl"], _SECOND_ARGUMENT, _IOCTL)
    for number in refused:
        lines += _when(_EQUAL, number, deny)
    lines += _clone(special["clone"], alone)
    lines.append(_line(_RETURN, _ALLOW))
    return b"".join(lines)


def install(filter_: bytes) -> None:
    """Have the kernel apply the filter to every thread of this process. Raises `OSError`."""
    buffer = ctypes.create_string_buffer(filter_, len(filter_))
    head = struct.pack("HL", len(filter_) // 8, ctypes.addressof(buffer))
    mode_filter, all_threads = 1, 1
    syscall(numbers(SPECIAL, os.uname().machine)["seccomp"], mode_filter, all_threads, head)


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refuse(number: int) -> bytes:
    return _line(_RETURN, _ERRNO | number)


def _when(test: int, value: int, then: bytes) -> tuple[bytes, bytes]:
    """Return something when the loaded word passes the test."""
    return _line(test, value, 0, 1), then


def _only_to(number: int, pid: int) -> Iterable[bytes]:
    """A call reaches nobody but this process; the call's number is loaded again after."""
    return (
        _line(_EQUAL, number, 0, 4),
        _line(_LOAD, _FIRST_ARGUMENT),
        _line(_EQUAL, pid, 1, 0),
        _refuse(errno.EPERM),
        _line(_LOAD, _NUMBER),
    )


def _refused_with(number: int, place: int, values: tuple[int, ...]) -> Iterable[bytes]:
    """A call is refused with these values of an argument, of which the kernel reads 32 bits."""
    tests = [line for value in values for line in _when(_EQUAL, value, _refuse(errno.EPERM))]
    inner = (_line(_LOAD, place), *tests, _line(_LOAD, _NUMBER))
    return _line(_EQUAL, number, 0, len(inner)), *inner


def _clone(number: int, alone: bool) -> Iterable[bytes]:
    """No new namespaces; alone, nothing but threads. The last test: what is loaded is lost."""
    threads_only = (_line(_SOME_BITS, _CLONE_THREAD, 1, 0), _refuse(errno.EPERM)) if alone else ()
    return (
        _line(_EQUAL, number, 0, 3 + len(threads_only)),
        _line(_LOAD, _FIRST_ARGUMENT),
        *_when(_SOME_BITS, _NEW_NAMESPACES, _refuse(errno.EPERM)),
        *threads_only,
    )
