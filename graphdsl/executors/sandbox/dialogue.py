"""One sandbox from the outside: starts it, talks with the relay in it, ends it.

Nothing that comes back is trusted: lengths are checked before anything is kept, replies are parsed
as JSON only, and a piece without the mark ends the conversation.
"""

from __future__ import annotations

import asyncio
import json
import marshal
import os
import secrets
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, cast

from graphdsl.errors import SandboxError
from graphdsl.executors.sandbox.abc import Command
from graphdsl.executors.sandbox.ending import how_it_ended, run, wait
from graphdsl.executors.sandbox.inside import folders, frames
from graphdsl.ops.execution import Limits, Outcome

_START: Final = 60.0
"""Seconds that a sandbox gets to start; a container on a busy machine may take a while."""

_STDERR: Final = 4096
_UNREAD: Final = 4 * 1024 * 1024
"""Bytes of replies that may wait here. Each answers a request, so that few ever do."""

_NO_MEMORY: Final = b'{"memory":true}'


class Dialogue:
    """A running sandbox. Use as `async with Dialogue(command, limits) as talk: …`.

    `outcome` and `error` say how it ended, once `reply` gave None or `end` returned.
    """

    def __init__(self, command: Command, limits: Limits) -> None:
        self._command = command
        self._limits = limits
        self._mark = secrets.token_bytes(frames.MARK)
        self._replies: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unread = 0
        self._pending = bytearray()
        self._process: Process | None = None
        self._handle: int | None = None
        self._pump: asyncio.Task[None] | None = None
        self._streams = {frames.OUT: bytearray(), frames.ERR: bytearray()}
        self._started = asyncio.Event()
        self._over = False
        self._deadline = 0.0
        self.outcome: Outcome | None = None
        self.error = ""

    @property
    def stdout(self) -> str:
        """What the code printed, within the limit."""
        return self._streams[frames.OUT].decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """What the code wrote to its standard error, within the limit."""
        return self._streams[frames.ERR].decode("utf-8", "replace")

    async def start(self, work: Mapping[str, Any]) -> None:
        """Start the sandbox with its work; returns when its time begins.

        Raises `SandboxError` when it cannot be made.
        """
        command = self._command
        whole = {
            "stdin": "",
            **work,
            **command.confine,
            "scratch": command.scratch,
            "limits": asdict(self._limits),
        }
        data = frames.piece(frames.WORK, marshal.dumps(whole))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=dict(command.env),
                cwd="/",
                start_new_session=True,  # a terminal's Ctrl-C is for graphdsl, which then ends this
            )
        except OSError as error:
            raise SandboxError(f"cannot run `{command.argv[0]}`: {error.strerror}") from error
        if sys.platform == "linux":
            with suppress(ProcessLookupError):  # it may have ended by now
                self._handle = os.pidfd_open(self._process.pid)
        self._pump = asyncio.create_task(self._carry(self._process))
        self._write(data + frames.piece(frames.MARKED, b"", self._mark))
        try:
            async with asyncio.timeout(_START):
                await self._started.wait()
        except TimeoutError:
            raise SandboxError(f"the sandbox did not start within {_START:g} s") from None
        self._deadline = time.monotonic() + self._limits.seconds

    def ask(self, request: Mapping[str, Any]) -> bool:
        """Send the candidate a request, or the checks an answer; false when it is too large."""
        data = marshal.dumps(dict(request))
        if len(data) > frames.LARGEST:
            return False
        self._write(frames.piece(frames.ASKED, data, self._mark))
        return True

    async def reply(self) -> dict[str, Any] | None:
        """The next reply; None when there will be none, and then `outcome` says why."""
        left = self._deadline - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                said = await self._replies.get()
        except TimeoutError:
            self._conclude(Outcome.TIMEOUT, f"it ran longer than {self._limits.seconds:g} s")
            return None
        if said is None:
            return None
        self._unread -= len(said)
        return self._parsed(said)

    async def end(self) -> None:
        """Wait for the end of the code, passing over its replies."""
        while await self.reply() is not None:
            pass

    async def __aenter__(self) -> Dialogue:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()
        ended = asyncio.ensure_future(self._ended())
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            await asyncio.wait([ended])
            raise

    # ---- what comes back

    async def _carry(self, process: Process) -> None:
        assert process.stdout is not None
        with suppress(asyncio.IncompleteReadError):
            while not self._over and await self._take(process.stdout):
                pass
        if not self._started.is_set() and not self._over:
            self._conclude(Outcome.REFUSED, await self._complaint(process))
        self._conclude(Outcome.CRASHED, "it ended without a word")
        while await process.stdout.read(_STDERR):  # a relay that cannot write would not end
            pass

    async def _complaint(self, process: Process) -> str:
        assert process.stderr is not None
        said = await process.stderr.read(_STDERR)
        lines = [
            line.strip()
            for line in said.decode("utf-8", "replace").splitlines()
            if line.strip() and "--help" not in line
        ]
        return lines[-1] if lines else "the sandbox ended before it began"

    async def _take(self, stream: asyncio.StreamReader) -> bool:
        """The next piece; false when it is the last, or none."""
        head = await stream.readexactly(frames.HEAD + frames.MARK)
        kind, length, mark = head[:1], head[1 : frames.HEAD], head[frames.HEAD :]
        if not length.isdigit() or int(length) > frames.LARGEST or mark != self._mark:
            if kind == frames.BROKEN:
                await self._complain(stream, length)
            return False
        content = await stream.readexactly(int(length))
        match kind:
            case frames.STARTED:
                self._started.set()
            case frames.OUT | frames.ERR:
                return self._printed(kind, content)
            case frames.VALUE:
                return self._answered(content)
            case frames.BROKEN:
                self._conclude(Outcome.REFUSED, content.decode("utf-8", "replace"))
                return False
            case frames.END:
                self._conclude(*how_it_ended(content, self._limits))
                return False
            case _:
                return False
        return True

    async def _complain(self, stream: asyncio.StreamReader, length: bytes) -> None:
        said = await stream.readexactly(min(int(length), _STDERR)) if length.isdigit() else b""
        self._conclude(Outcome.REFUSED, said.decode("utf-8", "replace"))

    def _printed(self, kind: bytes, content: bytes) -> bool:
        printed = sum(map(len, self._streams.values()))
        room = self._limits.output - printed
        self._streams[kind] += content[:room]
        if len(content) <= room:
            return True
        self._conclude(Outcome.OUTPUT_LIMIT, f"it printed more than {self._limits.output:,} bytes")
        return False

    def _answered(self, content: bytes) -> bool:
        """Replies come in parts; each is a piece of its own within."""
        self._pending += content
        while len(self._pending) >= frames.HEAD + frames.MARK:
            length = bytes(self._pending[1 : frames.HEAD])
            if not length.isdigit():
                self._conclude(Outcome.CRASHED, "it gave back what is no reply")
                return False
            if int(length) > self._limits.value:
                why = f"it gave back more than {self._limits.value:,} bytes"
                self._conclude(Outcome.OUTPUT_LIMIT, why)
                return False
            whole = frames.HEAD + frames.MARK + int(length)
            if len(self._pending) < whole:
                break
            said = bytes(self._pending[frames.HEAD + frames.MARK : whole])
            del self._pending[:whole]
            if not self._received(said):
                return False
        return True

    def _received(self, said: bytes) -> bool:
        """Keep a reply as it came until somebody asks for it: parsed it would be much larger."""
        if said == _NO_MEMORY:
            self._conclude(Outcome.MEMORY, "it needs more memory than it may have")
            return False
        self._unread += len(said)
        if self._unread > _UNREAD:
            self._conclude(Outcome.OUTPUT_LIMIT, "it gave back more than anybody asked for")
            return False
        self._replies.put_nowait(said)
        return True

    def _parsed(self, said: bytes) -> dict[str, Any] | None:
        try:
            reply = json.loads(said)
            marshal.dumps(reply)  # it may have to go on, which has a limit of depth
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            self._conclude(Outcome.CRASHED, "it gave back what is no reply")
            return None
        return cast(dict[str, Any], reply)

    # ---- the end

    def _conclude(self, outcome: Outcome, error: str) -> None:
        """The first word about the end counts."""
        if self._over:
            return
        self._over = True
        self.outcome, self.error = outcome, error
        self._replies.put_nowait(None)
        self._started.set()
        self._stop()

    def _stop(self) -> None:
        """End the sandbox at once. Where the relay is all that ends the code's process, it is asked
        to by the end of its input; elsewhere it is killed, and the namespace with it."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None and not process.stdin.transport.is_closing():
            process.stdin.transport.abort()  # without what it has not read
        shared = self._command.confine.get("shared")
        if self._handle is not None and not shared:  # by an id it may be another's by now
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    async def _ended(self) -> None:
        """Wait for the processes, and clear away what they left."""
        process = self._process
        try:
            if process is None:
                return
            await wait(process)
            if self._command.stop:
                await run(self._command.stop)
            if self._pump is not None:
                self._pump.cancel()
                with suppress(asyncio.CancelledError):
                    await self._pump
            cast(Any, process)._transport.close()
        finally:
            if self._handle is not None:
                os.close(self._handle)
            if self._command.remove is not None:
                await asyncio.to_thread(folders.remove, self._command.remove)

    def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None and not self._over:
            with suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(data)
