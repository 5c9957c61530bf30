"""Files that commands write: what is wrong with one is said before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

from graphdsl.errors import InputError


def check_writable(path: Path) -> None:
    """Raise `InputError` when no file can be written there; changes nothing."""
    if path.is_dir():
        raise InputError(f"`{path}` is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder `{path.parent}` to write `{path.name}` in")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"`{path}` cannot be written: permission denied")
