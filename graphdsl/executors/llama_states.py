"""The folder in which slots of llama.cpp keep what they know, and what such a state takes.

A process that is killed cannot delete its folder. So each folder holds a file that its process has
locked, and whoever makes a new one deletes those of the same user whose lock is gone.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from graphdsl.executors.file_lock import try_lock
from graphdsl.executors.llama_stems import ROOM

_MEMORY: Final = Path("/dev/shm")
"""Where files are memory, on Linux."""

_PREFIX: Final = "graphdsl-states-"
_LOCK: Final = "lock"
_HALF: Final = 2
"""Bytes of a number in the cache of keys and values."""


class States:
    """A private folder for what slots know. `fast`: it is memory, and gets whatever may help.

    Deleted by `close`, at the latest when this process ends, and never by a process forked off it.
    """

    def __init__(self) -> None:
        self.fast = free_bytes(_MEMORY) >= 2 * ROOM and os.access(_MEMORY, os.W_OK)
        parent = _MEMORY if self.fast else Path(tempfile.gettempdir())
        self.path, lock = _made(parent)
        self._delete = weakref.finalize(self, _delete, self.path, lock, os.getpid())
        for place in {parent, _MEMORY}:
            _sweep(place)

    def drop(self, name: str) -> None:
        """Delete one file, if it is there."""
        with suppress(OSError):  # the folder goes in the end, with all that it has
            (self.path / name).unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that are free where the folder is."""
        return free_bytes(self.path)

    def close(self) -> None:
        """Delete them all."""
        self._delete()


def free_bytes(folder: Path) -> int:
    """Bytes that the user may still write in a folder; 0 where there is none."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def bytes_per_token(metadata: Mapping[str, Any]) -> int:
    """What a state takes for each token, by the header of the model; 0 where that says nothing.

    Keys and values of every layer, as half floats.
    """
    kind = metadata.get("general.architecture")
    layers = metadata.get(f"{kind}.block_count")
    width = metadata.get(f"{kind}.embedding_length")
    heads = _most(metadata.get(f"{kind}.attention.head_count"))
    groups = _most(metadata.get(f"{kind}.attention.head_count_kv")) or heads
    if not (isinstance(layers, int) and isinstance(width, int) and heads):
        return 0
    each = width // heads
    keys = metadata.get(f"{kind}.attention.key_length", each)
    values = metadata.get(f"{kind}.attention.value_length", each)
    return layers * groups * (keys + values) * _HALF


def _most(value: Any) -> int:
    """A number, or the largest of one for each layer."""
    return max(value, default=0) if isinstance(value, list | tuple) else value or 0  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _made(parent: Path) -> tuple[Path, int | None]:
    """A new folder and its lock; it has its name, by which others find it, once it is locked."""
    hidden = Path(tempfile.mkdtemp("", f".{_PREFIX}", parent))
    lock = _locked(hidden / _LOCK, os.O_CREAT)
    folder = hidden.with_name(hidden.name[1:])
    try:
        hidden.rename(folder)
    except OSError:  # where what is open cannot be renamed it keeps its first name
        return hidden, lock
    return folder, lock


def _sweep(parent: Path) -> None:
    """Delete the folders that processes of this user have left when they were killed."""
    for folder in _of_this_user(parent):
        lock = _locked(folder / _LOCK)
        if lock is not None:
            _remove(folder, lock)


def _of_this_user(parent: Path) -> Iterator[Path]:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == _user():
                yield folder


def _user() -> int:
    return 0 if os.name == "nt" else os.getuid()


def _locked(path: Path, flags: int = 0) -> int | None:
    """The lock of a folder, open; None where another has it, it is not there, or none can be."""
    number = None
    try:
        number = os.open(path, os.O_RDWR | flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        if try_lock(number):
            return number
    except OSError:
        if flags:
            path.unlink(missing_ok=True)  # a lock that cannot be had would look like one given up
    if number is not None:
        os.close(number)
    return None


def _delete(folder: Path, lock: int | None, owner: int) -> None:
    if os.getpid() == owner:
        _remove(folder, lock)


def _remove(folder: Path, lock: int | None) -> None:
    if os.name != "nt":
        shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
