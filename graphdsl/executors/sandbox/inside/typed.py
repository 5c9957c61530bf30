"""What annotations need, without `typing`, which takes as long to import as the rest together.

A type checker reads `TYPE_CHECKING` by its name. Annotations are never evaluated here, so what they
name is imported for the checker only.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""True for type checkers."""

if TYPE_CHECKING:
    from typing import cast as cast
else:

    def cast(kind, value):
        """The value; its type is written as a text."""
        return value
