"""One record of a journal as a line of its file: checksum, mark, JSON.

::

    1f0c9a7e+[0,"journal",{…}]
    5b1d2c33 [1,"intent",…]

The checksum (CRC-32, in hex) is of all that follows it. `+` marks the first record of a group
that was made durable together, so that a reader knows which records were promised. The number of
a record comes first in its JSON. Text is UTF-8, in which lone surrogates are kept as they are.
"""

from __future__ import annotations

from json import JSONDecoder, JSONEncoder
from typing import Any, Final
from zlib import crc32

_ENCODE: Final = JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
).encode
_DECODE: Final = JSONDecoder().decode

_HEAD: Final = 9
"""Bytes before the JSON: eight of the checksum and the mark."""


def encode_line(number: int, record: tuple[Any, ...], *, first: bool) -> bytes:
    """The line of a record, which begins with its kind. Raises `TypeError`, `ValueError`."""
    mark = "+" if first else " "
    body = f"{mark}{_ENCODE([number, *record])}".encode("utf-8", "surrogatepass")
    return b"%08x%b\n" % (crc32(body), body)


def decode_line(line: bytes) -> tuple[bool, int, list[Any]] | None:
    """Whether it begins a group, its number, and the record; None for a line that is broken."""
    mark, body = line[_HEAD - 1 : _HEAD], line[_HEAD - 1 :]
    if mark not in (b"+", b" ") or line[: _HEAD - 1] != b"%08x" % crc32(body):
        return None
    try:
        number, *record = _DECODE(body[1:].decode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, RecursionError):
        return None
    return mark == b"+", number, record
