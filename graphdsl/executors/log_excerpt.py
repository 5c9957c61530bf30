"""What a log says about a failure, short enough for a message."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

_TAIL: Final = 12
"""Lines at the end of a log that a message repeats."""

_READ: Final = 65_536
"""Bytes at the end of a log that are looked at."""

_LINE: Final = 240
_CAUSE: Final = re.compile(r"\b(?:\w+\.)*\w*(?:Error|Exception): \S")


def log_end(path: Path) -> str:
    """The last part of a log; empty where there is none."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _READ))
        return file.read().decode("utf-8", "replace")
    return ""


def excerpt(text: str) -> str:
    """The first error that a log names, and its last lines, each indented on a line of its own."""
    lines = [line.rstrip()[:_LINE] for line in text.splitlines() if line.strip()]
    if not lines:
        return "\n  (its log is empty)"
    tail = lines[-_TAIL:]
    cause = next((line for line in lines if _CAUSE.search(line)), None)
    shown = tail if cause is None or cause in tail else [cause, "…", *tail]
    return "".join(f"\n  {line}" for line in shown)
