"""What no value that comes from outside may hold, whatever its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from graphdsl.errors import InputError


def check_values(values: Mapping[str, Any]) -> None:
    """Raise `InputError` for a text that is not Unicode, or a number beyond what a float holds.

    JSON can write both: half of a surrogate pair as an escape, and integers of any length.
    """
    for name, value in values.items():
        for place, part in _parts(name, value):
            if isinstance(part, str) and not _encodable(part):
                raise InputError(
                    f"`{place}` holds half of a character (a lone surrogate): no text in Unicode"
                )
            if isinstance(part, int) and not _representable(part):
                raise InputError(f"`{place}` is too large a number")


def _parts(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Everything in lists and mappings, each with its place; keys count as parts."""
    pending = [(place, value)]
    while pending:
        place, part = pending.pop()
        if isinstance(part, Mapping):
            for key, item in cast(Mapping[Any, Any], part).items():
                yield place, key
                pending.append((f"{place}.{key}", item))
        elif isinstance(part, list | tuple):
            items = cast("list[Any]", part)
            pending += [(f"{place}[{at}]", item) for at, item in enumerate(items)]
        else:
            yield place, part


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _representable(number: int) -> bool:
    try:
        float(number)
    except OverflowError:
        return False
    return True
