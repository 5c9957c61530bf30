"""A child process with limits: robust against accidents, no protection against intent."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_code
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.interpreter_files import lower_user
from graphdsl.executors.sandbox.scratch import new_scratch
from graphdsl.ops.execution import Limits


@dataclass(frozen=True, slots=True)
class Subprocess:
    """Limits of memory, time, files and output. On Linux the filter of system calls also refuses
    sockets and new processes. Files of this user can be read and changed: never chosen unasked."""

    name: str = "subprocess"
    strength: Strength = Strength.WEAK

    def missing(self) -> str | None:
        """There is no such thing on Windows."""
        return "it needs a POSIX system" if sys.platform == "win32" else None

    def command(self, limits: Limits) -> Command:
        """Python with the relay, in a scratch folder of the host."""
        user = lower_user()
        scratch = new_scratch(user)
        confine = {"user": user, "shared": True}
        return Command(
            by_code("relay", str(os.getpid())), scratch, environment(scratch), confine, scratch
        )
