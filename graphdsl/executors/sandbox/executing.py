"""A sandbox of any kind: runs programs, calls and checks, a bounded number at a time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from graphdsl.executors.cpus import usable_cpus
from graphdsl.executors.sandbox.abc import Kind, Strength
from graphdsl.executors.sandbox.dialogue import Dialogue
from graphdsl.executors.sandbox.examination import examine
from graphdsl.executors.sandbox.inside.plain import Malformed, Opaque, decode, encode_all
from graphdsl.executors.sandbox.replies import KIND, executed, load, lost_outcome, raised
from graphdsl.ops.execution import (
    Executed,
    Execution,
    FunctionCall,
    Outcome,
    Returned,
    unanswered,
)
from graphdsl.ops.unit_cases import excerpt

SOURCE: Final = 1_000_000
"""Characters of the longest code that is run."""

INPUT: Final = 8_000_000
"""Characters of the longest standard input."""


class KindSandbox:
    """A sandbox whose processes a `Kind` starts.

    As many executions run at a time as there are CPUs (`at_once`); further ones wait.
    """

    def __init__(self, kind: Kind, at_once: int | None = None) -> None:
        self.kind = kind
        self._at_once = at_once or usable_cpus()
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._slots = WeakKeyDictionary()
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        """The kind's name."""
        return self.kind.name

    @property
    def strength(self) -> Strength:
        """The kind's strength."""
        return self.kind.strength

    async def execute(self, work: Execution) -> Executed:
        """Run the work; see `Sandbox.execute`."""
        if (why := _refused(work)) is not None:
            return unanswered(work, Outcome.REFUSED, why, self.name)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            async with self._slot():
                start = time.monotonic()
                done = await self._execute(work)
        finally:
            self._running.discard(task)
        return replace(done, seconds=time.monotonic() - start, sandbox=self.name)

    async def aclose(self) -> None:
        """Cancel what still runs here."""
        loop = asyncio.get_running_loop()
        mine = [task for task in self._running if task.get_loop() is loop]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _slot(self) -> asyncio.Semaphore:
        """Of this event loop: a semaphore belongs to one."""
        loop = asyncio.get_running_loop()
        return self._slots.setdefault(loop, asyncio.Semaphore(self._at_once))

    def _open(self, work: Execution) -> Dialogue:
        return Dialogue(self.kind.command(work.limits), work.limits)

    async def _execute(self, work: Execution) -> Executed:
        if work.checks is not None:
            async with self._open(work) as code, self._open(work) as checks:
                return await examine(work, work.checks, code, checks)
        if work.calls:
            async with self._open(work) as code:
                return await _call_all(work, code)
        async with self._open(work) as code:
            return await _run(work, code)


def _refused(work: Execution) -> str | None:
    if len(work.source) > SOURCE:
        return f"the code has more than {SOURCE:,} characters"
    if len(work.stdin) > INPUT:
        return f"the standard input has more than {INPUT:,} characters"
    if work.checks is not None and len(work.checks.source) > INPUT:
        return f"the checks have more than {INPUT:,} characters"
    if "\0" in work.source:
        return "the code has a NUL character"
    return None


async def _run(work: Execution, code: Dialogue) -> Executed:
    await code.start({"as": "program", "source": work.source, "stdin": work.stdin})
    error = ""
    while (said := await code.reply()) is not None:
        error = raised(said) or error
    return executed(code, error)


async def _call_all(work: Execution, code: Dialogue) -> Executed:
    error = await load(work, code)
    returned: list[Returned] = []
    for call in work.calls:
        if error or code.outcome is not None:
            break
        returned.append(await _call(code, call))
    left = len(work.calls) - len(returned)
    lost = Returned(lost_outcome(code, error), error=error or code.error)
    return executed(code, error, returned=(*returned, *[lost] * left))


async def _call(code: Dialogue, call: FunctionCall) -> Returned:
    request, why = _request(call)
    if why:
        return Returned(Outcome.OK, error=why, plain=False)
    if not code.ask(request):
        why = "the arguments are larger than can be sent"
        return Returned(Outcome.OK, error=why, plain=False)
    said = await code.reply()
    if said is None:
        outcome = code.outcome if code.outcome is not Outcome.OK else Outcome.CRASHED
        why = code.error or "it ended before it had answered"
        return Returned(outcome or Outcome.CRASHED, error=why)
    if error := raised(said):
        return Returned(Outcome.ERROR, error=error)
    try:
        value = decode(said["value"])
    except (KeyError, Malformed):
        return Returned(Outcome.CRASHED, error="it gave back what is no reply")
    if isinstance(value, Opaque):
        why = f"it returned a `{excerpt(value.kind, KIND)}`, {value.why}"
        return Returned(Outcome.OK, error=why, plain=False)
    return Returned(Outcome.OK, value)


def _request(call: FunctionCall) -> tuple[dict[str, Any], str]:
    """A call as the candidate's process understands it, and why it cannot be sent, if so."""
    encoded, why = encode_all((*call.arguments, dict(call.named)))
    return {"call": call.function, "arguments": encoded[:-1], "named": encoded[-1]}, why
