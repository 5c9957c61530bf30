"""Pieces of a conversation over pipes: a kind (one byte), a length (eight digits), a mark, bytes.

The relay inside a sandbox and the process outside talk in these. The mark is random and told to the
relay only after the candidate's process was made, which so never holds it.
"""

from __future__ import annotations

import os

from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

MARK: Final = 16
"""Bytes of the mark."""

HEAD: Final = 9
"""Bytes before the mark: the kind and the length."""

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest piece that anybody accepts."""

NO_MARK: Final = b"-" * MARK
"""Stands where the mark is not known yet."""

WORK: Final = b"W"
"""To the relay: what to do, by `marshal`."""
MARKED: Final = b"M"
"""To the relay: nothing but the mark."""
ASKED: Final = b"Q"
"""To the candidate, through the relay: the next request or answer."""
VALUE: Final = b"V"
"""From the candidate: bytes of its replies."""
OUT: Final = b"O"
"""From the candidate: bytes of its standard output."""
ERR: Final = b"E"
"""From the candidate: bytes of its standard error."""
STARTED: Final = b"S"
"""From the relay: the candidate's process is there; its time begins."""
END: Final = b"X"
"""From the relay: how the candidate ended, JSON."""
BROKEN: Final = b"B"
"""From the relay: why the candidate could not be confined, UTF-8."""


def piece(kind: bytes, content: bytes, mark: bytes = NO_MARK) -> bytes:
    """One piece as it is written."""
    return b"%s%08d%s%s" % (kind, len(content), mark, content)


def read_exactly(fd: int, count: int) -> bytes | None:
    """So many bytes of a descriptor; None when it ends before. Never reads further."""
    parts: list[bytes] = []
    while count:
        part = os.read(fd, min(count, 1 << 16))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_piece(fd: int) -> tuple[bytes, bytes, bytes] | None:
    """The kind, mark and content of the next piece; None at the end or for what is none."""
    head = read_exactly(fd, HEAD)
    if head is None or not head[1:].isdigit() or int(head[1:]) > LARGEST:
        return None
    mark = read_exactly(fd, MARK)
    content = read_exactly(fd, int(head[1:]))
    return None if mark is None or content is None else (head[:1], mark, content)


def write_all(fd: int, data: bytes) -> None:
    """Write everything, waiting as long as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
