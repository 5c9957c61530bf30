"""How a sandbox ended, and waiting for it."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from graphdsl.ops.execution import Limits, Outcome

_GRACE: Final = 2.0
"""Seconds to wait for the end of something that was killed."""


async def run(argv: Sequence[str]) -> None:
    """Run a command that clears up; whether it can is not this run's concern."""
    with suppress(OSError):
        await wait(
            await asyncio.create_subprocess_exec(
                *argv, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
            )
        )


async def wait(process: Process) -> None:
    """Its end; it is killed when it takes too long."""
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def how_it_ended(content: bytes, limits: Limits) -> tuple[Outcome, str]:
    """What the relay says about the end of the candidate's process."""
    try:
        said = json.loads(content)
        if said.get("files"):
            return Outcome.OUTPUT_LIMIT, "it wrote more files than it may"
        code, cpu = int(said["code"]), float(said["cpu"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Outcome.CRASHED, "it ended without a word"
    if code >= 0:
        return (Outcome.OK, "") if code == 0 else (Outcome.ERROR, f"its exit status is {code}")
    if -code == signal.SIGXCPU or (-code == signal.SIGKILL and cpu >= limits.seconds):
        return Outcome.TIMEOUT, f"it computed longer than {limits.seconds:g} s"
    if -code == signal.SIGXFSZ:
        return Outcome.OUTPUT_LIMIT, "it wrote a larger file than it may"
    if -code == signal.SIGKILL:
        return Outcome.MEMORY, "the system killed it, most likely for its memory"
    with suppress(ValueError):
        return Outcome.CRASHED, f"it was ended by {signal.Signals(-code).name}"
    return Outcome.CRASHED, f"it was ended by signal {-code}"
