"""How long texts and lists may grow: what a loop doubles each round must not fill the memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Final, cast

from graphdsl.errors import PromptError
from graphdsl.ops.template_filters import SIZE_LIMIT
from graphdsl.values import Value, as_text

ITEMS_LIMIT: Final = 1_000_000
"""Most items of a list that an operator makes."""


def joined(texts: Iterable[str], separator: str) -> str:
    """The texts as one. Raises `PromptError` beyond `SIZE_LIMIT` characters, before it is made."""
    parts: list[str] = []
    size = 0
    for text in texts:
        size += len(text) + (len(separator) if parts else 0)
        if size > SIZE_LIMIT:
            raise PromptError(f"a text may have at most {SIZE_LIMIT:,} characters, this has more")
        parts.append(text)
    return separator.join(parts)


def text_of(value: Value) -> str:
    """The text form of any value, as `as_text` gives it; of lists within `SIZE_LIMIT`."""
    if not isinstance(value, tuple | list):
        return as_text(value)
    items = cast(Iterable[Value], value)
    return joined((text for item in items if (text := text_of(item))), "\n\n")


def bounded(*lists: tuple[Value, ...]) -> tuple[Value, ...]:
    """The lists as one. Raises `PromptError` beyond `ITEMS_LIMIT` items, before it is made."""
    if sum(map(len, lists)) > ITEMS_LIMIT:
        raise PromptError(f"a list may have at most {ITEMS_LIMIT:,} items, this has more")
    return tuple(chain.from_iterable(lists))
