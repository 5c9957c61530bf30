"""Folders that code filled: how much is in them, and away with them. However deep, in few steps.

Everything goes by descriptors and single names: a path would be too long for the system, and a
function that calls itself too deep for Python, long before the code runs out of folders.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def overfull(path: str, files: int, size: int) -> bool:
    """Whether a folder has more than `files` entries, or more than `size` bytes in them.

    What cannot be looked at counts as too much; what vanishes meanwhile does not.
    """
    left: list[int] = []
    count = total = 0
    try:
        left.append(os.open(path, _OPEN))
        while left:
            folder = left.pop()
            try:
                for name in os.listdir(folder):
                    count += 1
                    total += _measured(folder, name, left)
                    if count > files or total > size:
                        return True
            finally:
                os.close(folder)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    finally:
        for folder in left:
            os.close(folder)
    return False


def _measured(folder: int, name: str, left: list[int]) -> int:
    """The bytes of an entry; a folder is put to those that are left. Raises `OSError`."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            left.append(os.open(name, _OPEN, dir_fd=folder))
    except FileNotFoundError:
        return 0
    return 0 if stat.S_ISDIR(found.st_mode) else max(found.st_size, found.st_blocks * 512)


def remove(path: str) -> None:
    """Remove a folder and all in it, as far as the system lets it. Never raises.

    Folders within folders are moved up and emptied in their turn, so that none is ever deep. What
    filled it must have ended.
    """
    with suppress(OSError):
        top = _opened(path, None)
        try:
            mark = f".{os.urandom(8).hex()}-"
            names = os.listdir(top)
            moved = 0
            while names:
                moved += _emptied(top, names.pop(), f"{mark}{moved}-", names)
        finally:
            os.close(top)
        os.rmdir(path)


def _emptied(top: int, name: str, mark: str, names: list[str]) -> int:
    """Remove an entry; folders in it become entries of `top`. How many those are."""
    with suppress(OSError):
        if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=top)
            return 0
        moved: list[str] = []
        folder = _opened(name, top)
        try:
            for inner in os.listdir(folder):
                with suppress(OSError):
                    if not stat.S_ISDIR(
                        os.stat(inner, dir_fd=folder, follow_symlinks=False).st_mode
                    ):
                        os.unlink(inner, dir_fd=folder)
                        continue
                    os.close(_opened(inner, folder))  # moving it writes to it
                    other = f"{mark}{len(moved)}"
                    os.rename(inner, other, src_dir_fd=folder, dst_dir_fd=top)
                    moved.append(other)
        finally:
            os.close(folder)
        names += moved
        os.rmdir(name, dir_fd=top)
        return 1 + len(moved)
    return 1


def _opened(name: str, within: int | None) -> int:
    """A folder that this process may read and change, whatever its mode was. Raises `OSError`."""
    try:
        folder = os.open(name, _OPEN, dir_fd=within)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=within)
        folder = os.open(name, _OPEN, dir_fd=within)
    with suppress(OSError):  # another user's, where this one is root
        os.fchmod(folder, 0o700)
    return folder
