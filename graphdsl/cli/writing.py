"""Files that commands write: what is wrong with one is said before any work is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from graphdsl.errors import InputError

PROGRAM: Final = ".tts"
"""How the name of a program ends."""


def refuse_program(path: Path | None, option: str, program: Path | None = None) -> None:
    """Raise a usage error where a file to write is the program, or is named as one."""
    if path is None:
        return
    same = program is not None and (
        path.resolve() == program.resolve()
        or (path.exists() and program.exists() and path.samefile(program))
    )
    if same or path.suffix.lower() == PROGRAM:
        raise click.UsageError(f"{option} would overwrite the program `{path}`")


def check_writable(path: Path) -> None:
    """Raise `InputError` when no file can be written there; changes nothing."""
    if path.is_dir():
        raise InputError(f"`{path}` is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder `{path.parent}` to write `{path.name}` in")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"`{path}` cannot be written: permission denied")
