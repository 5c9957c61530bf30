"""The GGUF reader says what is wrong with a file and never breaks on one."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from graphdsl.executors.gguf import check_complete, read_header

TOKENS = ("the", "<|im_start|>", "<|im_end|>", "é")


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def tiny_gguf() -> bytes:
    """One tensor of 64 bytes, four tokens of which two are control tokens."""
    pairs = (
        text("general.alignment") + struct.pack("<II", 4, 64),
        text("general.name") + struct.pack("<I", 8) + text("tiny"),
        text("tokenizer.ggml.tokens")
        + struct.pack("<IIQ", 9, 8, 4)
        + b"".join(text(token) for token in TOKENS),
        text("tokenizer.ggml.token_type") + struct.pack("<IIQ4i", 9, 5, 4, 1, 3, 3, 1),
    )
    tensor = text("weights") + struct.pack("<IQIQ", 1, 16, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + tensor
    return head + b"\0" * (-len(head) % 64) + b"\1" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(tiny_gguf())
    return path


def test_the_header_is_read(path: Path) -> None:
    header = read_header(path)
    assert header.metadata["general.name"] == "tiny"
    assert header.control_tokens == ("<|im_start|>", "<|im_end|>")
    assert header.last_tensor_offset == len(tiny_gguf()) - 64
    check_complete(path)


def test_a_file_without_its_tensor_is_cut_short(path: Path) -> None:
    path.write_bytes(tiny_gguf()[:-64])
    with pytest.raises(ValueError, match="cut short"):
        check_complete(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "too short"),
        (b"x" * 100, "does not begin"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "GGUF version is 9"),
        (tiny_gguf()[:120], "ends early"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("a") + struct.pack("<I", 77), "damaged"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63), "damaged"),
    ],
)
def test_what_is_wrong_is_said(path: Path, content: bytes, reason: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        check_complete(path)


def test_damage_anywhere_is_a_value_error_or_harmless(path: Path) -> None:
    whole = tiny_gguf()
    refused = 0
    for seed in range(500):
        draw = random.Random(seed)
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[draw.randrange(4, len(whole) - 64)] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            check_complete(path)
        except ValueError:
            refused += 1
    assert refused > 100
