"""What a file of weights is, wherever it lies: a digest of its content, computed once.

Digests are remembered with the traces of runs, by path, size, and the times of the content and of
the entry (that one changes too where somebody sets the other back). Files of more than 4 GB are
known by their size, time, and parts throughout: reading all would take minutes.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from graphdsl.executors.json_shape import object_of
from graphdsl.executors.model_cache import sha256_of
from graphdsl.executors.private_files import make_folder
from graphdsl.executors.runs import state_folder

WHOLE: Final = 4_000_000_000
"""Bytes up to which a file is read from its beginning to its end."""

_PARTS: Final = 256
_CHUNK: Final = 1 << 20
"""Of larger ones so many parts of so many bytes are read."""

_MEMORY: Final = "weights.json"
_KEPT: Final = 1000
"""Digests that are remembered."""

_NAMES: Final = ("*.safetensors", "*.bin", "*.pt", "*.json", "*.jinja", "*.model", "*.txt")
"""The files of a folder of Hugging Face weights that decide what a model says."""


def file_identity(path: Path) -> str:
    """The digest of a file. Raises `OSError`."""
    path = path.resolve()
    state = path.stat()
    key = f"{path}:{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}"
    known = _memory()
    digest = known.get(key)
    if isinstance(digest, str):
        return digest
    digest = _digest(path, state)
    _remember(key, digest)
    return digest


def folder_identity(folder: Path) -> str:
    """The digest of a folder of weights. Raises `OSError`."""
    files = sorted({file for name in _NAMES for file in folder.glob(name) if file.is_file()})
    found = [(file.name, file_identity(file)) for file in files]
    return blake2b(json.dumps(found).encode(), digest_size=32).hexdigest()


def _digest(path: Path, state: os.stat_result) -> str:
    if state.st_size <= WHOLE:
        return sha256_of(path)
    found = blake2b(f"{state.st_size}:{state.st_mtime_ns}".encode(), digest_size=32)
    with path.open("rb") as file:
        for part in range(_PARTS):
            file.seek((state.st_size - _CHUNK) * part // (_PARTS - 1))
            found.update(file.read(_CHUNK))
    return found.hexdigest()


def _memory() -> dict[str, Any]:
    """Empty where it cannot be read: then digests are computed again."""
    try:
        return object_of(json.loads((state_folder() / _MEMORY).read_bytes())) or {}
    except (OSError, ValueError, RecursionError):
        return {}


def _remember(key: str, digest: str) -> None:
    """What two processes add at once may be lost, and is computed again."""
    place = state_folder() / _MEMORY
    part = place.with_name(f".{_MEMORY}.{os.getpid()}.part")
    known = {**_memory(), key: digest}
    with suppress(OSError):
        try:
            make_folder(place.parent)
            part.write_text(json.dumps(dict(list(known.items())[-_KEPT:])), encoding="utf-8")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
