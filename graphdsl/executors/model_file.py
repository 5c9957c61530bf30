"""Finds the file behind the name of an embedded model: a path, or a catalogue entry."""

from __future__ import annotations

import asyncio
import difflib
import threading
from concurrent.futures import Executor
from pathlib import Path

from graphdsl.errors import ModelNotFound
from graphdsl.executors.catalogue import CATALOGUE, find, locate, pull
from graphdsl.executors.download import Progress


async def find_file(
    name: str, pool: Executor, progress: Progress | None, folder: str | None = None
) -> Path:
    """The .gguf file for a path or a catalogue name; fetched in `pool` if `progress` is given.

    A relative path starts from `folder`, else from the working directory.
    Raises `ModelNotFound` with what was probably meant, and whatever `catalogue.pull` raises.
    """
    path = Path(folder or "", Path(name).expanduser())
    if path.is_file():
        return path
    if path.suffix == ".gguf" or len(Path(name).parts) > 1:
        raise _no_file(path)
    find(name)
    cached = locate(name)
    if cached is not None:
        return cached
    if progress is None:
        raise ModelNotFound(
            f"the model `{name}` is not on this machine yet: graphdsl models pull {name}",
            model=name,
        )
    return await _pull(name, pool, progress)


def _no_file(path: Path) -> ModelNotFound:
    siblings = [file.name for file in path.parent.glob("*.gguf")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    near = near or difflib.get_close_matches(path.stem, CATALOGUE, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return ModelNotFound(
        f"no model file {path}: {hint}give the path of a .gguf file or one of these names: "
        + ", ".join(f"`{name}`" for name in CATALOGUE),
        model=str(path),
    )


class _Abandoned(Exception):
    """Nobody waits for this download any more."""


async def _pull(name: str, pool: Executor, progress: Progress) -> Path:
    """Fetch on a worker thread; cancelling leaves what has arrived for the next time."""
    abandoned = threading.Event()

    def watched(done: int, total: int) -> None:
        if abandoned.is_set():
            raise _Abandoned
        progress(done, total)

    try:
        return await asyncio.get_running_loop().run_in_executor(pool, pull, name, watched)
    finally:
        abandoned.set()
