"""What is known already has its say before a model is asked: it may decide that nobody need be."""

from __future__ import annotations

import asyncio
from typing import Final

_TURNS: Final = 8
"""Turns of the event loop after which known samples have been told to whoever watches them: a few
for every loop and list between them. Too few would cost calls, too many a little time."""


class Hush:
    """The known samples of one run that are under way; belongs to its event loop.

    Those who would ask a model in a list with a stop rule wait until these have ended, and for
    some turns of the loop, in which others may begin.
    """

    __slots__ = ("_busy", "_calm", "_counting", "_over")

    def __init__(self) -> None:
        self._busy = 0
        self._calm = 0
        self._counting = False
        self._over: asyncio.Event | None = None

    def begin(self) -> None:
        """A known sample is under way."""
        self._busy += 1
        self._calm = 0

    def end(self) -> None:
        """It has ended, however it did."""
        self._busy -= 1
        self._calm = 0
        self._count()

    async def quiet(self) -> None:
        """Wait until no known sample is under way, nor about to be."""
        if self._over is None:
            self._over, self._calm = asyncio.Event(), 0
            self._count()
        await self._over.wait()

    def _count(self) -> None:
        if self._over is not None and not self._busy and not self._counting:
            self._counting = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._counting = False
        if self._busy or self._over is None:
            return
        self._calm += 1
        if self._calm < _TURNS:
            self._count()
        else:
            self._over.set()
            self._over = None
