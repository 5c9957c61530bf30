"""Racing: candidates meet on the same items, rung by rung, and what loses stops early.

After Birattari et al. 2002 (racing), SMAC3 (incumbents that every challenger meets) and Li et al.
2020 (of all that reached a rung, the best share goes on), with evidence that may be looked at
after every block: see `graphdsl.search.duel`, and docs/search.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from graphdsl.eval.multiple import challenger_alpha
from graphdsl.search.bench import Cell, Observations
from graphdsl.search.duel import Duel, duel, needed, trails
from graphdsl.search.front import Aims, Point
from graphdsl.search.shrinkage import Estimate, shrink
from graphdsl.search.standing import Standing, standing
from graphdsl.search.table import Table

Verdict = Literal["drop", "promote", "open"]

_NOTHING: Final = Standing()


@dataclass(frozen=True, slots=True)
class Rules:
    """How a race is run.

    `rungs` are numbers of items, rising. Of all that ever reached a rung the best share, `keep`,
    goes on to the next. A candidate is dropped at `drop` for evidence that a member of the front
    that costs no more is better: a false drop costs quality, not validity. Evidence promotes it at
    `promote`, divided among all challengers that there ever are (6/π² k²). `most` is how many
    members the front may have, `start` the rung (counted from 0) on which the first front stands,
    `breadth` how many runs go to challengers for each that a rise of the front takes.
    """

    rungs: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)
    keep: float = 1 / 3
    drop: float = 0.2
    promote: float = 0.05
    most: int = 10
    start: int = 1
    breadth: float = 8.0

    def rungs_for(self, search: int, validation: int = 0) -> tuple[int, ...]:
        """The rungs for so many items: one of them ends with the search part, the last with all.

        >>> Rules().rungs_for(40), Rules().rungs_for(5), Rules().rungs_for(40, 30)
        ((8, 16, 32, 40), (5,), (8, 16, 32, 40, 64, 70))
        """
        ends = {search, search + validation}
        return tuple(sorted(ends | {rung for rung in self.rungs if rung < max(ends)}))


@dataclass(slots=True)
class Race:
    """The front and its challengers.

    `search` and `validation` are items in the order in which all candidates meet them, the
    validation part last: no strategy learns what it says. All members of the front have been seen
    on the first `stand` rungs, and are compared there, so that no mean is of easier items.
    """

    table: Table
    search: Sequence[str]
    validation: Sequence[str] = ()
    aims: Aims = field(default_factory=Aims)
    rules: Rules = field(default_factory=Rules)
    replicas: int = 1
    members: list[str] = field(default_factory=list[str])
    withdrawn: set[str] = field(default_factory=set[str])
    stand: int = field(init=False)
    rungs: tuple[int, ...] = field(init=False)
    _order: tuple[str, ...] = field(init=False)
    _numbers: dict[str, int] = field(default_factory=dict[str, int])
    _standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    _traits: dict[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    _estimates: dict[int, Mapping[str, Estimate]] = field(
        default_factory=dict[int, Mapping[str, Estimate]]
    )
    _points: dict[tuple[str, int], Point] = field(default_factory=dict[tuple[str, int], Point])
    _duels: dict[tuple[str, str, int], Duel] = field(
        default_factory=dict[tuple[str, str, int], Duel]
    )
    _admitted: int = 0
    _ever: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._order = (*self.search, *self.validation)
        if not self._order or len(set(self._order)) != len(self._order):
            raise ValueError("a race needs items, each of them once")
        self.rungs = tuple(
            rung for rung in self.rules.rungs_for(len(self.search), len(self.validation)) if rung
        )
        self.stand = min(self.rules.start, len(self.rungs) - 1)
        for identity in self.table:
            self.add(identity, {})

    def cells(self, rung: int) -> list[Cell]:
        """What has to be seen for a rung, which is counted from 0."""
        items = self._order[: self.rungs[rung]]
        return [Cell(item, replica) for item in items for replica in range(self.replicas)]

    def add(self, identity: str, observations: Observations) -> None:
        """Keep what was observed of a candidate."""
        self.table.add(identity, observations)
        self._standings[identity] = standing(self.table.of(identity), self._order, self.replicas)
        self._estimates.clear()

    def enter(self, identity: str, traits: Mapping[str, float] | None = None) -> None:
        """Number a challenger: what it takes to be promoted grows from one to the next. `traits`
        say what it has in common with others (`graphdsl.search.shrinkage.features`)."""
        self._numbers.setdefault(identity, len(self._numbers) + 1)
        self._traits.setdefault(identity, traits or {})

    def estimates(self, items: int) -> Mapping[str, Estimate]:
        """What each candidate is probably worth, from its first `items` items at most."""
        items = min(items, max((known.items for known in self._standings.values()), default=0))
        if items not in self._estimates:
            rows = {one: known.values[:items] for one, known in self._standings.items()}
            seen = {one: row for one, row in rows.items() if row}
            self._estimates[items] = shrink(seen, self._traits)
        return self._estimates[items]

    def withdraw(self, identity: str) -> None:
        """A candidate is out of the race for good, whatever it is worth."""
        self.withdrawn.add(identity)
        self.members = [member for member in self.members if member != identity]

    def standing(self, identity: str) -> Standing:
        """What is known of a candidate along the order of items."""
        return self._standings.get(identity, _NOTHING)

    def reached(self, rung: int) -> list[str]:
        """All that were seen on the items of a rung and are in the race, the earliest first."""
        return [one for one in self._racing() if self.standing(one).items >= self.rungs[rung]]

    @property
    def items(self) -> int:
        """On how many items the front is compared: those of its rung; fewer while a member, or
        before there is any every candidate, has not been seen on all of these."""
        seen = [self.standing(one).items for one in self.members or self._racing()]
        least = min(seen) if self.members else max(seen, default=0)
        fits = [rung for rung in self.rungs[: self.stand + 1] if rung <= least]
        return fits[-1] if fits else least

    def _racing(self) -> list[str]:
        return [one for one in self.table if one not in self.withdrawn]

    def point(self, identity: str, items: int) -> Point:
        """Quality and costs of a candidate on the first items, which it was seen on."""
        key = identity, items
        if key not in self._points:
            self._points[key] = self.standing(identity).point(items)
        return self._points[key]

    def estimated(self, identity: str, items: int | None = None) -> Point:
        """What a candidate probably is worth, and its costs on its first items: all that it was
        seen on, or so many."""
        quality = self.estimates(len(self._order))[identity].mean
        known = self.standing(identity).items if items is None else items
        return {**self.point(identity, known), "quality": quality}

    def verdict(self, identity: str) -> Verdict:
        """What the evidence so far says of a candidate that meets the front.

        `drop`: some member that costs no more is better. `promote`: it is better than every member
        that it would displace, those that cost no less. `open`: it takes more items to tell.
        """
        rivals = [member for member in self.members if member != identity]
        if not rivals:
            return "open"
        number = self._numbers.get(identity, len(self._numbers) + 1)
        drops = needed(self.rules.drop / len(rivals))
        promotes = needed(challenger_alpha(number, self.rules.promote) / len(rivals))
        displaced: list[Duel] = []
        for member in rivals:
            fight = self._duel(identity, member)
            if fight.worse >= drops and self._no_dearer(member, identity):
                return "drop"
            if self._no_dearer(identity, member):
                displaced.append(fight)
        if displaced and all(fight.better >= promotes for fight in displaced):
            return "promote"
        return "open"

    def movers(self, rung: int, again: Iterable[str] = ()) -> list[str]:
        """Those that go on from a rung: the best share of all that reached it, who has earned its
        promotion, and `again`, those proposed once more; never what the evidence drops."""
        seen = self.reached(rung)
        points = {one: self.estimated(one, self.rungs[rung]) for one in seen}
        best = set(self.aims.ranked(points, max(1, int(self.rules.keep * len(seen)))))
        best.update(again)
        verdicts = {one: self.verdict(one) for one in seen if not self._above(one, rung)}
        return [
            one
            for one, verdict in verdicts.items()
            if verdict == "promote" or (one in best and verdict == "open")
        ]

    def settle(self) -> list[str]:
        """Make the front anew of all that were seen on its items, and give its new members.

        They are admitted: by evidence, or for the time being since nothing there dominates them.
        One that leaves may come back.
        """
        before = set(self.members)
        items = self.items
        seen = [one for one in self._racing() if items and self.standing(one).items >= items]
        points = {one: self.estimated(one, items) for one in seen}
        self.members = self.aims.spread(points, self.rules.most)
        new = [one for one in self.members if one not in before]
        self._admitted += len(set(new) - self._ever)
        self._ever.update(new)
        return new

    def due(self, runs: int) -> bool:
        """Whether it is time for the front to stand one rung higher.

        One more challenger was admitted for each of its members since it last rose, and
        challengers have taken `breadth` times the runs since then that the rise will: new items
        cost everybody their samples, where one more challenger shares those that are there.
        """
        if self.stand + 1 >= len(self.rungs) or not self._admitted >= len(self.members) > 0:
            return False
        going = max(len(self.members), int(self.rules.keep * len(self.reached(self.stand))))
        new = self.rungs[self.stand + 1] - self.rungs[self.stand]
        return runs >= self.rules.breadth * going * new * self.replicas

    def rise(self) -> bool:
        """Let the front stand one rung higher, where its members are to be seen and settled then;
        False where it stands on all items."""
        if self.stand + 1 >= len(self.rungs):
            return False
        self.stand += 1
        self._admitted = 0
        return True

    def resolved(self, margin: float) -> bool:
        """Whether no candidate can still matter: each is dropped, or shown to be better than some
        member that costs no more by less than `margin`."""
        live = [one for one in self.reached(0) if one not in self.members]
        return all(
            self.verdict(one) == "drop" or self._trails(one, margin, 0.05 / len(live))
            for one in live
        )

    def _above(self, identity: str, rung: int) -> bool:
        """Whether a candidate was seen on the next rung already, or there is none."""
        return rung + 1 >= len(self.rungs) or self.standing(identity).items >= self.rungs[rung + 1]

    def _trails(self, identity: str, margin: float, level: float) -> bool:
        return any(
            self._no_dearer(member, identity)
            and trails(*self._pair(identity, member), margin, level / len(self.members))
            for member in self.members
        )

    def _common(self, first: str, second: str) -> int:
        """On how many items both were seen, which are the first of the order."""
        return min(self.standing(first).items, self.standing(second).items)

    def _pair(self, first: str, second: str) -> tuple[Sequence[float], Sequence[float]]:
        common = self._common(first, second)
        ours, theirs = self.standing(first), self.standing(second)
        return ours.values[:common], theirs.values[:common]

    def _duel(self, first: str, second: str) -> Duel:
        key = first, second, self._common(first, second)
        if key not in self._duels:
            self._duels[key] = duel(*self._pair(first, second))
        return self._duels[key]

    def _no_dearer(self, first: str, second: str) -> bool:
        """By the means on the items that both were seen on."""
        common = self._common(first, second)
        return self.aims.no_dearer(self.point(first, common), self.point(second, common))
