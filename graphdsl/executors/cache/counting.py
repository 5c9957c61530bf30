"""Hits and misses of this process, until they are added to those in the file."""

from __future__ import annotations

import threading

from graphdsl.executors.cache.stats import Counts
from graphdsl.values import Usage


class HitCounter:
    """Counts; safe to use from many threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._clear()

    def hit(self, usage: Usage) -> None:
        """An answer was there, which had cost so much."""
        with self._turn:
            self._hits += 1
            self._prompt += usage.prompt_tokens
            self._completion += usage.completion_tokens
            if usage.cost is None:
                self._unpriced += 1
            else:
                self._cost += usage.cost

    def miss(self) -> None:
        """An answer was not there."""
        with self._turn:
            self._misses += 1

    def take(self) -> Counts:
        """What was counted since the last time."""
        with self._turn:
            counts = self._now()
            self._clear()
            return counts

    def put_back(self, counts: Counts) -> None:
        """Count again what was taken, and could not be written."""
        with self._turn:
            self._hits += counts.hits
            self._misses += counts.misses
            self._unpriced += counts.unpriced
            self._prompt += counts.saved.prompt_tokens
            self._completion += counts.saved.completion_tokens
            self._cost += counts.saved.cost or 0

    def look(self) -> Counts:
        """The same, without taking it."""
        with self._turn:
            return self._now()

    def _now(self) -> Counts:
        saved = Usage(self._hits, self._prompt, 0, self._completion, cost=self._cost)
        return Counts(self._hits, self._misses, saved, self._unpriced)

    def _clear(self) -> None:
        self._hits = self._misses = self._unpriced = 0
        self._prompt = self._completion = self._cost = 0
