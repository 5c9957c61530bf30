"""A `vllm serve` of our own: started, watched, and never left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from graphdsl.errors import BackendError
from graphdsl.executors import guarded_child
from graphdsl.executors.log_excerpt import excerpt, log_end
from graphdsl.executors.secret import Secret

_LOOK: Final = 0.05
"""Seconds between two looks at a process that is to end."""

_TAKEN: Final = re.compile(r"address already in use", re.IGNORECASE)


class VllmProcess:
    """A server under a guard that ends it with us, whatever ends us (`guarded_child`).

    Its output goes to the file `log`, which is kept where the server failed. Belongs to one loop.
    """

    def __init__(
        self,
        model: str,
        command: Sequence[str],
        url: str,
        key: Secret,
        environment: Mapping[str, str],
    ) -> None:
        """Starts the command, which serves at `url`. `key` reaches it as `VLLM_API_KEY`, in its
        environment alone.
        """
        self.url = url
        self._model = model
        self._key = key
        handle, name = tempfile.mkstemp(prefix="graphdsl-vllm-", suffix=".log")
        self.log = Path(name)
        guard = (sys.executable, "-I", "-S", guarded_child.__file__)
        try:
            self._guard = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=handle,
                stderr=handle,
                env={**environment, "VLLM_API_KEY": key.reveal()},
                start_new_session=True,
            )
        finally:
            os.close(handle)

    @property
    def pid(self) -> int:
        """The process that guards the server, and leads its process group."""
        return self._guard.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._guard.poll() is None

    @property
    def port_was_taken(self) -> bool:
        """Whether it ended because another program had taken its port meanwhile."""
        return not self.running and bool(_TAKEN.search(self._end()))

    def failed(self, what: str) -> BackendError:
        """The error for a server that did `what`, with what its log says and where it is."""
        return BackendError(
            f"the vLLM server of `{self._model}` {what}:{excerpt(self._end())}\n"
            f"its whole log is {self.log}",
            model=self._model,
        )

    async def stop(self, *, keep_log: bool = False) -> None:
        """End it: SIGTERM, then SIGKILL for it and all its children. May be called twice."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()  # the guard sees that, and ends the server
        try:
            async with asyncio.timeout(guarded_child.GRACE + 5):
                while self.running:
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            self.kill()
        if self._guard.returncode == -signal.SIGKILL:  # somebody has killed the guard
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._guard.pid, signal.SIGKILL)
        if not keep_log:
            self.log.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once, with all its children; waits for that."""
        if self.running:
            os.killpg(self._guard.pid, signal.SIGKILL)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _end(self) -> str:
        """The last part of the log, without the key."""
        return self._key.redact(log_end(self.log))


def free_port() -> int:
    """A port of this machine that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
