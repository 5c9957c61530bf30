"""Which sandbox runs code: the first that keeps its promises here, or the one that was named.

Isolation is a matter of the machine and of who runs a program, never of the program: a `.tts` file
can neither choose a sandbox nor weaken one. `GRAPHDSL_SANDBOX`, `--sandbox` and
`flow.run(sandbox=…)` can. The weak kind is used only where one of these names it.
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import Final
from weakref import WeakKeyDictionary

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError, SandboxError
from graphdsl.executors.sandbox.abc import Kind, Sandbox, Strength
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.executors.sandbox.probing import Probe, probe
from graphdsl.ops.execution import Executed, Execution

VARIABLE: Final = "GRAPHDSL_SANDBOX"
"""Environment variable with the name of the kind to use."""

AUTO: Final = "auto"
"""The strongest kind that works, the weak one excepted."""

NAMES: Final = (AUTO, *(kind.name for kind in KINDS))
"""What may be named."""


class Chosen:
    """A sandbox that is chosen when it is first used: each kind is tried once per process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sandbox: Sandbox | None = None

    @property
    def name(self) -> str:
        """The kind that was chosen; before that what was asked for."""
        return self._name if self._sandbox is None else self._sandbox.name

    @property
    def strength(self) -> Strength:
        """That of the kind; weak as long as nothing is known."""
        return Strength.WEAK if self._sandbox is None else self._sandbox.strength

    async def execute(self, work: Execution) -> Executed:
        """Run the work. Raises `SandboxError` when no sandbox works here."""
        if self._sandbox is None:
            self._sandbox = await choose(self._name)
        return await self._sandbox.execute(work)

    async def aclose(self) -> None:
        """End what still runs."""
        if self._sandbox is not None:
            await self._sandbox.aclose()


def sandbox(name: str | None = None) -> Sandbox:
    """The sandbox of that name, one per name and process; `auto` where none is given.

    Without a name `GRAPHDSL_SANDBOX` decides. `subprocess` is weak, and naming it is consent.
    Raises `InputError` for an unknown name.
    """
    given = name or os.environ.get(VARIABLE) or AUTO
    if given not in NAMES:
        near = did_you_mean(given, NAMES)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(NAMES)}"
        where = "" if name else f" in {VARIABLE}"
        raise InputError(f"there is no sandbox `{given}`{where}; {hint}")
    return _one(given)


@cache
def _one(name: str) -> Sandbox:
    return Chosen(name)


async def choose(name: str) -> Sandbox:
    """Try the kinds that the name allows, until one works. Raises `SandboxError`."""
    found: list[Probe] = []
    for kind in allowed(name):
        one = await probed(kind)
        if one.sandbox is not None:
            return one.sandbox
        found.append(one)
    raise SandboxError(_why_none(name, found))


def allowed(name: str) -> tuple[Kind, ...]:
    """The kinds that a name stands for, the best first."""
    if name == AUTO:
        return tuple(kind for kind in KINDS if kind.strength is not Strength.WEAK)
    return tuple(kind for kind in KINDS if kind.name == name)


_probes: dict[str, Probe] = {}
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def probed(kind: Kind) -> Probe:
    """What a kind can do here: tried when it is first asked for, then known.

    Except for what may pass, such as a full disk: that is tried again when somebody asks again.
    """
    lock = _locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with lock:
        known = _probes.get(kind.name)
        if known is None or not known.lasting:
            known = _probes[kind.name] = await probe(kind)
        return known


def _why_none(name: str, found: list[Probe]) -> str:
    reasons = "; ".join(f"{one.kind.name}: {one.why}" for one in found)
    if name != AUTO:
        return f"the sandbox `{name}` does not work here: {reasons}"
    return (
        f"code that a model wrote is not run, since no sandbox works here ({reasons}); "
        "`graphdsl sandbox` tells more, and `--sandbox subprocess` runs it with limits only"
    )
