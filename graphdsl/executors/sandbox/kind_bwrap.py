"""bubblewrap (https://github.com/containers/bubblewrap), which Flatpak uses, too."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import Final

from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_text, python
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.interpreter_files import installed_packages, interpreter_files
from graphdsl.ops.execution import Limits

_SCRATCH: Final = "/tmp"


@dataclass(frozen=True, slots=True)
class Bwrap:
    """Namespaces and a tree of files made by `bwrap`; the rest is ours, as in every kind."""

    name: str = "bwrap"
    strength: Strength = Strength.STRONG

    def missing(self) -> str | None:
        """It has to be installed."""
        if sys.platform != "linux":
            return "it needs Linux"
        if shutil.which("bwrap") is None:
            return "`bwrap` is not installed: `sudo apt install bubblewrap` or the like installs it"
        return None

    def command(self, limits: Limits) -> Command:
        """The command line; see bwrap(1). Python itself has to be in the tree, which it starts."""
        binds = (*interpreter_files(), python())
        hidden = installed_packages()
        argv = (
            *(shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user"),
            *("--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"),
            *("--hostname", "sandbox", "--clearenv"),
            *(part for path in binds for part in ("--ro-bind", path, path)),
            *(part for path in hidden for part in ("--tmpfs", path, "--remount-ro", path)),
            *("--dev", "/dev", "--size", str(limits.files_bytes), "--tmpfs", _SCRATCH),
            *(part for pair in environment(_SCRATCH).items() for part in ("--setenv", *pair)),
            *("--chdir", _SCRATCH, "--remount-ro", "/", "--", python()),
            *by_text(),
        )
        return Command(argv, _SCRATCH, environment(_SCRATCH))
