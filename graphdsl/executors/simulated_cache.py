"""What a simulated engine remembers of prompts: slots like llama.cpp, or blocks like vLLM."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class PrefixCache(Protocol):
    """Texts that were read. Every `begin` is followed by an `end` with what it gave.

    `graphdsl.executors.slot_texts.SlotTexts` is one, and `BlockCache`.
    """

    def begin(self, text: str) -> tuple[int, int]:
        """Read a text: where that happens, and how many of its characters were known before."""
        ...

    def end(self, place: int, text: str) -> None:
        """The text with the reply, as far as it was written, is known from now on."""
        ...


class BlockCache:
    """Full blocks of texts, each known by all that precedes it; the least recently used go first.

    A block is shared as soon as somebody reads it, as in vLLM, whose requests of one batch share.
    """

    def __init__(self, block: int, capacity: int) -> None:
        """Both in characters."""
        self._block = block
        self._room = max(1, capacity // block)
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def begin(self, text: str) -> tuple[int, int]:
        """See `PrefixCache`; there is only one place."""
        known, parent, hit = 0, 0, True
        for start in range(0, len(text) - self._block + 1, self._block):
            parent = hash((parent, text[start : start + self._block]))
            hit = hit and parent in self._blocks
            known += hit * self._block
            self._touch(parent)
        return 0, known

    def end(self, place: int, text: str) -> None:
        """See `PrefixCache`."""
        self.begin(text)

    def _touch(self, block: int) -> None:
        self._blocks[block] = None
        self._blocks.move_to_end(block)
        if len(self._blocks) > self._room:
            self._blocks.popitem(last=False)
