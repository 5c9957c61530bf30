"""Slots that each know the text that they worked on last, and which of them takes the next."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from graphdsl.executors.prefixes import common_length

_ALIKE: Final = 0.1
"""Share of a text that a slot must know to be preferred to the oldest one, as in llama.cpp."""


class SlotTexts:
    """What each slot knows; it shares that with no other.

    A text goes to the free slot that knows most of it; where none knows a tenth, to the one that
    was used least recently.
    """

    def __init__(self, slots: int) -> None:
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(range(slots))
        self._texts = [""] * slots

    def begin(self, text: str) -> tuple[int, int]:
        """Take a slot for a text; with how many characters it knows of it. One must be free."""
        known = {slot: common_length(text, self._texts[slot]) for slot in self._free}
        place = max(known, key=lambda slot: known[slot])
        if known[place] <= _ALIKE * len(text):
            place = next(iter(self._free))
        del self._free[place]
        return place, known[place]

    def end(self, place: int, text: str) -> None:
        """The slot is free, and knows this text from now on."""
        self._texts[place] = text
        self._free[place] = None

    def text(self, place: int) -> str:
        """What a slot knew when it was last free."""
        return self._texts[place]
