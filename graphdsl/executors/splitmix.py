"""Cheap random numbers from one key, the same on every machine."""

from __future__ import annotations

import math
from typing import Final

_WORD: Final = (1 << 64) - 1


class Draws:
    """A few uniform numbers from one key (splitmix64, Steele et al. 2014): cheap to begin."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key

    def word(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _WORD
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        return mixed ^ (mixed >> 31)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return (self.word() >> 11) * 2.0**-53

    def normal(self) -> float:
        """A standard normal number (Box and Muller 1958)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())
