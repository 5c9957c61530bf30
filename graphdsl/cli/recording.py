"""`--record BANK` of `graphdsl run`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.output import counted, note, print_error
from graphdsl.cli.writing import check_writable
from graphdsl.errors import BackendError

if TYPE_CHECKING:
    from graphdsl.executors.recording import Recorder


def refuse_same(record: Path | None, data: Path | None, out: Path | None) -> None:
    """Raise a usage error where the bank is another file of the command as well."""
    for path, option in ((data, "--data"), (out, "--out")):
        if record is not None and path is not None and _same(record, path):
            raise click.UsageError(f"--record and {option} name the same file")


def refuse_no_bank(record: Path | None) -> None:
    """Raise a usage error where the suffix says that this is no bank."""
    if record is None or record.is_dir():
        return
    from graphdsl.executors.bank import LINES, SQLITE

    if record.suffix.lower() not in (*LINES, *SQLITE):
        raise click.UsageError(
            f"--record names a bank, which ends with `.jsonl` (JSON lines) or `.db` (SQLite), not "
            f"`{record}`"
        )


@contextmanager
def recording(path: Path | None, content: bool, as_json: bool) -> Generator[Recorder | None]:
    """A recorder for the command, closed with it, or None where nothing is to be recorded.

    Raises `InputError` before anything runs where the file is no bank. One that cannot be written
    must not cost the answer: it is reported once that is printed, and the command ends with code
    4.
    """
    if path is None:
        yield None
        return
    from graphdsl.executors.recording import Recorder

    check_writable(path)
    recorder = Recorder.open(path, content=content)
    try:
        yield recorder
    except BaseException:
        _close(recorder, as_json)
        raise
    if not _close(recorder, as_json):
        raise click.exceptions.Exit(Exit.BACKEND)


def _close(recorder: Recorder, as_json: bool) -> bool:
    """Write what is left, and say how much it was; False where something could not be written."""
    try:
        recorder.close()
    except BackendError as error:
        print_error(str(error))
        return False
    if not as_json:
        note(f"{counted(recorder.written, 'new completion')} in {recorder.path}")
    return True


def _same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute() or (
        one.exists() and other.exists() and one.samefile(other)
    )
