"""What a run has had of the models so far, by which its further calls are ordered."""

from __future__ import annotations

from itertools import count
from typing import Final, Protocol

from graphdsl.values import Messages

QUANTUM: Final = 1 << 16
"""Tokens of the lowest level of service; every further level is four times as wide.

Wide enough for most runs to end in it. Runs of one level are finished one after another; levels are
for those that take far more than others, which would hold everybody up. With 4096, calls of a run
waited behind all younger runs, and the mean latency in `benchmarks/scheduling.py` doubled.
"""

_LEVELS: Final = 32
"""More than there can be."""

_numbers = count()


class Share:
    """The service that one run has got: `attained` counts the tokens of its calls so far.

    `tier` comes before everything else, lower first (0 unless somebody says otherwise). `number`
    orders runs by their start.
    """

    __slots__ = ("attained", "number", "tier")

    def __init__(self, tier: int = 0) -> None:
        self.tier = tier
        self.attained = 0
        self.number = next(_numbers)

    @property
    def level(self) -> int:
        """How much that is, roughly: runs of one level are equals, who got less comes first.

        Levels that widen geometrically are those of Autellix (arXiv 2502.13965): they keep apart
        what differs much, and leave the order within to what makes calls cheap.
        """
        return ((self.attained // QUANTUM).bit_length() + 1) >> 1

    @property
    def priority(self) -> int:
        """Tier and level in one number, for engines that order what they have: lower is first."""
        return self.tier * _LEVELS + self.level


class Claim(Protocol):
    """A call that asks for a place: whose it is, what hangs on it, what it will say."""

    @property
    def share(self) -> Share:
        """The service that its run has got."""
        ...

    @property
    def rank(self) -> int:
        """Model calls on the longest path that waits for this one."""
        ...

    @property
    def messages(self) -> Messages:
        """The rendered prompt."""
        ...
