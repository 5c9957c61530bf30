"""The file of a study: everything that it has seen, in the order in which it saw it.

JSON lines, the first of them the header. A thread makes durable, in one step, whatever has come in
since the last one. What a crash leaves half written at the end is cut off when the study goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Self, cast

from graphdsl.errors import InputError
from graphdsl.executors.batches import Batches
from graphdsl.executors.file_lock import try_lock

VERSION: Final = 1
"""Of the file."""

Note = dict[str, Any]
"""One line; `kind` says what it is about."""


class StudyNotes:
    """An open file of a study, which this process alone may write. Safe from any thread.

    `header` is its first line, `past` are the lines of earlier lives, without the header.
    """

    def __init__(self, path: Path, stream: BinaryIO, header: Note, past: tuple[Note, ...]) -> None:
        """For `create` and `resume`."""
        self.path = path
        self.header = header
        self.past = past
        self._stream = stream
        self._problem: str | None = None
        self._batches: Batches[bytes] = Batches(f"study {path.name}", self._write, stream.close)

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any]) -> Self:
        """A new file. Raises `InputError` where there is one already, or none can be made."""
        first: Note = {"kind": "study", "version": VERSION, **header}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError as error:
            raise InputError(f"there is a study `{path}` already") from error
        except OSError as error:
            raise InputError(f"no study can be kept at `{path}`: {_reason(error)}") from error
        stream = os.fdopen(number, "r+b")
        try_lock(stream)
        stream.write(_line(first))
        stream.flush()
        os.fsync(number)
        return cls(path, stream, first, ())

    @classmethod
    def resume(cls, path: Path) -> Self:
        """A file that is there; a torn end is cut off.

        Raises `InputError` where there is none, another process goes on with it, it is damaged
        before its end, or is from a later version.
        """
        try:
            stream = path.open("r+b")
        except OSError as error:
            raise InputError(f"there is no study `{path}`: {_reason(error)}") from error
        try:
            if not try_lock(stream):
                raise InputError(f"the study `{path}` goes on in another process")
            lines, end = _read(stream, path)
            header = _checked(lines, path)
            stream.truncate(end)
            stream.seek(end)
        except BaseException:
            stream.close()
            raise
        return cls(path, stream, header, tuple(lines[1:]))

    @property
    def problem(self) -> str | None:
        """Why nothing more can be written; None while all is well."""
        return self._problem

    def add(self, kind: str, **facts: Any) -> None:
        """Write a line soon, after those that came before. Raises TypeError for what is no JSON."""
        self._batches.put(_line({"kind": kind, **facts}))

    def flush(self) -> None:
        """Wait until everything that was added is on disk. Raises `InputError` where it is not."""
        self._batches.flush()
        if self._problem is not None:
            raise InputError(f"the study `{self.path}` cannot be written: {self._problem}")

    def close(self) -> None:
        """Write what is left, and let others go on with it; may be called twice."""
        self._batches.close()

    def _write(self, lines: list[bytes]) -> None:
        if self._problem is not None:
            return  # what follows would stand after a gap
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            self._problem = _reason(error)


def header_of(path: Path) -> Note:
    """The header of a file, whoever has it open. Raises `InputError` where there is none."""
    try:
        with path.open("rb") as stream:
            first = stream.readline()
    except OSError as error:
        raise InputError(f"there is no study `{path}`: {_reason(error)}") from error
    found = _parsed(first)
    return _checked([] if found is None else [found], path)


def _line(note: Note) -> bytes:
    text = json.dumps(note, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _read(stream: BinaryIO, path: Path) -> tuple[list[Note], int]:
    """All whole lines, and where the last of them ends."""
    found: list[Note] = []
    end, torn = 0, 0
    for number, line in enumerate(stream, 1):
        note = _parsed(line)
        if note is None:
            torn = torn or number
            continue
        if torn:
            raise InputError(
                f"the study `{path}` is damaged in line {torn}: it cannot be trusted; begin anew"
            )
        found.append(note)
        end += len(line)
    return found, end


def _parsed(line: bytes) -> Note | None:
    if not line.endswith(b"\n"):
        return None
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):  # pyright: ignore[reportUnknownMemberType]
        return None
    return cast(Note, found)


def _checked(lines: list[Note], path: Path) -> Note:
    header = lines[0] if lines else {}
    version = header.get("version")
    if header.get("kind") != "study" or not isinstance(version, int):
        raise InputError(f"`{path}` is no file of a study")
    if version > VERSION:
        raise InputError(
            f"the study `{path}` was written by a later graphdsl (version {version}, this one "
            f"knows {VERSION}); go on with that one"
        )
    return header


def notes_of(past: tuple[Note, ...], kind: str) -> Iterator[Note]:
    """The lines of one kind."""
    return (note for note in past if note["kind"] == kind)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
