"""Which file an import path means, and why some paths are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphdsl.compiler import codes
from graphdsl.diagnostics import did_you_mean

_DRIVE = re.compile(r"[A-Za-z]:")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PROJECT_MARKS = ("pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a path cannot be imported, and what to write instead."""

    code: str
    message: str
    helps: tuple[str, ...] = field(default=())


def project_root(folder: Path) -> Path:
    """The nearest folder upwards with a `pyproject.toml` or `.git`, else the folder itself."""
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in _PROJECT_MARKS):
            return candidate
    return folder


def resolve(path: str, folder: Path, root: Path) -> Path | Refusal:
    """The file that `path` means in a file of `folder`; never outside of `root`, links resolved."""
    if refused := _form(path):
        return refused
    try:
        found = (folder / path).resolve()
        home = root.resolve()
    except (OSError, RuntimeError, ValueError):
        return Refusal(codes.UNREADABLE_FILE, f"the path `{path}` cannot be followed")
    if not found.is_relative_to(home):
        return Refusal(
            codes.OUTSIDE_PROJECT,
            f"`{path}` lies outside of the project folder",
            ("copy the file into the project, or put a `pyproject.toml` in the common folder",),
        )
    return found if found.is_file() else _missing(path, found)


def _form(path: str) -> Refusal | None:
    """What is wrong with the way the path is written, if anything."""
    if _URL.match(path):
        message = "an import cannot fetch from the network"
        return Refusal(codes.NOT_RELATIVE, message, ("copy the file into the project",))
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        message = "an import path must be relative to the file that imports"
        return Refusal(codes.NOT_RELATIVE, message, ('write it as `"lib/judge.tts"`',))
    if "\\" in path:
        message = "an import path is written with `/`"
        return Refusal(codes.NOT_RELATIVE, message, (f"write `{path.replace(chr(92), '/')}`",))
    if not path.strip() or not path.isprintable():
        return Refusal(codes.NOT_RELATIVE, "an import path must name a file")
    return None


def _missing(path: str, found: Path) -> Refusal:
    if found.exists():
        return Refusal(codes.UNREADABLE_FILE, f"`{path}` is not a regular file")
    close = did_you_mean(found.name, _siblings(found.parent))
    if close:
        start = path[: path.rfind("/") + 1]
        helps = (f"did you mean {', '.join(f'`{start}{name}`' for name in close)}?",)
    else:
        helps = ("the path is relative to the file that imports",)
    return Refusal(codes.FILE_NOT_FOUND, f"there is no file `{path}`", helps)


def _siblings(folder: Path) -> Iterator[str]:
    """Names of the `.tts` files of a folder, at most a thousand of them."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.suffix == ".tts")
    except OSError:
        return iter(())
    return iter(names[:1000])
