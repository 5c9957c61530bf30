"""The first process inside a sandbox: makes the candidate's, carries bytes, and ends everything.

Its standard input and output lead out. The candidate has neither: its own are pipes that end here.
When nobody listens any more (the input closed), or the candidate's process has ended, all is over.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import sys
import time
from contextlib import suppress

from graphdsl.executors.sandbox.inside import folders, frames
from graphdsl.executors.sandbox.inside.candidate import run
from graphdsl.executors.sandbox.inside.confine import confine
from graphdsl.executors.sandbox.inside.frames import piece, read_piece, write_all
from graphdsl.executors.sandbox.inside.json_text import json_text
from graphdsl.executors.sandbox.inside.libc import PR_SET_PDEATHSIG, prctl
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

_LOOK: Final = 0.05
"""Seconds between two looks at the scratch folder, and at the candidate where nothing tells."""

_CHUNK: Final = 1 << 16
_STATUS_BROKEN: Final = 125


class _Gone(BaseException):
    """The process that started this one has ended."""


def main(parent: int | None = None) -> None:
    """Read the work, run it in a process of its own, and say how that ended.

    `parent` is the process that started this one, where that is to be watched.
    """
    if parent is not None:
        signal.signal(signal.SIGTERM, _gone)
        end_with(parent, signal.SIGTERM)
    received = read_piece(0)
    if received is None or received[0] != frames.WORK:
        return
    work = marshal.loads(received[2])
    pipes = {name: os.pipe() for name in ("in", "out", "err", "requests", "replies", "broken")}
    stdin = _stdin(work)
    child = os.fork()
    if child == 0:
        _candidate(work, pipes, stdin)
    for name, (reading, writing) in pipes.items():
        os.close(reading if name in ("in", "requests") else writing)
    os.close(stdin)
    os.close(pipes["in"][1])
    _Relay(work, pipes, child).carry()


def end_with(parent: int, number: int) -> None:
    """Get a signal when the process that started this one ends; end now where it has already."""
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(0)


def _gone(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # it comes once for each thread of the other process
    raise _Gone


def _stdin(work: dict[str, Any]) -> int:
    """What the code reads from its standard input: an unlinked file in the scratch folder."""
    path = os.path.join(work["scratch"], ".stdin")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    write_all(fd, work["stdin"].encode("utf-8", "surrogatepass"))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _candidate(work: dict[str, Any], pipes: dict[str, tuple[int, int]], stdin: int) -> None:
    """The child's whole life. Its own group and session, its own streams, then confinement."""
    try:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(pipes["out"][1], 1)
        os.dup2(pipes["err"][1], 2)
        requests, replies, broken = (
            pipes["requests"][0],
            pipes["replies"][1],
            pipes["broken"][1],
        )
        for fd in range(3, 256):
            if fd not in (requests, replies, broken):
                with suppress(OSError):
                    os.close(fd)
        os.chdir(work["scratch"])
        for name in [name for name in sys.modules if name.partition(".")[0] == "graphdsl"]:
            del sys.modules[name]  # what runs here is no part of what the code may import
        try:
            confine(work)
        except OSError as error:
            write_all(broken, str(error).encode())
            os._exit(_STATUS_BROKEN)
        os.close(broken)
        run(work, requests, replies)
    finally:
        os._exit(_STATUS_BROKEN)


class _Relay:
    """Carries bytes between the candidate's pipes and the outside until it is over."""

    def __init__(self, work: dict[str, Any], pipes: dict[str, tuple[int, int]], child: int) -> None:
        self._child = child
        self._work = work
        self._mark = frames.NO_MARK
        self._requests = pipes["requests"][1]
        self._broken = pipes["broken"][0]
        self._from = {
            pipes["out"][0]: frames.OUT,
            pipes["err"][0]: frames.ERR,
            pipes["replies"][0]: frames.VALUE,
        }
        self._unsent = bytearray()
        for fd in (self._requests, *self._from):
            os.set_blocking(fd, False)

    def carry(self) -> None:
        """Until the candidate ended or nobody listens any more."""
        try:
            self._carry()
        except (_Gone, BrokenPipeError):
            self._abandoned()

    def _carry(self) -> None:
        received = read_piece(0)
        if received is None or received[0] != frames.MARKED:
            self._abandoned()
            return
        self._mark = received[1]
        self._say(frames.STARTED, b"")
        ended: tuple[int, Any] | None = None
        while ended is None:
            waiting = [self._requests] if self._unsent else []
            ready, writable, _ = select.select([0, *self._from], waiting, [], _LOOK)
            if writable:
                self._send()
            if 0 in ready and not self._take():
                self._abandoned()
                return
            for fd in ready:
                self._pass_on(fd)
            if self._overfull():
                self._kill()
                self._say(frames.END, json_text({"files": True}).encode())
                return
            ended = self._ended()
        self._last_words(*ended)

    def _take(self) -> bool:
        """One request from outside, given to the candidate; false at the end."""
        received = read_piece(0)
        if received is None:
            return False
        self._unsent += piece(frames.ASKED, received[2])
        self._send()
        return True

    def _send(self) -> None:
        """What the pipe to the candidate has room for. To wait for more, as if the candidate had to
        read, would be to hear nothing from outside."""
        try:
            del self._unsent[: os.write(self._requests, self._unsent)]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent.clear()

    def _pass_on(self, fd: int) -> bool:
        """What a pipe has now; false when that is nothing."""
        if fd not in self._from:
            return False
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            del self._from[fd]
            return False
        self._say(self._from[fd], data)
        return True

    def _say(self, kind: bytes, data: bytes) -> None:
        write_all(1, piece(kind, data, self._mark))

    def _ended(self) -> tuple[int, Any] | None:
        pid, status, usage = os.wait4(self._child, os.WNOHANG)
        return (status, usage) if pid else None

    def _last_words(self, status: int, usage: Any) -> None:
        """Everything that is still in the pipes; a grandchild that holds one open adds nothing."""
        self._kill()
        if why := os.read(self._broken, _CHUNK):
            self._say(frames.BROKEN, why)
            return
        for fd in list(self._from):
            end = time.monotonic() + 1
            while self._pass_on(fd) and time.monotonic() < end:
                pass
        code = os.waitstatus_to_exitcode(status)
        said = {"code": code, "cpu": usage.ru_utime + usage.ru_stime}
        self._say(frames.END, json_text(said).encode())

    def _kill(self) -> None:
        """The candidate's group; in a process namespace this process's end takes all others."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)

    def _abandoned(self) -> None:
        """Nobody listens any more, so that nobody else clears a folder of the host away."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._kill()
        if self._work.get("shared"):
            with suppress(ChildProcessError):
                os.waitpid(self._child, 0)
            folders.remove(str(self._work["scratch"]))

    def _overfull(self) -> bool:
        """True when the scratch folder, which has no limit of its own, holds too much."""
        if not self._work.get("shared"):
            return False
        limits = self._work["limits"]
        return folders.overfull(self._work["scratch"], limits["files"], limits["files_bytes"])
