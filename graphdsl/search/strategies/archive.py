"""What a strategy remembers: what it proposed, and the last word on each point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphdsl.ir.nodes import Assignment
from graphdsl.search.space import Space
from graphdsl.search.strategies.points import Key, completed, fits, key_of
from graphdsl.search.strategy import Setting, Told


@dataclass(slots=True)
class Archive:
    """Points by their key. What is told between two proposals is taken in at once, in an order of
    its own, so that it does not matter who was told of first."""

    setting: Setting
    proposed: dict[Key, int] = field(default_factory=dict[Key, int])
    _told: dict[Key, Told] = field(default_factory=dict[Key, Told])
    _news: dict[Key, Told] = field(default_factory=dict[Key, Told])
    _allowed: dict[Key, bool] = field(default_factory=dict[Key, bool])

    @property
    def space(self) -> Space:
        """The space that the points are of."""
        return self.setting.space

    def tell(self, told: Told) -> None:
        """Keep what is told of a point; of two words at once, the one that rests on more items.

        What is not a point of the space is ignored: somebody else's candidate may be anything.
        """
        point = completed(self.space, told.assignment)
        if not fits(self.space, point):
            return
        key = key_of(point)
        before = self._news.get(key)
        if before is None or told.items >= before.items:
            self._news[key] = told

    def settle(self) -> None:
        """Take in what was told since the last time: proposals in their order, then the others."""
        places = {key: place for place, key in enumerate(self.proposed)}
        last = len(places)
        for key in sorted(self._news, key=lambda key: (places.get(key, last), repr(key))):
            self._told[key] = self._news[key]
        self._news = {}

    def propose(self, point: Assignment) -> Assignment:
        """Note that a point is proposed, and give it back."""
        key = key_of(point)
        self.proposed[key] = self.proposed.get(key, 0) + 1
        return point

    def known(self, key: Key) -> bool:
        """Whether a point was proposed, or told of by somebody."""
        return key in self.proposed or key in self._told or key in self._news

    def of(self, key: Key) -> Told | None:
        """The last word on a point."""
        return self._told.get(key)

    def allowed(self, point: Assignment) -> bool:
        """Whether a point fits the limits of one run, as far as is known before it is run."""
        key = key_of(point)
        told = self._told.get(key)
        if told is not None and not told.feasible:
            return False
        if key not in self._allowed:
            self._allowed[key] = self.setting.allowed(point)
        return self._allowed[key]

    def __iter__(self) -> Iterator[tuple[Key, Told]]:
        return iter(self._told.items())

    def __len__(self) -> int:
        return len(self._told)

    def valued(self) -> dict[Key, Told]:
        """The points that have a quality and break no limit."""
        return {key: told for key, told in self if told.feasible and math.isfinite(told.quality)}

    def aims(self) -> dict[Key, tuple[float, ...]]:
        """What counts of each valued point, all of it to be large: quality, and costs negated.

        A cost that is not known counts as the worst that is known of any.
        """
        valued = self.valued()
        names = self.setting.minimise
        worst = {
            name: max(
                (told.costs[name] for told in valued.values() if _known(told, name)), default=0.0
            )
            for name in names
        }
        return {
            key: (
                told.quality,
                *(-told.costs[name] if _known(told, name) else -worst[name] for name in names),
            )
            for key, told in valued.items()
        }

    def worths(self, weight: float) -> dict[Key, float]:
        """Archon's score − λ·cost: costs as shares of their range so far, averaged over names."""
        aims = self.aims()
        if not aims or not self.setting.minimise:
            return {key: values[0] for key, values in aims.items()}
        columns = list(zip(*aims.values(), strict=True))[1:]
        ends = [(min(column), max(column)) for column in columns]
        return {key: aim[0] - weight * _dearness(aim[1:], ends) for key, aim in aims.items()}

    def best(self) -> Key | None:
        """The point with the best quality; of equals the cheaper one, then the earlier one."""
        aims = self.aims()
        return max(aims, key=lambda key: aims[key]) if aims else None


def _known(told: Told, name: str) -> bool:
    return math.isfinite(told.costs.get(name, math.nan))


def _dearness(negated: tuple[float, ...], ends: list[tuple[float, float]]) -> float:
    """The mean place of costs in their ranges: 0 for the cheapest, 1 for the dearest."""
    shares = [
        (high - value) / (high - low) if high > low else 0.0
        for value, (low, high) in zip(negated, ends, strict=True)
    ]
    return math.fsum(shares) / len(shares)
