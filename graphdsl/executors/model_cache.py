"""The directory of downloaded models: where it is, who may write to it, what a full disk means."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from graphdsl.errors import BackendError
from graphdsl.executors.file_lock import try_lock

MOVE_IT: Final = "set GRAPHDSL_CACHE to a directory on another disk to move the cache"
_CHUNK: Final = 1 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST})


OFF: Final = "off"
"""In place of a path: keep no answers. Models have to be somewhere, and stay where they usually
are."""


def is_off(value: str | None) -> bool:
    """Whether a variable of the environment says `off`, in whatever letters."""
    return value is not None and value.strip().lower() == OFF


def cache_folder() -> Path:
    """Where models and answers are kept: `$GRAPHDSL_CACHE`, else the user's cache directory."""
    own = os.environ.get("GRAPHDSL_CACHE")
    if own and not is_off(own):
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "graphdsl"


def models_dir() -> Path:
    """Where models are kept: a part of the `cache_folder`."""
    return cache_folder() / "models"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def megabytes(size: int) -> str:
    """A size for people, in units of 10^6 bytes."""
    return f"{size / 1e6:,.0f} MB"


def require_space(directory: Path, size: int, model: str) -> None:
    """Refuse a download that cannot fit, before it begins. Raises `BackendError`."""
    free = shutil.disk_usage(directory).free
    if free < size:
        raise _full(directory, size, model, f"{megabytes(free)} are free")


@contextmanager
def storage(directory: Path, size: int, model: str) -> Generator[None]:
    """Turn a full, read-only or forbidden disk into a `BackendError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(directory, size, model, "the disk is full") from error
        if error.errno in _REFUSED:
            raise BackendError(
                f"cannot keep `{model}` in {directory}: {error.strerror}; "
                f"make the directory writable ({megabytes(size)} are needed), or {MOVE_IT}",
                model=model,
            ) from error
        raise


def _full(directory: Path, size: int, model: str, found: str) -> BackendError:
    return BackendError(
        f"no room for `{model}` in {directory}: {found}, {megabytes(size)} are needed; "
        f"free some space and pull again (what has arrived is kept), or {MOVE_IT}",
        model=model,
    )


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Hold a lock file against other processes and threads; the system frees it if we die.

    While another holder works, `waiting` is called several times a second; it may raise.
    """
    with path.open("a+b") as file:
        while not try_lock(file):
            waiting()
            time.sleep(0.1)
        yield  # closing the file releases the lock
