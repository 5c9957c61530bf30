"""The tasks at work inside an `each` that may end before all its items are done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from graphdsl.executors.ledger import Refused, Scope
from graphdsl.ops.context import NOT_NEEDED
from graphdsl.ops.quorum_watch import ended_all


class Crew:
    """The tasks inside the frames of one `each`, at any depth: loops in loops, branches, scopes.

    A task belongs to it while it does a step there, since it may go on with a step elsewhere. Each
    item has a crew of its own within that of the list: see `ItemCrew`.
    """

    __slots__ = ("_parent", "_stopped", "_tasks")

    def __init__(self, parent: Crew | None) -> None:
        self._parent = parent
        self._stopped = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def over(self) -> bool:
        """True when its work, or that of a crew around it, is not needed any more."""
        return any(crew._stopped for crew in self._chain())

    def stop(self) -> None:
        """From now on nobody begins a step; `disband` cancels those that have begun."""
        self._stopped = True

    def join(self) -> asyncio.Task[Any]:
        """The current task begins a step. Raises `CancelledError` when the work is over."""
        if self.over:
            raise asyncio.CancelledError(NOT_NEEDED)
        task = asyncio.current_task()
        assert task is not None
        for crew in self._chain():
            crew._tasks.add(task)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """The step of a task has ended."""
        for crew in self._chain():
            crew._tasks.discard(task)

    async def disband(self) -> None:
        """Cancel what is still at work, as not needed, and wait until all of it has ended."""
        self.stop()
        await ended_all(list(self._tasks), (NOT_NEEDED,))

    def _chain(self) -> Iterator[Crew]:
        crew: Crew | None = self
        while crew is not None:
            yield crew
            crew = crew._parent


class ItemCrew(Crew):
    """The tasks inside one item of an `each` with a stop rule.

    `scope` is the budget around the item: what refused something within is kept in `refusals`, for
    it exhausts that budget only if the item counts. `failed` is told the error of a step, which
    ends the item.
    """

    __slots__ = ("_failed", "refusals", "scope")

    def __init__(self, parent: Crew, scope: Scope, failed: Callable[[BaseException], None]) -> None:
        super().__init__(parent)
        self._failed = failed
        self.scope = scope
        self.refusals: list[Refused] = []

    def fail(self, error: BaseException) -> None:
        """A step of the item has failed: the rest of the item is not needed."""
        if self.over:
            return
        self.stop()
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel(NOT_NEEDED)
        self._failed(error)
