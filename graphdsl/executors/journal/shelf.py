"""The journals of this user's runs: `$GRAPHDSL_STATE/journals/ID.journal`.

Beside it lies what a run had from stdin: its data (`ID.jsonl`), its program (`ID.tts`).

When a new one is made, old ones are thrown away: those beyond the newest 200, or beyond 1 GiB
together. A run that did not end, and one that failed, stay for a week at least; one in use always.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.executors.file_lock import try_lock
from graphdsl.executors.journal.journal_file import lock_soon, reason, sync_folder
from graphdsl.executors.journal.line import decode_line
from graphdsl.executors.journal.store import Journal
from graphdsl.executors.private_files import make_folder
from graphdsl.executors.runs import state_folder

KEPT: Final = 200
"""Journals that stay, the newest."""

BYTES: Final = 2**30
"""What those may take together."""

WEEK: Final = 7 * 86400.0
"""Seconds for which a run that did not end well can be resumed at least."""

LAST: Final = "last"
"""Stands for the newest run that did not end well."""

_HOUR: Final = 3600.0
"""Seconds after which nobody writes any more what is only half written."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,100}")
_TAIL: Final = 4096

_PAID: Final = frozenset({"intent", "sample", "node"})
"""Kinds of records that tell of something that may have cost money; see records.py."""


def journal_path(run_id: str) -> Path:
    """Where the journal of a run is, or would be."""
    return _folder() / f"{run_id}.journal"


def data_path(run_id: str) -> Path:
    """Where the data is kept that a run had from stdin."""
    return _folder() / f"{run_id}.jsonl"


def program_path(run_id: str) -> Path:
    """Where the program is kept that came from stdin."""
    return _folder() / f"{run_id}.tts"


def create(run_id: str, header: Mapping[str, Any]) -> Journal:
    """A new journal on the shelf. Raises `InputError` where none can be made."""
    with suppress(OSError):  # what cannot be written is said by the journal
        _make_folder()
    journal = Journal.create(journal_path(run_id), {"id": run_id, **header})
    with suppress(OSError):  # a crowded shelf is no reason not to run
        prune()
    return journal


def resume(run_id: str) -> Journal:
    """The journal of a past run; `last` is the newest that sent a call, and neither ended well
    nor goes on.

    Raises `InputError` where there is none, and as `Journal.resume` does.
    """
    if run_id == LAST:
        run_id = _newest_unfinished()
    path = journal_path(run_id)
    if not _ID.fullmatch(run_id) or not path.exists():
        near = did_you_mean(run_id, (file.stem for file in _files()))
        hint = f"; did you mean `{near[0]}`?" if near else f" in `{_folder()}`"
        raise InputError(f"there is no journal of a run `{run_id}`{hint}")
    return Journal.resume(path)


def keep(path: Path, text: str) -> None:
    """Keep what a run had from stdin, whole or not at all. Raises `InputError`."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _make_folder()
        try:
            _write(part, text.encode("utf-8", "surrogatepass"))
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"`{path}` cannot be written: {reason(error)}") from error


def kept_program(run_id: str) -> str:
    """The program that a run had from stdin. Raises `InputError` where it is gone."""
    path = program_path(run_id)
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except FileNotFoundError as error:
        raise InputError(f"the program `{path}`, which came from stdin, is gone") from error
    except (OSError, UnicodeDecodeError) as error:
        said = reason(error) if isinstance(error, OSError) else "it is no text"
        raise InputError(f"`{path}` cannot be read: {said}") from error


def discard(run_id: str) -> None:
    """Throw the journal of a run away, with all that belongs to it."""
    for path in _parts(run_id):
        path.unlink(missing_ok=True)


def prune() -> None:
    """Throw old journals away, and what was left half written; see the module. Raises `OSError`."""
    total, now = 0, time.time()
    for place, path in enumerate(_files()):
        total += sum(_size(part) for part in _parts(path.stem))
        if place < KEPT and total <= BYTES:
            continue
        with suppress(FileNotFoundError):  # another process was faster
            if now - _age(path) > WEEK or finished(path):
                _discard_unused(path)
    for part in _folder().glob(".*.part"):
        if now - _age(part) > _HOUR:
            part.unlink(missing_ok=True)
    for path in (*_folder().glob("[!.]*.jsonl"), *_folder().glob("[!.]*.tts")):
        if now - _age(path) > WEEK and not journal_path(path.stem).exists():
            path.unlink(missing_ok=True)


def finished(path: Path) -> bool:
    """True when the last thing in a journal is that its runs have ended well."""
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - _TAIL))
        lines = stream.read().splitlines()
    found = decode_line(lines[-1]) if lines else None
    return found is not None and found[2] == ["done"]


def _newest_unfinished() -> str:
    going_on, idle = False, None
    for path in _files():
        with suppress(FileNotFoundError):
            if finished(path):
                continue
            if _in_use(path):
                going_on = True
            elif _valuable(path):
                return path.stem
            else:
                idle = idle or path.stem
    if idle is not None:
        return idle
    if going_on:
        raise InputError(
            "every run that has not ended well is still going on; there is nothing to resume"
        )
    raise InputError("every past run came to its end; there is nothing to resume")


def _valuable(path: Path) -> bool:
    """True when a journal has anything that may have been paid for, as `Past.valuable` of a run."""
    with path.open("rb") as stream:
        return any(
            found is not None and found[2][:1] and found[2][0] in _PAID
            for found in map(decode_line, (line.rstrip(b"\n") for line in stream))
        )


def _in_use(path: Path) -> bool:
    with path.open("rb+") as stream:
        return not lock_soon(stream)


def _discard_unused(path: Path) -> None:
    """Throw a journal away that no run has open, nor can open while that is done."""
    with path.open("rb+") as stream:
        unused = try_lock(stream)
        if unused and os.name != "nt":
            discard(path.stem)
    if unused:
        discard(path.stem)


def _write(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _make_folder() -> None:
    make_folder(state_folder())
    make_folder(_folder())


def _parts(run_id: str) -> tuple[Path, ...]:
    """The files of a run."""
    return journal_path(run_id), data_path(run_id), program_path(run_id)


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _age(path: Path) -> float:
    """When a file was written last; the beginning of time where there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _folder() -> Path:
    return state_folder() / "journals"


def _files() -> Iterator[Path]:
    """The journals, newest first; an id begins with the time, which orders equal clocks."""
    found = _folder().glob("[!.]*.journal")
    yield from sorted(found, key=lambda path: (_age(path), path.name), reverse=True)
