"""Reads the header of a GGUF file: enough to say what is wrong with it and to list its tokens.

Source: the GGUF specification, versions 2 and 3 (ggml, docs/gguf.md), little-endian only.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SCALARS: Final = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING: Final = 8
_ARRAY: Final = 9
_CONTROL_TOKEN: Final = 3
_MAX_DIMENSIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata by key, and where the data of the last tensor begins (bytes in the file)."""

    metadata: dict[str, Any]
    last_tensor_offset: int

    @property
    def control_tokens(self) -> tuple[str, ...]:
        """Strings that the tokenizer reads as control tokens, longest first."""
        texts = self.metadata.get("tokenizer.ggml.tokens", ())
        kinds = self.metadata.get("tokenizer.ggml.token_type", ())
        found = {text for text, kind in zip(texts, kinds, strict=False) if kind == _CONTROL_TOKEN}
        return tuple(sorted(found, key=lambda text: (-len(text), text)))


def read_header(path: Path) -> Header:
    """Parse the header. Raises `ValueError` saying what is wrong with the file, and `OSError`."""
    if path.stat().st_size < 24:
        raise ValueError("it is too short to be a GGUF file")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"GGUF":
            raise ValueError("it does not begin with the bytes `GGUF`")
        try:
            return _Reader(data).header()
        except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
            raise ValueError("its header ends early or is damaged") from error


def check_complete(path: Path) -> None:
    """Raise `ValueError` when the file is not GGUF or ends before its tensors do."""
    header = read_header(path)
    if header.last_tensor_offset >= path.stat().st_size:
        raise ValueError(f"it is cut short: {path.stat().st_size} bytes are there")


class _Reader:
    """A cursor over the mapped file."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 4

    def header(self) -> Header:
        version, tensors, pairs = self._take("<IQQ")
        if version not in (2, 3):
            raise ValueError(f"its GGUF version is {version}; 2 and 3 are known")
        metadata = {self._string(): self._value(self._take("<I")[0]) for _ in range(pairs)}
        farthest = max((self._tensor_offset() for _ in range(tensors)), default=0)
        align = int(metadata.get("general.alignment", 32)) or 32
        return Header(metadata, (self._at + align - 1) // align * align + farthest)

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _string(self) -> str:
        (length,) = self._take("<Q")
        end = self._at + length
        if end > len(self._data):
            raise IndexError("a string runs past the end")
        text = self._data[self._at : end].decode("utf-8", "replace")
        self._at = end
        return text

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(*self._take("<IQ"))
        if kind not in _SCALARS:
            raise IndexError(f"unknown value type {kind}")
        return self._take(_SCALARS[kind])[0]

    def _array(self, kind: int, count: int) -> tuple[Any, ...]:
        if kind in _SCALARS and count <= len(self._data):
            return self._take(f"<{count}{_SCALARS[kind][1]}")
        if count > len(self._data):
            raise IndexError("an array runs past the end")
        return tuple(self._value(kind) for _ in range(count))

    def _tensor_offset(self) -> int:
        self._string()
        (dimensions,) = self._take("<I")
        if dimensions > _MAX_DIMENSIONS:
            raise IndexError("a tensor has too many dimensions")
        *_, offset = self._take(f"<{dimensions}QIQ")
        return int(offset)
