"""The journal of `graphdsl run`: made before anything is sent, and what is said about it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from graphdsl.cli.output import note

if TYPE_CHECKING:
    from graphdsl.cli.run_task import Task
    from graphdsl.executors.journal.store import Journal


@contextmanager
def journalled(journal: Journal | None, as_json: bool) -> Generator[None]:
    """Complete the journal however the command ends; stderr says how to go on if it ends badly.

    With `as_json` the report has the id, unless an error takes its place. A journal in which
    nothing is that may have cost anything is thrown away. Runs that ended as they should are for
    the caller to note, with `Journal.finish`.
    """
    if journal is None:
        yield
        return
    from graphdsl.executors.journal import shelf

    reported = False
    try:
        yield
        reported = as_json
    finally:
        journal.close()
        if not journal.valuable:
            shelf.discard(journal.id)
        elif not journal.finished and not reported:
            note(f"resume with: graphdsl run --resume {journal.id}")


def new_journal(task: Task, *, required: bool) -> Journal | None:
    """The journal of a new run, beside what came from stdin, which is there first.

    Where none can be made stderr says so, unless it is `required`: then raises `InputError`.
    """
    from graphdsl.errors import InputError
    from graphdsl.executors.journal import shelf

    told = task.arguments
    try:
        if task.stdin_data is not None:
            shelf.keep(shelf.data_path(task.run_id), task.stdin_data)
        if told.program is not None:
            shelf.keep(shelf.program_path(task.run_id), told.program)
        journal = shelf.create(task.run_id, {"arguments": told.to_header()})
    except InputError as error:
        for path in (shelf.data_path(task.run_id), shelf.program_path(task.run_id)):
            with suppress(OSError):
                path.unlink()
        if required:
            raise
        note(f"this run cannot be resumed: {error}")
        return None
    return journal
