"""Makes namespaces and a small read-only tree of files, then becomes the relay inside them.

`main(plan)` is called with `parent` (the process that started this one: they end together), `read`
(folders of Python and its libraries), `hide` (folders in those that are shown empty), `user` (the
id outside that the candidate gets, where this is root), `files` and `files_bytes` (how much the
scratch folder holds). Needs Linux's user namespaces and no privilege. The tree has those folders,
five devices and the scratch folder: no program, no home, no /proc, no configuration.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys

from graphdsl.executors.sandbox.inside import relay
from graphdsl.executors.sandbox.inside.libc import PR_SET_PDEATHSIG, call, prctl, syscall
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

SCRATCH: Final = "/tmp"
"""The scratch folder inside."""

FAILED: Final = 126
"""Exit status when the namespaces or the tree could not be made; stderr says why."""

_NEW: Final = (
    0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
)
"""CLONE_NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP."""

_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _REC, _PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH: Final = 2
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR, _AT_EMPTY_PATH, _AT_RECURSIVE = 442, 0x1000, 0x8000
_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_PLACES: Final = ("/mnt", "/media", "/srv", "/opt", "/tmp")


def main(plan: dict[str, Any]) -> None:
    """Never returns: the exit status is the relay's, or `FAILED`."""
    try:
        relay.end_with(plan["parent"], signal.SIGKILL)
        _separate(plan["user"])
        relay.end_with(plan["parent"], signal.SIGKILL)  # new credentials may have undone it
        _build(plan)
        child = os.fork()
    except (OSError, KeyError) as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(FAILED)
    if child == 0:
        _first(plan)
    for fd in (0, 1):
        os.close(fd)
    status = os.waitpid(child, 0)[1]
    os._exit(max(0, os.waitstatus_to_exitcode(status)))


def _first(plan: dict[str, Any]) -> None:
    """The first process of the namespace: its end is the end of all in it."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        call("sethostname", ctypes.c_char_p(b"sandbox"), ctypes.c_size_t(7))
        relay.main()
    finally:
        os._exit(0)


def _separate(user: int | None) -> None:
    """New namespaces, where this user is 0; `user`, which only root can have, is 1."""
    me, group = os.geteuid(), os.getegid()
    helper = None if user is None else _helper(user)
    call("unshare", ctypes.c_int(_NEW))
    if helper is not None:
        pid, told = helper
        os.write(told, b"!")
        if os.waitpid(pid, 0)[1]:
            raise OSError("the user ids of the namespace could not be set")
        return
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"0 {me} 1")
    _write("/proc/self/gid_map", f"0 {group} 1")


def _helper(user: int) -> tuple[int, int]:
    """A process that stays outside and, once told, names the ids of this one's namespace."""
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(reading)
        return pid, writing
    status = 1
    try:
        os.close(writing)
        if os.read(reading, 1):
            for kind in ("uid", "gid"):
                _write(f"/proc/{parent}/{kind}_map", f"0 0 1\n1 {user} 1")
            status = 0
    finally:
        os._exit(status)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _build(plan: dict[str, Any]) -> None:
    """The tree of files, with itself as the only root."""
    read: Sequence[str] = plan["read"]
    taken = (*read, "/dev")
    root = next(
        place
        for place in _PLACES
        if os.path.isdir(place) and not any(f"{path}/".startswith(f"{place}/") for path in taken)
    )
    _mount(None, "/", None, _REC | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    for path in read:
        _show(path, root)
    os.makedirs(f"{root}/dev")
    for name in _DEVICES:
        with open(f"{root}/dev/{name}", "w", encoding="ascii"):
            pass
        _mount(f"/dev/{name}", f"{root}/dev/{name}", None, _BIND)
    os.mkdir(root + SCRATCH)
    hidden = [root + path for path in plan["hide"]]
    for place in hidden:
        _mount("tmpfs", place, "tmpfs", _NOSUID | _NODEV, "size=4k,mode=755")
    _read_only(root, [*(root + path for path in read if not os.path.islink(path)), *hidden])
    room = f"size={plan['files_bytes']},nr_inodes={plan['files']},mode=1777"
    _mount("tmpfs", root + SCRATCH, "tmpfs", _NOSUID | _NODEV | _NOEXEC, room)
    os.chdir(root)
    syscall(_PIVOT_ROOT[os.uname().machine], b".", b".")
    call("umount2", ctypes.c_char_p(b"."), ctypes.c_int(_DETACH))
    os.chdir("/")


def _show(path: str, root: str) -> None:
    """A folder or file of the host at the same place in the tree; a link stays a link."""
    place = root + path
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), place)
        return
    if os.path.isdir(path):
        os.makedirs(place, exist_ok=True)
    else:
        with open(place, "w", encoding="ascii"):
            pass
    _mount(path, place, None, _BIND | _REC)


def _read_only(root: str, binds: Sequence[str]) -> None:
    """Everything so far, with what is mounted beneath it."""
    attributes = struct.pack("QQQQ", _RDONLY | _NOSUID, 0, 0, 0)
    try:
        tree = os.open(root, os.O_PATH)
        syscall(
            _MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, attributes, len(attributes)
        )
        os.close(tree)
        return
    except OSError:  # before Linux 5.12: one by one
        pass
    for place in (root, *binds):
        kept = os.statvfs(place).f_flag & 0x1C0F & ~_RDONLY
        _mount(None, place, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | kept)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, options)]
    try:
        call("mount", texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    except OSError as error:
        raise OSError(
            error.errno, f"cannot mount {target}: {os.strerror(error.errno or 0)}"
        ) from error
