"""The file of a journal: locked, appended to in groups, each durable before the next begins."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from graphdsl.errors import InputError
from graphdsl.executors.file_lock import try_lock
from graphdsl.executors.journal.line import decode_line, encode_line
from graphdsl.executors.journal.records import VERSION, Decoder, Encoder, JournalRecord

_FLAGS: Final = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_make_durable: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)

_TRIES: Final = 20
_TRY: Final = 0.01
"""How often, and every how many seconds, a lock is tried that somebody has."""

Watch = Callable[[str], None]
"""Is told what is about to happen, by name; for tests that end the process there."""


class JournalFile:
    """An open journal that this process alone may write. Not safe for two threads at once."""

    def __init__(self, path: Path, stream: BinaryIO, watch: Watch | None = None) -> None:
        self.path = path
        self._stream = stream
        self.watch = watch
        self._number = 0
        self._end = 0
        self._encoder = Encoder({})

    @classmethod
    def create(
        cls, path: Path, header: Mapping[str, Any], watch: Watch | None = None
    ) -> JournalFile:
        """A new file with its first record. Raises `InputError` where there can be none."""
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = cls(path, _opened(part, _FLAGS | os.O_CREAT | os.O_TRUNC), watch)
            try:
                _lock(file._stream, path)
                lines = file.encode(("journal", {**header, "version": VERSION}), first=True)
                file._write(lines)
                os.fsync(file._stream.fileno())
                file._end = len(lines)
                os.link(part, path)  # unlike a rename, it takes no other file's place
                sync_folder(path.parent)
            except BaseException:
                file.close()
                raise
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            if path.exists():
                raise InputError(f"there is a file `{path}` already") from error
            raise InputError(f"no journal can be made at `{path}`: {reason(error)}") from error
        return file

    @classmethod
    def resume(
        cls, path: Path, watch: Watch | None = None
    ) -> tuple[JournalFile, dict[str, Any], list[JournalRecord]]:
        """A file that exists, its header and the other records; a torn end is cut off.

        Raises `InputError` where it is not there, in use, newer than this program, damaged
        before its end, or no journal.
        """
        try:
            file = cls(path, _opened(path, _FLAGS), watch)
        except FileNotFoundError as error:
            raise InputError(f"there is no journal `{path}`") from error
        except OSError as error:
            raise InputError(f"`{path}` cannot be resumed: {reason(error)}") from error
        try:
            return file, *file._read()
        except OSError as error:
            file.close()
            raise InputError(f"`{path}` cannot be resumed: {reason(error)}") from error
        except BaseException:
            file.close()
            raise

    def encode(self, record: JournalRecord, *, first: bool) -> bytes:
        """The lines of a record, the `first` of its group or another one; `append` them next.

        Raises `TypeError` or `ValueError` for a record that holds what is no value, and
        `RecursionError` for one that is too deep. Then it is as if nothing had been asked.
        """
        lines: list[bytes] = []
        try:
            for encoded in self._encoder.encode(record):
                mark = first and not lines
                lines.append(encode_line(self._number + len(lines), encoded, first=mark))
        except BaseException:
            self._encoder.undo()
            raise
        self._number += len(lines)
        return b"".join(lines)

    def append(self, group: bytes) -> None:
        """Write the lines of one group, and return when they are durable.

        Raises `OSError` when the disk refuses, after which nothing more can be written.
        """
        if self.watch is None:
            self._write(group)
        else:
            half = len(group) // 2
            self._write(group[:half])
            self.watch("mid-write")
            self._write(group[half:])
            self.watch("before commit")
        _make_durable(self._stream.fileno())
        self._end += len(group)
        if self.watch is not None:
            self.watch("after commit")

    def withdraw(self) -> None:
        """Cut off what a refused group has left, where the disk lets us."""
        os.ftruncate(self._stream.fileno(), self._end)

    def close(self) -> None:
        """Give the file and its lock back; may be called twice."""
        self._stream.close()

    def _write(self, data: bytes) -> None:
        while data:
            written = os.write(self._stream.fileno(), data)
            data = data[written:]

    def _read(self) -> tuple[dict[str, Any], list[JournalRecord]]:
        _lock(self._stream, self.path)
        decoder, records = Decoder(), list[JournalRecord]()
        torn = False
        for place, line in enumerate(self._stream, 1):
            found = decode_line(line[:-1]) if line.endswith(b"\n") else None
            torn = torn or found is None or found[1] != self._number
            if torn:
                if found is not None and found[0]:  # what came before was durable, and is broken
                    raise self._damaged(self._number + 1)
                continue
            if found is not None:
                self._keep(found[2], decoder, records, place)
                self._number += 1
                self._end += len(line)
        if not records:
            raise InputError(f"`{self.path}` is no journal, or its run had not begun")
        if torn:
            self.withdraw()
        self._encoder = Encoder(decoder.prompts)
        return records[0][1], records[1:]

    def _keep(
        self, data: list[Any], decoder: Decoder, records: list[JournalRecord], place: int
    ) -> None:
        if not records:
            self._check_header(data)
        try:
            record = decoder.decode(data)
        except (ValueError, TypeError, LookupError) as error:
            raise self._damaged(place) from error
        if record is not None:
            records.append(record)

    def _check_header(self, data: list[Any]) -> None:
        kind, header = data if len(data) == 2 else ("", None)
        told = kind == "journal" and isinstance(header, dict)
        version = cast("dict[str, Any]", header).get("version") if told else None
        if not isinstance(version, int):
            raise InputError(f"`{self.path}` is no journal of a run")
        if version > VERSION:
            raise InputError(
                f"`{self.path}` was written by a newer graphdsl (version {version} of journals, "
                f"this one knows {VERSION}); resume it with that one"
            )

    def _damaged(self, place: int) -> InputError:
        return InputError(
            f"the journal `{self.path}` is damaged in line {place}, which had been written "
            "completely: it cannot be trusted; begin a new run"
        )


def reason(error: OSError) -> str:
    """Why the system refuses, in lower case."""
    return (error.strerror or str(error)).lower()


def _opened(path: Path, flags: int) -> BinaryIO:
    return os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=1 << 16)


def lock_soon(stream: BinaryIO) -> bool:
    """Lock a journal; False where a run has it. Who only looks whether one has lets go at once."""
    for _ in range(_TRIES):
        if try_lock(stream.fileno()):
            return True
        time.sleep(_TRY)
    return try_lock(stream.fileno())


def _lock(stream: BinaryIO, path: Path) -> None:
    if not lock_soon(stream):
        raise InputError(f"the journal `{path}` is in use: its run goes on in another process")
    if not os.fstat(stream.fileno()).st_nlink:  # it was thrown away before it was locked
        raise InputError(f"there is no journal `{path}`")


def sync_folder(folder: Path) -> None:
    """Make the name of a new file durable, where folders can be synced."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
