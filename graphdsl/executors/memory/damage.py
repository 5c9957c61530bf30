"""Files whose contents are not what was written to them."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

MOST: Final = 2**62
"""Greater than any id or version, and than any time."""

NUMBER: Final = (int, float)
NOTHING: Final = type(None)

Kinds = tuple[type, ...]
"""What a column may hold."""


class Damaged(sqlite3.DatabaseError):
    """A file holds what nobody wrote there. SQLite itself finds only part of such damage."""

    def __init__(self) -> None:
        super().__init__("malformed contents")


def checked(row: Sequence[Any], kinds: Sequence[Kinds]) -> Sequence[Any]:
    """The row, if its columns are of these kinds. Raises `Damaged`."""
    for value, allowed in zip(row, kinds, strict=True):
        number = not isinstance(value, NUMBER) or (math.isfinite(value) and abs(value) < MOST)
        if not isinstance(value, allowed) or not number:
            raise Damaged
    return row
