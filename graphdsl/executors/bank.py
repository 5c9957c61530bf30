"""A recorded bank: replies by prompt or item, in a file of JSON lines or in SQLite.

The suffix says which: `.jsonl`, or `.db`, `.sqlite`, `.sqlite3`. Both hold the same records, the
lines of `bank_line`. Banks only grow; a sample is in a bank once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from graphdsl.executors.bank_record import Recorded

SQLITE: Final = (".db", ".sqlite", ".sqlite3")
LINES: Final = (".jsonl",)
"""Suffixes of the two forms."""


KEPT: Final = 256
"""Places whose replies stay in memory: the samples of one prompt are asked for together."""


class NoBank(Exception):
    """There is no bank at this place; the message says what to do."""


class BadBank(Exception):
    """The file is there and no bank; the message says where and why."""


class Bank(Protocol):
    """A bank that can be read."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it has replies of, in alphabetical order."""
        ...

    def find(self, place: str, model: str) -> Sequence[Recorded]:
        """The replies of a model at a place, in the order of their recording.

        What was added since the bank was opened is among them. Raises `BadBank` where the file was
        changed in another way.
        """
        ...

    def has_items(self, model: str) -> bool:
        """Whether replies of that model go by items, since nobody knows their prompts.

        Raises as `find` does.
        """
        ...

    def close(self) -> None:
        """Close the file; may be called twice."""
        ...


class BankWriter(Protocol):
    """A bank that grows. Several processes may write to one file."""

    def add(self, records: Sequence[Recorded]) -> int:
        """Write those that it does not have, all in one piece; says how many these were.

        Raises `BadBank` where the file is no bank any more, `OSError` or `sqlite3.Error` where it
        cannot be written.
        """
        ...

    def close(self) -> None:
        """Close the file; may be called twice."""
        ...


def open_bank(path: Path, *, empty: bool = False) -> Bank:
    """A bank to read; with `empty` it may be one that has no reply yet.

    Raises `NoBank` and `BadBank`, `OSError` for a file that cannot be read.
    """
    if path.is_dir():
        raise BadBank(f"`{path}` is a folder; name the bank in it")
    sqlite = _is_sqlite(path)
    _check_there(path)
    bank = _open(path, sqlite)
    if not bank.models and not empty:
        bank.close()
        raise BadBank(
            f"`{path}` has no recorded reply; fill it with `graphdsl run FILE --record {path.name}`"
        )
    return bank


def _open(path: Path, sqlite: bool) -> Bank:
    if sqlite:
        from graphdsl.executors.bank_sqlite import SqliteBank

        return SqliteBank(path)
    from graphdsl.executors.bank_lines import LinesBank

    return LinesBank(path)


def open_writer(path: Path) -> BankWriter:
    """A bank to write: it is read first where it exists, and made where it does not.

    Raises `NoBank` where none can be made there, `BadBank` for a file that is none.
    """
    if path.is_dir():
        raise NoBank(f"`{path}` is a folder; name a file in it, such as `{path / 'bank.jsonl'}`")
    sqlite = _is_sqlite(path)
    if not path.parent.is_dir():
        raise NoBank(f"there is no folder `{path.parent}` to record in")
    if sqlite:
        from graphdsl.executors.bank_sqlite import SqliteWriter

        return SqliteWriter(path)
    from graphdsl.executors.bank_lines import LinesWriter

    return LinesWriter(path)


def _is_sqlite(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in (*LINES, *SQLITE):
        raise NoBank(
            f"`{path}` is no name of a bank: it ends with `.jsonl` (JSON lines) or `.db` (SQLite)"
        )
    return suffix in SQLITE


def _check_there(path: Path) -> None:
    if not path.exists():
        raise NoBank(
            f"there is no bank `{path}`; make one with `graphdsl run FILE --record {path.name}`"
        )
