"""Landlock and a filter of system calls: for containers and systems without user namespaces."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from graphdsl.executors.sandbox.abc import Command, Strength
from graphdsl.executors.sandbox.bundle import by_code
from graphdsl.executors.sandbox.environment import environment
from graphdsl.executors.sandbox.inside import seccomp
from graphdsl.executors.sandbox.interpreter_files import library_files, lower_user
from graphdsl.executors.sandbox.scratch import new_scratch
from graphdsl.ops.execution import Limits


@dataclass(frozen=True, slots=True)
class Landlock:
    """The host's files by rules: Python is readable, the scratch folder writable, the rest neither.
    Sockets, new processes, and signals to others are refused by the filter."""

    name: str = "landlock"
    strength: Strength = Strength.CONFINED

    def missing(self) -> str | None:
        """Linux from 6.2 on, on processors whose system calls are known."""
        if sys.platform != "linux" or not seccomp.supported():
            return "it needs Linux on x86-64 or 64-bit ARM"
        from graphdsl.executors.sandbox.inside import landlock

        found = landlock.version()
        if found < landlock.OLDEST:
            has = f"has version {found}" if found else "has none"
            return f"it needs Landlock of version {landlock.OLDEST} (Linux 6.2), this kernel {has}"
        return None

    def command(self, limits: Limits) -> Command:
        """Python with the relay; confinement begins in the code's process."""
        user = lower_user()
        scratch = new_scratch(user)
        whole, listed = library_files()
        confine = {
            "user": user,
            "landlock": whole,
            "listed": listed,
            "seccomp": True,
            "shared": True,
        }
        return Command(
            by_code("relay", str(os.getpid())), scratch, environment(scratch), confine, scratch
        )
