"""Work on the items of one list at the same time, watched until its stop rule decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any

from graphdsl.ops.context import NOT_NEEDED
from graphdsl.ops.quorum import Rule
from graphdsl.values import Value


class Watch:
    """The items of a list as they arrive.

    `over` holds when all are there or the rule has decided; `decided` when others are missing
    then. `values` gives what counts: under a rule of the list's order its first items, however
    many have arrived beyond these. `error` is what kept an item that was needed from arriving.
    """

    __slots__ = ("_fulfilled", "_items", "_length", "_rule", "_there", "count", "error", "over")

    def __init__(self, size: int, rule: Rule | None) -> None:
        self._items: list[Value] = [None] * size
        self._there = bytearray(size)
        self._length = 0
        self._fulfilled = False
        self._rule = rule
        self.count = 0
        self.error: BaseException | None = None
        self.over = not size

    @property
    def decided(self) -> bool:
        """True when the rule made items superfluous."""
        return self.over and self.needed < len(self._items)

    @property
    def needed(self) -> int:
        """How many items count."""
        return self.count if self._rule is None or self._rule.arrival else self._length

    def counted(self) -> Iterator[int]:
        """The indices of the items that had a part in the outcome.

        Under a rule of the list's order all of its first ones; under one of arrival, once it is
        fulfilled, those that fulfilled it.
        """
        rule = self._rule
        if rule is not None and not rule.arrival:
            yield from range(self._length)
            return
        for index, there in enumerate(self._there):
            if there and (not self._fulfilled or rule is None or rule.counts(self._items[index])):
                yield index

    def arrived(self, index: int, item: Value) -> None:
        """Take an item; those that arrive when all is over do not count."""
        if self.over:
            return
        self._items[index] = item
        self._there[index] = 1
        self.count += 1
        self.over = self._look(item) or self.count == len(self._items)

    def failed(self, index: int, error: BaseException) -> None:
        """An item will not arrive. In the order of the list that counts when its turn comes."""
        if self.over:
            return
        if self._rule is None or self._rule.arrival:
            self.error, self.over = error, True
        else:
            self.arrived(index, _Failure(error))

    def values(self, missing: Callable[[int], Value]) -> tuple[Value, ...]:
        """The whole list; `missing` makes what stands for an item, by its index."""
        ordered = self._rule is not None and not self._rule.arrival
        counts = (
            index < self._length if ordered else there for index, there in enumerate(self._there)
        )
        return tuple(
            item if there else missing(index)
            for index, (item, there) in enumerate(zip(self._items, counts, strict=True))
        )

    def _look(self, item: Value) -> bool:
        rule = self._rule
        if rule is None:
            return False
        if rule.arrival:
            self._fulfilled = rule.add(item)
            return self._fulfilled
        while self._length < len(self._items) and self._there[self._length]:
            following = self._items[self._length]
            if isinstance(following, _Failure):
                self.error = following.error
                return True
            self._length += 1
            if rule.add(following):
                return True
        return False


class _Failure:
    """What stands for an item that did not arrive."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


Work = Sequence[Coroutine[Any, Any, Value]]


async def together(work: Work) -> list[Value]:
    """Do all of it at once, to its end, and give the results in order; see `watched`."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    left = len(work)

    def finished(task: asyncio.Task[Value]) -> None:
        nonlocal left
        left -= 1
        if not _broken(task, ended) and not left and not ended.done():
            ended.set_result(None)

    tasks = [loop.create_task(part) for part in work]
    for task in tasks:
        task.add_done_callback(finished)
    await _until(ended, tasks)
    return [task.result() for task in tasks]


async def watched(work: Work, watch: Watch, read: Callable[[Any], Value]) -> None:
    """Do all of it at once, and cancel with `NOT_NEEDED` what is left once the watch is over.

    `read` makes the item of a result. All tasks have ended when this returns, also when it is
    cancelled: they are then cancelled with the same message. Raises what one of them has raised,
    unless that was not needed: under a rule of the list's order the first in that order.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def finished(index: int, task: asyncio.Task[Value]) -> None:
        if task.cancelled():
            ended.cancel()
            return
        error = task.exception()
        if ended.done():
            return
        if error is None:
            watch.arrived(index, read(task.result()))
        else:
            watch.failed(index, error)
        if watch.error is not None:
            ended.set_exception(watch.error)
        elif watch.over:
            ended.set_result(None)

    tasks = [loop.create_task(part) for part in work]
    for index, task in enumerate(tasks):
        task.add_done_callback(partial(finished, index))
    await _until(ended, tasks)
    await ended_all(tasks, (NOT_NEEDED,))


def _broken(task: asyncio.Task[Any], ended: asyncio.Future[None]) -> bool:
    """True for a task that gave nothing: it ends the others, where these have not ended yet."""
    if task.cancelled():
        ended.cancel()
        return True
    error = task.exception()
    if error is not None and not ended.done():
        ended.set_exception(error)
    return error is not None


async def _until(ended: asyncio.Future[None], tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for it; when that fails, or is cancelled, the tasks are, with the same message."""
    try:
        await ended
    except BaseException as error:
        await ended_all(tasks, error.args if isinstance(error, asyncio.CancelledError) else ())
        raise


async def ended_all(tasks: Sequence[asyncio.Task[Any]], message: tuple[Any, ...]) -> None:
    """Cancel tasks with a message and wait for them, however often we are cancelled meanwhile.

    What they raise is dropped: nobody needs it.
    """
    interrupted: asyncio.CancelledError | None = None
    running = [task for task in tasks if not task.done()]
    while running:
        for task in running:
            task.cancel(*message)
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:
            interrupted, message = error, error.args
        running = [task for task in running if not task.done()]
    for task in tasks:
        if not task.cancelled():
            task.exception()
    if interrupted is not None:
        raise interrupted
