"""Progress on stderr, where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from graphdsl.cli.output import console, wants_progress

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

Advance = Callable[[int, int], None]
"""Takes (done, total)."""


@contextmanager
def bytes_bar(label: str) -> Generator[Advance]:
    """A bar for a download. Silent where nobody watches."""
    if not wants_progress():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn(label), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def items_bar(label: str, total: int) -> Generator[Callable[[], None]]:
    """A bar for items of a data file; call it once per item that is done."""
    if not wants_progress():
        yield lambda: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def spinner(label: str) -> Generator[None]:
    """A sign of life while one thing takes its time."""
    if not wants_progress():
        yield
        return
    with console(stderr=True).status(label):
        yield


def wait_for(future: Future[T], label: str) -> T:
    """What is being done in the background, with a spinner meanwhile; Ctrl-C stops that too."""
    try:
        with spinner(label):
            return future.result()
    except BaseException:
        future.cancel()
        raise
