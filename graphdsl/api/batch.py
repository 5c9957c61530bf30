"""Many runs of one flow, concurrently, with results in the order of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from graphdsl.errors import (
    BackendMissing,
    GraphDslError,
    JournalFailed,
    ModelCorrupt,
    ModelNotFound,
)

if TYPE_CHECKING:
    from graphdsl.executors.result import Result

T = TypeVar("T")


def in_order(
    items: Iterable[T],
    start: Callable[[T], Future[Result]],
    concurrency: int,
    done: Callable[[], None] = lambda: None,
) -> Generator[tuple[T, Result | GraphDslError]]:
    """Run every item, at most `concurrency` at once; yield outcomes in the order of the items.

    One item's error is its outcome. A model that is missing or broken, or a journal that cannot be
    written, would fail every item, so it is raised. Closing the generator (or Ctrl-C in it)
    cancels what still runs.
    """
    waiting = enumerate(items)
    running: dict[Future[Result], int] = {}
    kept: dict[int, T] = {}
    ready: dict[int, Result | GraphDslError] = {}
    following = 0
    try:
        while True:
            for index, item in islice(waiting, concurrency - len(running)):
                kept[index] = item
                running[start(item)] = index
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                ready[running.pop(future)] = _outcome(future)
                done()
            for index in _from(following, ready):
                following = index + 1
                yield kept.pop(index), ready.pop(index)
    finally:
        for future in running:
            future.cancel()


def _from(first: int, ready: dict[int, Result | GraphDslError]) -> Iterator[int]:
    """The indices from `first` on that are ready without a gap."""
    index = first
    while index in ready:
        yield index
        index += 1


def _outcome(future: Future[Result]) -> Result | GraphDslError:
    try:
        return future.result()
    except (BackendMissing, ModelNotFound, ModelCorrupt, JournalFailed):
        raise
    except GraphDslError as error:
        return error
