"""One run in progress: dataflow over counters, tasks for model steps, none for pure steps.

A step starts when the last of its inputs exists; nothing waits for a layer. Pure steps run at
once, from a queue rather than by recursion, and let the loop breathe every few milliseconds.
Model and control steps run in tasks, all of which have ended when `Run.whole` returns. A task
goes on with the first such step that became ready through it; others get tasks of their own.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, cast

from graphdsl.errors import BackendError, GraphDslError, InputError, OperatorError
from graphdsl.executors.control import CONTROLS
from graphdsl.executors.crew import Crew
from graphdsl.executors.frame import Code, Frame, Job, entered
from graphdsl.executors.ledger import Scope
from graphdsl.executors.memory import Recollection
from graphdsl.executors.need import exhaust
from graphdsl.executors.node_context import NodeContext
from graphdsl.executors.sampling import Sampler
from graphdsl.executors.trace import Record, Trace
from graphdsl.ops.context import NOT_NEEDED, PureKernel
from graphdsl.values import Usage, Value

if TYPE_CHECKING:
    from graphdsl.executors.journal.run_journal import RunJournal

_SLICE: Final = 0.004
"""Seconds of pure steps after which other tasks of the loop get a turn."""

_LOOK: Final = 15
"""How often (a mask of the step count) the clock is read for that."""

_RELAY: Final = 16
"""Steps that one task does at most: models that answer at once must not keep the loop."""


class Run:
    """One run in progress: its queue of ready steps, its tasks, its spending."""

    def __init__(
        self,
        sampler: Sampler,
        memory: Recollection,
        scope: Scope,
        trace: Trace | None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.scope = scope
        self.sampler = sampler
        self.memory = memory
        self.trace = trace
        self._ready: deque[tuple[Frame, Job]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._forget = self._tasks.discard
        self._context = copy_context()  # for callbacks, which would copy one each
        self._ended: asyncio.Future[None] = self.loop.create_future()
        self._error: BaseException | None = None
        self._closed = False
        self._resuming = False
        self._turn = 0.0

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        return self.sampler.usage

    async def whole(self, code: Code, params: list[Value]) -> Value:
        """Run the program's plan and give its only result."""
        frame = Frame(code, entered(code, [], params), self.scope, self._end)
        self.start(frame)
        self.drain()
        try:
            await self._ended
        finally:
            self._closed = True
            self._ready.clear()
            await self._reap()
        if self._error is not None:
            raise self._error
        (value,) = frame.results().values()
        return value

    def start(self, frame: Frame) -> None:
        """Make the steps of a frame that need nothing ready; `drain` must follow."""
        if not frame.remaining:
            frame.done()
            return
        jobs = frame.code.jobs
        self._ready.extend((frame, jobs[index]) for index in frame.code.plan.ready)

    def drain(self, *, keep: bool = False) -> tuple[Frame, Job] | None:
        """Run what is ready and pure, launch the rest; goes on later when that takes long.

        With `keep` the first step that needs a task is returned, for the caller's own task.
        """
        ready = self._ready
        limit = time.perf_counter() + _SLICE
        count = 0
        kept: tuple[Frame, Job] | None = None
        while ready:
            count += 1
            if not count & _LOOK and time.perf_counter() > limit:
                self._resume_later()
                break
            frame, job = ready.popleft()
            if frame.crew is not None and frame.crew.over:
                continue
            if job.pure is not None:
                self._compute(frame, job, job.pure)
            elif keep and kept is None:
                kept = frame, job
            else:
                self._launch(frame, job)
        return kept

    async def out_of_time(self, frame: Frame, record: Record | None) -> bool:
        """Between rounds, which may be pure and many: a turn for others, and a look at the clock.

        When the deadline has passed, that is noted and the loop must end.
        """
        now = time.perf_counter()
        if now > self._turn:
            await asyncio.sleep(0)
            self._turn = now + _SLICE
        scope = frame.scope
        if scope.deadline is None or self.loop.time() < scope.deadline:
            return False
        refusal = scope.overdue()
        exhaust(refusal, scope, frame.crew, record)
        if record is not None:
            record.notes.append(f"ended between rounds: {refusal.limit}")
        return True

    def _launch(self, frame: Frame, job: Job) -> None:
        task = self.loop.create_task(self._work(frame, job))
        self._tasks.add(task)
        task.add_done_callback(self._forget, context=self._context)

    def fail(
        self, frame: Frame, job: Job, error: BaseException, record: Record | None = None
    ) -> None:
        """End the run with an error of a step; the first one counts.

        In an item that may turn out not to be needed the error ends the item, which tells its list.
        """
        if record is not None:
            record.status, record.end = "failed", self.sampler.now()
            record.notes.append(f"{type(error).__name__}: {error}")
        reported = _reported(error, job.step.address + frame.suffix)
        if frame.crew is not None:
            frame.crew.fail(reported)
            return
        if self._error is None and not self._closed:
            self._error = reported
        self._ready.clear()
        self._end()

    def skip(self, code: Code, frame: Frame, record: Record | None) -> None:
        """Note in the trace the steps of a branch that was not taken."""
        if record is None:
            return
        now = self.sampler.now()
        record.children += [
            Record(job.step.address + frame.suffix, job.step.op, now, now, "skipped")
            for job in code.jobs
        ]

    def _compute(self, frame: Frame, job: Job, kernel: PureKernel) -> None:
        record = None if self.trace is None else self._open(frame, job)
        arguments = job.base.copy()
        values = frame.values
        for name, slot in job.inputs:
            arguments[name] = values[slot]
        try:
            value = kernel(arguments)
        except Exception as error:
            self.fail(frame, job, error, record)
            return
        if record is not None:
            record.end = self.sampler.now()
        self._finish(frame, job, value)

    def _finish(self, frame: Frame, job: Job, value: Value) -> None:
        frame.values[job.slot] = value
        pending = frame.pending
        for index in job.dependents:
            left = pending[index] - 1
            pending[index] = left
            if not left:
                self._ready.append((frame, frame.code.jobs[index]))
                if self.trace is not None:
                    frame.causes[index] = job.step.address + frame.suffix
        frame.remaining -= 1
        if not frame.remaining:
            frame.done()

    async def _work(self, frame: Frame, job: Job) -> None:
        """A task: a step, then the first step that became ready through it, and so on."""
        for _ in range(_RELAY):
            record = None if self.trace is None else self._open(frame, job)
            try:
                value = await self._value(frame, job, record)
            except asyncio.CancelledError as error:
                unneeded = frame.crew is not None and frame.crew.over
                if not self._closed and not unneeded:  # nobody here asked for it: do not wait
                    self.fail(frame, job, error, record)
                if record is not None:
                    record.status, record.end = "cancelled", self.sampler.now()
                    record.notes += [NOT_NEEDED] if unneeded else []
                raise
            except Exception as error:
                if frame.crew is None or not frame.crew.over:
                    self.fail(frame, job, error, record)
                return
            if record is not None:
                _close_record(record, self.sampler.now())
            if self._closed:
                return
            self._finish(frame, job, value)
            following = self.drain(keep=True)
            if following is None:
                return
            frame, job = following
        self._launch(frame, job)

    def _value(self, frame: Frame, job: Job, record: Record | None) -> Awaitable[Value]:
        if frame.crew is not None:
            return self._in_crew(frame.crew, frame, job, record)
        return self._alone(frame, job, record)

    async def _in_crew(self, crew: Crew, frame: Frame, job: Job, record: Record | None) -> Value:
        """The value of a step that may turn out not to be needed while it is at work."""
        task = crew.join()
        try:
            return await self._alone(frame, job, record)
        finally:
            crew.leave(task)

    def _alone(self, frame: Frame, job: Job, record: Record | None) -> Awaitable[Value]:
        if self.sampler.journal is not None:
            return self._journalled(frame, job, record, self.sampler.journal)
        return self._fresh(frame, job, record)

    def _fresh(self, frame: Frame, job: Job, record: Record | None) -> Awaitable[Value]:
        if job.model is None:
            return CONTROLS[job.step.op](self, frame, job, record)
        context = NodeContext(self.sampler, self.memory, frame, job.step, record)
        return job.model(context, job.arguments(frame.values))

    async def _journalled(
        self, frame: Frame, job: Job, record: Record | None, journal: RunJournal
    ) -> Value:
        """The value that the journal has kept whole, or a new one, which it keeps if it must."""
        address = job.step.address + frame.suffix
        known = journal.node(address)
        if known is not None:
            spent = journal.spent_on(address, inside=job.model is None)
            self.sampler.replayed(spent, frame.scope, record)
            return known[0]
        value = await self._fresh(frame, job, record)
        if address in self.sampler.kept:
            await journal.keep(address, value)
        return value

    def _open(self, frame: Frame, job: Job) -> Record:
        step = job.step
        record = Record(step.address + frame.suffix, step.op, self.sampler.now())
        record.after = frame.causes.get(step.index)
        if frame.record is not None:
            frame.record.children.append(record)
        elif self.trace is not None:
            self.trace.nodes.append(record)
        return record

    def _resume_later(self) -> None:
        if not self._resuming:
            self._resuming = True
            self.loop.call_soon(self._resume)

    def _resume(self) -> None:
        self._resuming = False
        self.drain()

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    async def _reap(self) -> None:
        """Cancel what is still running and wait for it, however often we are cancelled."""
        interrupted = False
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:
                task.cancel()
            try:
                await asyncio.wait(running)
            except asyncio.CancelledError:
                interrupted = True
        if interrupted:
            raise asyncio.CancelledError


def _reported(error: BaseException, address: str) -> BaseException:
    """The error as the caller sees it: backends and inputs speak for themselves."""
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    if isinstance(error, BackendError | InputError | OperatorError):
        return error
    if isinstance(error, asyncio.CancelledError):
        reason = "it was cancelled from outside the run"
    elif isinstance(error, GraphDslError):
        reason = str(error)
    else:
        reason = f"{type(error).__name__}: {error}"
    reported = OperatorError(address, reason)
    reported.__cause__ = error
    return reported


def _close_record(record: Record, now: float) -> None:
    record.end = now
    failed = [call.finish == "error" for call in record.calls]
    if record.status == "ok" and failed and all(failed):
        record.status = "failed"
