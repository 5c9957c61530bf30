"""Traces of past runs on disk: `$GRAPHDSL_STATE/runs/ID.json`.

Without that variable the folder is `$XDG_STATE_HOME/graphdsl`, by default
`~/.local/state/graphdsl`. The last 200 runs are kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from graphdsl.errors import InputError
from graphdsl.executors.trace import Trace

KEPT: Final = 200
"""Runs that stay; older ones are deleted when a new one is saved."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,100}")


def state_folder() -> Path:
    """Where the program keeps what it may lose without harm."""
    if own := os.environ.get("GRAPHDSL_STATE"):
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or ""
    home = Path(base) if os.path.isabs(base) else Path.home() / ".local" / "state"
    return home / "graphdsl"


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
    """Read a saved trace. Raises `InputError` when there is none or it cannot be read."""
    try:
        return Trace.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(f"there is no trace `{path}`") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"`{path}` is not a trace of a run: {error}") from error


def keep_run(trace: Trace, folder: Path | None = None) -> Path:
    """Save a run among the past runs and drop the oldest beyond `KEPT`. Gives its path."""
    runs = (folder or state_folder()) / "runs"
    path = runs / f"{trace.run_id}.json"
    save_trace(trace, path)
    for old in list(_files(runs))[KEPT:]:
        with suppress(FileNotFoundError):
            old.unlink()
    return path


def past_runs(folder: Path | None = None) -> list[str]:
    """Ids of saved runs, newest first."""
    return [path.stem for path in _files((folder or state_folder()) / "runs")]


def load_run(run_id: str, folder: Path | None = None) -> Trace:
    """A saved run by its id. Raises `InputError` when there is no such run."""
    if not _ID.fullmatch(run_id):
        raise InputError(f"`{run_id}` is not the id of a run")
    return load_trace((folder or state_folder()) / "runs" / f"{run_id}.json")


def _files(runs: Path) -> Iterator[Path]:
    """Saved runs, newest first; an id begins with the time, which orders equal clocks."""

    def age(path: Path) -> tuple[float, str]:
        with suppress(FileNotFoundError):
            return path.stat().st_mtime, path.name
        return 0.0, path.name

    yield from sorted(runs.glob("[!.]*.json"), key=age, reverse=True)
