"""Our own launcher over Linux's namespaces: no program to install, no privilege needed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_code
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.inside.namespaces import SCRATCH
from graphdsl.executors.sandbox.interpreter_files import (
    NOBODY,
    installed_packages,
    interpreter_files,
)
from graphdsl.ops.execution import Limits

_INNER_NOBODY: Final = 1
_SWITCHES: Final = (
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sysctl kernel.unprivileged_userns_clone=1",
    ),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
)
_APPARMOR: Final = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Namespaces for users, files, processes, network, IPC, host name and cgroups; a tree of files
    that has Python and nothing else; a filter of system calls; limits. See `inside/namespaces.py`.
    """

    name: str = "namespaces"
    strength: Strength = Strength.STRONG

    def missing(self) -> str | None:
        """Other systems have no namespaces; some Linux systems keep them from users."""
        if sys.platform != "linux":
            return "it needs Linux; run graphdsl in a Linux virtual machine, or use a container"
        if os.geteuid() == 0:
            return None
        for path, off, fix in _SWITCHES:
            if _read(Path(path)) == off:
                return f"user namespaces are switched off: `sudo {fix}` switches them on"
        if _read(_APPARMOR) == "1":
            return (
                "AppArmor keeps user namespaces from programs without a profile: "
                "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them"
            )
        return None

    def command(self, limits: Limits) -> Command:
        """The launcher with its plan; the scratch folder is in memory and vanishes with it."""
        root = os.geteuid() == 0
        plan = {
            "parent": os.getpid(),
            "read": interpreter_files(),
            "hide": installed_packages(),
            "user": NOBODY if root else None,
            "files": limits.files + 2,
            "files_bytes": limits.files_bytes,
        }
        return Command(
            by_code("namespaces", repr(plan)),
            SCRATCH,
            environment(SCRATCH),
            {"user": _INNER_NOBODY if root else None},
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
