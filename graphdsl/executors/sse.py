"""Server-sent events, the form in which replies are streamed (WHATWG HTML, section 9.2).

Only `data` counts here. Lines end with a line feed, with or without a carriage return before it.
"""

from __future__ import annotations

from typing import Final

LIMIT: Final = 16 * 2**20
"""Bytes that one event may have."""


class EventDecoder:
    """Cuts a stream of bytes into events, however the network has cut it."""

    __slots__ = ("_buffer", "_data", "_limit", "_size")

    def __init__(self, limit: int = LIMIT) -> None:
        self._buffer = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._limit = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of every event that ends in this chunk; an event without data is none.

        Raises `ValueError` when an event grows beyond the limit.
        """
        buffer = self._buffer
        start = len(buffer)
        buffer += chunk
        events: list[bytes] = []
        at = 0
        while (end := buffer.find(b"\n", max(at, start))) >= 0:
            line = bytes(buffer[at:end])
            at = end + 1
            if line.endswith(b"\r"):
                line = line[:-1]
            if line:
                self._take(line)
            elif self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        if at:
            del buffer[:at]
        if len(buffer) + self._size > self._limit:
            raise ValueError(f"an event has more than {self._limit} bytes")
        return events

    def _take(self, line: bytes) -> None:
        """One line of an event; comments and other fields are passed over."""
        name, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._size += len(value)
