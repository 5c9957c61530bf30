"""What runs code that a model wrote, and of what kinds there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from graphdsl.ops.execution import Executed, Execution, Limits


class Strength(StrEnum):
    """How much stands between the code and the machine."""

    STRONG = "strong"
    """Processes, files and network of its own; nothing of the host is in sight but Python."""
    CONFINED = "confined"
    """The kernel refuses files, network and processes; the code shares the host's namespaces."""
    WEAK = "weak"
    """Limits on resources; where the kernel cannot do better, files and network are in reach."""


class Sandbox(Protocol):
    """Runs code that nobody has read."""

    @property
    def name(self) -> str:
        """The kind, such as `namespaces`."""
        ...

    @property
    def strength(self) -> Strength:
        """How much it keeps apart."""
        ...

    async def execute(self, work: Execution) -> Executed:
        """Run the work. Whatever the code does is a result; raises `SandboxError` only when the
        sandbox itself cannot be made. When the task is cancelled, the code's processes end."""
        ...

    async def aclose(self) -> None:
        """End what still runs."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """How one sandbox is started.

    `argv` starts the relay (`inside/relay.py`) within it, with the environment `env`. `scratch` is
    the path inside of the folder that may be written; `remove` a folder outside to remove after.
    `confine` is given to `inside.confine`. `stop` is a command that ends what `argv` left.
    """

    argv: tuple[str, ...]
    scratch: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    confine: Mapping[str, Any] = field(default_factory=dict[str, Any])
    remove: str | None = None
    stop: tuple[str, ...] = ()


class Kind(Protocol):
    """A kind of sandbox: what it is called, and how one is started."""

    @property
    def name(self) -> str:
        """As it is written in `--sandbox NAME`."""
        ...

    @property
    def strength(self) -> Strength:
        """How much it keeps apart, when its probe succeeded."""
        ...

    def missing(self) -> str | None:
        """Why it cannot be used here, as far as can be told without starting anything; else None.
        A message ends with how to get it."""
        ...

    def command(self, limits: Limits) -> Command:
        """How to start one. May make a scratch folder. Raises `SandboxError`."""
        ...
