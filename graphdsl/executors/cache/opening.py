"""Opening the file of a cache, whatever state it is in: a cache must not cost a run.

One that is damaged is set aside, and a new one begun. Where none can be had the reason is a note,
and nothing is kept.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graphdsl.errors import InputError
from graphdsl.executors.cache.database import Database, Newer, NotOurs
from graphdsl.executors.model_cache import exclusive

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF
"""The part of SQLite's error codes that says what kind it is."""

_OURS: Final = (".sqlite", ".sqlite3", ".db")
"""How the name of a file ends that may be set aside when it is no database: no use to anybody."""

_PATIENCE: Final = 10.0
"""Seconds to wait for other processes that make the file, or set it aside."""

_AROUND: Final = ("", "-wal", "-shm")
"""What SQLite adds to the name of a database for the files beside it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A database, or None where there is none to be had; and what there is to say about that."""

    database: Database | None
    note: str | None = None


def open_database(path: Path) -> Opened:
    """The database at a path, which is made where there is none.

    Raises `InputError` where the path is something else: a folder, another kind of file.
    """
    if path.is_dir():
        raise InputError(f"`{path}` is a folder, and no cache; name a file in it")
    try:
        return Opened(_opened(path))
    except NotOurs:
        raise InputError(
            f"`{path}` is a database of something else, and no cache; name another file"
        ) from None
    except Newer:
        return Opened(
            None, f"`{path}` is from a later version of graphdsl, and left alone: nothing is cached"
        )
    except (sqlite3.Error, OSError) as error:
        if not is_damage(error):
            return Opened(None, f"nothing is cached in `{path}`: {reason(error)}")
        if path.suffix not in _OURS:
            raise InputError(
                f"`{path}` is no SQLite file, and no cache; name another file, such as "
                f"`{path.stem}.sqlite`"
            ) from None
        return reopened(path, path.stat().st_ino)


def reopened(path: Path, inode: int) -> Opened:
    """A new database in the place of a damaged one, which is kept beside it.

    `inode` is that of the damaged file: another process may have set it aside already.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        with _alone(path):
            if path.exists() and path.stat().st_ino == inode:
                for end in _AROUND:
                    with suppress(FileNotFoundError):
                        Path(f"{path}{end}").replace(f"{aside}{end}")
        return Opened(
            _opened(path),
            f"the cache `{path}` was damaged; it is now `{aside}`, and a new one begun",
        )
    except (sqlite3.Error, OSError, Newer, NotOurs) as error:
        return Opened(None, f"the cache `{path}` is damaged, and nothing cached: {reason(error)}")


def is_damage(error: Exception) -> bool:
    """Whether SQLite says that the file is not what it should be."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & _PRIMARY) in _DAMAGED


def reason(error: Exception) -> str:
    """Why a file cannot be used, in a few words."""
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error).lower() or type(error).__name__


def _opened(path: Path) -> Database:
    """Made by one process at a time, and readable for its owner alone."""
    if path.exists() and path.stat().st_size:
        return Database(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return Database(path)


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Hold the lock beside the file. Raises `TimeoutError`."""
    until = time.monotonic() + _PATIENCE

    def waiting() -> None:
        if time.monotonic() > until:
            raise TimeoutError("another process holds its lock")

    with exclusive(path.with_name(f"{path.name}.lock"), waiting):
        yield
