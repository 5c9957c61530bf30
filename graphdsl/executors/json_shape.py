"""JSON from elsewhere, by the shape that it really has."""

from __future__ import annotations

from typing import Any, cast


def object_of(found: object) -> dict[str, Any] | None:
    """The value itself where it is a JSON object, else None."""
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def list_of(found: object) -> list[Any]:
    """The value itself where it is a JSON array, else an empty list."""
    return cast("list[Any]", found) if isinstance(found, list) else []
