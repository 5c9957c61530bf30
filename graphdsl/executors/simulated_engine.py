"""How long a simulated engine takes: prompts are read one after another, replies written at once.

What a prefix cache knows of a prompt need not be read. The time that a reading was given is not
given back when its call is cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from graphdsl.executors.abc import Completion
from graphdsl.executors.simulated_behaviour import TOKEN, Behaviour
from graphdsl.executors.simulated_cache import BlockCache, PrefixCache
from graphdsl.executors.slot_texts import SlotTexts
from graphdsl.values import Message


class SimulatedEngine:
    """The cache and the clock of one simulated model; see the options `cache` and `prefill`."""

    def __init__(self, does: Behaviour) -> None:
        self._does = does
        self._room = asyncio.Semaphore(does.slots)
        self._cache = _cache(does)
        self._read_until = 0.0

    async def serve(
        self, turns: Sequence[Message], whole: Completion, seconds: float, progress: Progress
    ) -> Completion:
        """Take the time that a call takes beside `seconds`; the completion with cached tokens.

        `progress` is kept up to date for those who cut the call off.
        """
        text = "\x1e".join(f"{turn.role}\x1f{turn.content}" for turn in turns)
        async with self._room:
            place, known = (0, 0) if self._cache is None else self._cache.begin(text)
            prompt = whole.usage.prompt_tokens
            cached = max(0, min(known // TOKEN, prompt - 1))
            try:
                await progress.wait(self._time(prompt - cached, whole) + seconds)
                text += whole.text
            finally:
                if self._cache is not None:
                    self._cache.end(place, text)
        return replace(whole, usage=replace(whole.usage, cached_tokens=cached))

    def _time(self, tokens: int, whole: Completion) -> float:
        """Seconds until so many tokens of a prompt are read, after those before, and it replied."""
        does, now = self._does, asyncio.get_running_loop().time()
        writing = whole.usage.completion_tokens / does.decode if does.decode else 0.0
        if not does.prefill:
            return writing
        self._read_until = max(now, self._read_until) + tokens / does.prefill
        return self._read_until - now + writing


class Progress:
    """How far a call has come: `share` of its time is over."""

    __slots__ = ("_begin", "_seconds")

    def __init__(self) -> None:
        self._begin: float | None = None
        self._seconds = 0.0

    async def wait(self, seconds: float) -> None:
        """Let the time of the call pass."""
        self._begin, self._seconds = asyncio.get_running_loop().time(), seconds
        await asyncio.sleep(seconds)

    @property
    def share(self) -> float | None:
        """None where the call has not begun."""
        if self._begin is None:
            return None
        passed = asyncio.get_running_loop().time() - self._begin
        return min(1.0, passed / self._seconds) if self._seconds else 1.0


def _cache(does: Behaviour) -> PrefixCache | None:
    if does.cache == "slots":
        return SlotTexts(does.slots)
    if does.cache == "blocks":
        return BlockCache(does.cache_block * TOKEN, does.cache_tokens * TOKEN)
    return None
