"""Which prompts begin alike, told by a few hashes of their beginnings.

A prompt has a mark at the end of each of its first turns and wherever its length doubles, so that
the longest mark of two prompts in common tells how much they share, within a factor of two where
that is inside of a turn. Equal beginnings have equal marks; unequal ones collide once in 2^60.
"""

from __future__ import annotations

from typing import Final

from graphdsl.values import Messages

Marks = tuple[int, ...]
"""Hashes of ever longer beginnings of one prompt; the last is that of the whole."""

_FIRST: Final = 256
"""Characters of the shortest beginning that is worth keeping together."""

_TURNS: Final = 8
"""Turns whose ends are marked; those of long chats are many."""


def marks_of(messages: Messages) -> Marks:
    """The marks of a prompt."""
    parts = [f"{turn.role}\x1f{turn.content}\x1e" for turn in messages.turns]
    whole = "".join(parts)
    ends: set[int] = set()
    end = 0
    for part in parts[:_TURNS]:
        end += len(part)
        ends.add(end)
    end = _FIRST
    while end < len(whole):
        ends.add(end)
        end *= 2
    ends.add(len(whole))
    return tuple(hash(whole[:end]) for end in sorted(ends) if end >= _FIRST or end == len(whole))


def common_length(one: str, other: str) -> int:
    """Characters that two texts have in common at their beginning; logarithmic in comparisons.

    >>> common_length("prefix", "preface"), common_length("", "a"), common_length("ab", "ab")
    (4, 0, 2)
    """
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
