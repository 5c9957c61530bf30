"""A bank as a file of JSON lines. A last line without its end, which a crash leaves, is no record.

Every line is read once; what stays in memory is where the lines of each prompt or item begin.
Writers hold a lock (a hidden file beside the bank), take in what others have added, and append
their lines with a single write.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from graphdsl.executors.bank import KEPT, BadBank
from graphdsl.executors.bank_line import BadRecord, from_line, to_line
from graphdsl.executors.bank_record import Recorded, is_item
from graphdsl.executors.model_cache import exclusive

_PATIENCE: Final = 60.0
"""Seconds to wait for other writers, who take milliseconds."""


class LinesBank:
    """A bank that is read; what is added to the file is found as soon as it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _Seen(path)
        self._places: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._size = 0
        self._find = lru_cache(KEPT)(self._read)
        self._file = path.open("rb", buffering=0)  # what is buffered may be old
        try:
            self._catch_up()
        except BaseException:
            self._file.close()
            raise

    @property
    def models(self) -> tuple[str, ...]:
        """See `Bank`."""
        return tuple(sorted({model for _, model in self._places}))

    def find(self, place: str, model: str) -> Sequence[Recorded]:
        """See `Bank`."""
        self._catch_up()
        return self._find(place, model)

    def has_items(self, model: str) -> bool:
        """See `Bank`."""
        return any(is_item(place) for place, name in self._places if name == model)

    def close(self) -> None:
        """See `Bank`."""
        self._file.close()

    def _catch_up(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size == self._size:
            return
        self._find.cache_clear()
        with os.fdopen(os.dup(self._file.fileno()), "rb") as file:
            for start, record in self._seen.read_on(file):
                place = start, self._seen.end - start
                self._places.setdefault((record.place, record.model), []).append(place)
        self._size = size

    def _read(self, place: str, model: str) -> tuple[Recorded, ...]:
        return tuple(self._at(*where) for where in self._places.get((place, model), ()))

    def _at(self, start: int, size: int) -> Recorded:
        self._file.seek(start)
        try:
            return from_line(self._file.read(size))
        except BadRecord as error:
            raise BadBank(f"`{self._path}` was changed while it was in use: {error}") from error


class LinesWriter:
    """A bank that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _Seen(path)
        with self._alone():
            path.touch()
            self._catch_up()

    def add(self, records: Sequence[Recorded]) -> int:
        """See `BankWriter`."""
        with self._alone():
            self._catch_up()
            fresh = {record.identity: to_line(record) for record in reversed(records)}
            lines = {name: line for name, line in fresh.items() if name not in self._seen.known}
            if lines:
                self._append(list(reversed(lines.items())))
            return len(lines)

    def close(self) -> None:
        """See `BankWriter`."""

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Keep other writers out, who may belong to other processes."""
        begin = time.monotonic()

        def waiting() -> None:
            if time.monotonic() - begin > _PATIENCE:
                raise TimeoutError(f"`{self._path}` is locked by another program")

        with exclusive(self._path.with_name(f".{self._path.name}.lock"), waiting):
            yield

    def _catch_up(self) -> None:
        """Read what others have added, and cut off what a crash has left of a line."""
        seen = self._seen
        if not self._path.exists():
            seen.expect(0)
            return
        with self._path.open("r+b") as file:
            seen.expect(file.seek(0, os.SEEK_END))
            for _ in seen.read_on(file):
                pass
            file.truncate(seen.end)

    def _append(self, lines: Sequence[tuple[bytes, bytes]]) -> None:
        data = b"".join(line for _, line in lines)
        whole = data if self._seen.ended else b"\n" + data
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            written = os.write(file, whole)
            while written < len(whole):
                written += os.write(file, whole[written:])
        except OSError:
            os.ftruncate(file, self._seen.end)
            raise
        finally:
            os.close(file)
        self._seen.add([name for name, _ in lines], len(whole))


class _Seen:
    """What was read of a file: up to `end`, in bytes, `known` records with their line numbers.

    `ended` says whether the last line has its line break.
    """

    def __init__(self, path: Path) -> None:
        self.end = 0
        self.ended = True
        self.known: dict[bytes, int] = {}
        self._path = path
        self._lines = 0

    def read_on(self, file: BinaryIO) -> Iterator[tuple[int, Recorded]]:
        """The records that follow, each with where its line begins. Raises `BadBank`."""
        file.seek(self.end)
        for line in file:
            ended = line.endswith(b"\n")
            if not ended and not _is_json(line):
                return
            start = self.end
            self.end += len(line)
            self.ended = ended
            self._lines += 1
            if line.strip():
                yield start, self._parsed(line)

    def add(self, names: Sequence[bytes], size: int) -> None:
        """Take in what was written just now."""
        for name in names:
            self._lines += 1
            self.known[name] = self._lines
        self.end += size
        self.ended = True

    def expect(self, size: int) -> None:
        """Raise `BadBank` where the file is shorter than it was."""
        if size < self.end:
            raise BadBank(f"`{self._path}` was cut short or replaced while it was recorded to")

    def _parsed(self, line: bytes) -> Recorded:
        try:
            record = from_line(line)
        except BadRecord as error:
            raise BadBank(
                f"line {self._lines} of `{self._path}` is no recorded reply: {error}"
            ) from error
        first = self.known.setdefault(record.identity, self._lines)
        if first != self._lines:
            raise BadBank(
                f"lines {first} and {self._lines} of `{self._path}` are the same sample; number "
                'the samples of an item (`"sample": 0`, `1`, …), or delete one of them'
            )
        return record


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
