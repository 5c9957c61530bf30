"""`random`: points drawn at random, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting, Told


@dataclass(slots=True)
class RandomSearch:
    """Each parameter is drawn evenly from its own values (Bergstra and Bengio 2012), conditions
    first, so that an alternative with few points is tried as often as one with many. A point comes
    once; a finite space ends when all were proposed or told of."""

    archive: Archive
    unseen: Unseen

    async def ask(self, count: int) -> Sequence[Assignment]:
        """New points; fewer than `count`, or none, at the end of a finite space."""
        self.archive.settle()
        return self.unseen.fill([], count)

    def tell(self, told: Told) -> None:
        """Only what was told before it would be proposed matters: it is passed over."""
        self.archive.tell(told)


def random(setting: Setting) -> RandomSearch:
    """Make the strategy; its option is `seed` alone."""
    archive = Archive(setting)
    return RandomSearch(archive, Unseen(archive))
