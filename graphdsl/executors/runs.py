"""Traces of past runs: `$GRAPHDSL_STATE/runs.db`, and files that hold one trace each.

Without that variable the folder is `$XDG_STATE_HOME/graphdsl`, by default
`~/.local/state/graphdsl`. How many runs are kept `graphdsl.executors.traces.store` says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from graphdsl.errors import InputError
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces.store import KeptRun, RunStore

_FILE: Final = "runs.db"
_OLD: Final = "runs"
"""The folder where earlier versions kept a JSON file for every run."""


def state_folder() -> Path:
    """Where the program keeps what it may lose without harm."""
    if own := os.environ.get("GRAPHDSL_STATE"):
        return Path(os.path.expanduser(own)).absolute()
    base = os.environ.get("XDG_STATE_HOME") or ""
    home = Path(base) if os.path.isabs(base) else Path.home() / ".local" / "state"
    return home / "graphdsl"


def runs_file(folder: Path | None = None) -> Path:
    """The file of past runs."""
    return (folder or state_folder()) / _FILE


def save_trace(trace: Trace, path: Path) -> None:
    """Write a trace as JSON, atomically: readers see the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(trace.to_dict(), ensure_ascii=True), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_trace(path: Path) -> Trace:
    """Read a saved trace, whoever wrote it: `graphdsl.executors.traces.trace_file` checks it.

    Raises `InputError` when there is none, it cannot be read, or it is not a trace.
    """
    from graphdsl.executors.traces.trace_file import read_trace

    try:
        return read_trace(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"there is no trace `{path}`") from error
    except OSError as error:
        raise InputError(f"a trace cannot be read from {reason(error)}") from error
    except ValueError as error:
        raise InputError(f"`{path}` is not a trace of a run: {error}") from None


def keep_run(
    trace: Trace, folder: Path | None = None, *, file: str | None = None, batch: str | None = None
) -> None:
    """Keep a run among the past runs, with the file of its program; see `keep_runs`."""
    keep_runs([trace], folder, file=file, batch=batch)


def keep_runs(
    traces: Sequence[Trace],
    folder: Path | None = None,
    *,
    file: str | None = None,
    batch: str | None = None,
) -> None:
    """Keep runs among the past runs, in one transaction, and drop the oldest beyond the bounds.

    `file` is where the program was read; `batch` is a name that all of them share. Takes
    milliseconds, so not for an event loop: see `graphdsl.executors.traces.keeper`. Raises OSError,
    whose text says it all, when they cannot be kept.
    """
    base = folder or state_folder()
    store = _store(base)
    _import_old(base, store)
    store.add([_told(trace, file, batch) for trace in traces])


def past_runs(
    folder: Path | None = None,
    *,
    flow: str | None = None,
    status: str | None = None,
    batch: str | None = None,
    most: int | None = None,
) -> list[KeptRun]:
    """Past runs, newest first: those of a flow, a status, a batch; `most` of them at most.

    Raises `InputError` when the store cannot be read.
    """
    with _readable(folder) as store:
        return store.runs(flow=flow, status=status, batch=batch, most=most)


def runs_like(beginning: str, folder: Path | None = None, *, most: int = 2) -> list[str]:
    """The ids of past runs that begin so, newest first. Raises `InputError` as `past_runs`."""
    with _readable(folder) as store:
        return store.ids(beginning, most)


def find_run(run_id: str, folder: Path | None = None) -> Trace | None:
    """A past run by its id, if there is one. Raises `InputError` when it cannot be read."""
    with _readable(folder) as store:
        return store.load(run_id)


def load_run(run_id: str, folder: Path | None = None) -> Trace:
    """A past run by its id. Raises `InputError` when there is no such run."""
    found = find_run(run_id, folder)
    if found is None:
        raise InputError(f"there is no run `{run_id}` in `{runs_file(folder)}`")
    return found


def _store(base: Path) -> RunStore:
    return RunStore(runs_file(base))


@contextmanager
def _readable(folder: Path | None) -> Generator[RunStore]:
    """The store, with what earlier versions kept. Raises `InputError` when it cannot be read."""
    base = folder or state_folder()
    store = _store(base)
    _import_old(base, store)
    try:
        yield store
    except OSError as error:
        raise InputError(f"the past runs cannot be read: {reason(error)}") from error


def _told(trace: Trace, file: str | None, batch: str | None) -> Trace:
    if file is None and batch is None:
        return trace
    return replace(trace, file=file or trace.file, batch=batch or trace.batch)


def _import_old(base: Path, store: RunStore) -> None:
    """Take over the files of an earlier version, once: they are deleted when they are kept.

    Whatever else is in that folder is left alone, and nothing that goes wrong here is raised: an
    old file is no reason to lose a new run, or not to show one.
    """
    with suppress(Exception):
        files = sorted((base / _OLD).glob("[!.]*.json"), key=lambda path: path.name)
        traces = {path: trace for path in files if (trace := _old_trace(path)) is not None}
        if not traces:
            return
        store.add(list(traces.values()))
        for path in traces:
            path.unlink(missing_ok=True)
        (base / _OLD).rmdir()


def _old_trace(path: Path) -> Trace | None:
    try:
        return load_trace(path) if path.is_file() else None
    except (InputError, OSError):
        return None


def reason(error: OSError) -> str:
    """Why the system refuses, with the path where the error has one: "`/x`: is a directory"."""
    if error.strerror is None:
        return str(error) or type(error).__name__
    said = error.strerror.lower()
    return f"`{error.filename}`: {said}" if error.filename else said
