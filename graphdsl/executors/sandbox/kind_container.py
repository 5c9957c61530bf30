"""Containers by `docker` or `podman`: wherever these run, also on other systems than Linux."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from typing import Final

from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_text
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.interpreter_files import NOBODY
from graphdsl.ops.execution import Limits

IMAGE: Final = "GRAPHDSL_SANDBOX_IMAGE"
"""Environment variable that names another image; it must have `python3` 3.11 or later."""

_SCRATCH: Final = "/tmp"
_CLIENT: Final = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "XDG_RUNTIME_DIR",
)
_RELAY_MEMORY: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Container:
    """A container without network, privileges or anything that can be written but its scratch."""

    name: str
    strength: Strength = Strength.STRONG

    def missing(self) -> str | None:
        """The program; whether its daemon answers is for the probe to find out."""
        if shutil.which(self.name) is None:
            return f"`{self.name}` is not installed"
        return None

    def command(self, limits: Limits) -> Command:
        """`docker run` with everything off. The image is not fetched: `docker pull` does that."""
        program = shutil.which(self.name) or self.name
        name = f"graphdsl-{secrets.token_hex(8)}"
        memory = str(limits.memory * limits.processes + limits.files_bytes + _RELAY_MEMORY)
        room = (
            f"rw,nosuid,nodev,noexec,mode=1777,size={limits.files_bytes},nr_inodes={limits.files}"
        )
        argv = (
            *(program, "run", "--rm", "--interactive", "--pull", "never", "--name", name),
            *("--network", "none", "--read-only", "--cap-drop", "ALL", "--ipc", "none"),
            *("--security-opt", "no-new-privileges", "--user", f"{NOBODY}:{NOBODY}"),
            *("--pids-limit", str(limits.processes + 66), "--memory", memory),
            *("--memory-swap", memory, "--cpus", "1", "--log-driver", "none"),
            *("--ulimit", "core=0", "--tmpfs", f"{_SCRATCH}:{room}", "--workdir", _SCRATCH),
            *("--entrypoint", "python3"),
            *(part for pair in environment(_SCRATCH).items() for part in ("--env", "=".join(pair))),
            os.environ.get(IMAGE) or _image(),
            *by_text(),
        )
        client = {key: value for key in _CLIENT if (value := os.environ.get(key)) is not None}
        stop = (program, "rm", "--force", name)
        return Command(argv, _SCRATCH, client, stop=stop)


def _image() -> str:
    return f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
