"""What every node of every contender does."""

from __future__ import annotations

import asyncio


class Stub:
    """Counts the nodes that began; waits for their latency, or (`gate`) until all may go on."""

    __slots__ = ("begun", "gate", "reached", "target")

    def __init__(self) -> None:
        self.begun = 0
        self.gate: asyncio.Event | None = None
        self.reached: asyncio.Event | None = None
        self.target = 0

    def hold(self, target: int) -> None:
        """From now on nodes wait; `reached` is set when so many have begun."""
        self.begun, self.target = 0, target
        self.gate, self.reached = asyncio.Event(), asyncio.Event()

    async def node(self, seconds: float) -> int:
        """One node."""
        self.begun += 1
        if self.gate is not None and self.reached is not None:
            if self.begun == self.target:
                self.reached.set()
            if self.begun > 1:  # the source comes before all others
                await self.gate.wait()
        elif seconds:
            await asyncio.sleep(seconds)
        return 1
