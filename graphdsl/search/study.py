"""The loop of a search: propose, race, tell, until nothing is left to try or to spend."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from graphdsl.errors import BackendError
from graphdsl.ir.nodes import Assignment
from graphdsl.search.bench import Bench, Observation, Spent
from graphdsl.search.limits import Limits
from graphdsl.search.race import Race
from graphdsl.search.shrinkage import features
from graphdsl.search.strategy import Strategy, Told

_WORDS: Final = 3
"""How many failures a strategy is told of."""

_PATIENCE: Final = 25
"""How many rounds may bring nothing to measure before proposals count as exhausted."""

Ending = Literal["budget", "trials", "exhausted", "settled", "interrupted"]
"""Why a study ended: the budget is spent; as many candidates as were asked for were tried; the
strategy has no more, or none that is new; then also no candidate can still matter; it was stopped.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A graph that was tried: its identity, the first assignment that gave it, when it came."""

    identity: str
    assignment: Assignment
    number: int
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a study stands, for who watches: the front stands on `items` items."""

    trials: int
    front: tuple[str, ...]
    items: int


class _Stopped(Exception):
    """Somebody wants the study to end."""


@dataclass(slots=True)
class Study:
    """One search over a bench. `race` and `candidates`, all that were tried, are its state.

    `batch` challengers race side by side, so that what they share is run once. `trials` is the most
    candidates that are tried, baselines among them. When there are no more proposals, it goes on
    until no candidate can be better than the front by `margin`, or all items are seen. `refused`
    are the candidates that break a limit of one run or cannot be run, and why.
    """

    bench: Bench
    strategy: Strategy
    race: Race
    limits: Limits = field(default_factory=Limits)
    batch: int = 8
    trials: int | None = None
    margin: float = 0.01
    watch: Callable[[Progress], None] = lambda progress: None
    candidates: dict[str, Candidate] = field(default_factory=dict[str, Candidate])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    proposals: int = 0
    _stopping: bool = False
    _runs: int = 0
    _paid: int = 0
    _failure: BackendError | None = None
    _told: dict[str, tuple[int, bool]] = field(default_factory=dict[str, tuple[int, bool]])
    _names: dict[str, list[Assignment]] = field(default_factory=dict[str, list[Assignment]])

    async def run(self, baselines: Sequence[tuple[str, Assignment]] = ()) -> Ending:
        """Search until the end; says why it ended. What was found is in `race`.

        Whatever ends it, all that was observed is kept. Raises BackendError when no candidate at
        all could be run, and whatever a strategy or the bench raises that is no part of their
        interface.
        """
        try:
            await self._seed(baselines)
            ending = await self._propose()
            await self._finish()
            return "settled" if self._resolved() and ending == "exhausted" else ending
        except Spent:
            return "budget"
        except _Stopped:
            return "interrupted"
        finally:
            self.race.settle()

    def stop(self) -> None:
        """End the study as soon as what is under way is seen."""
        self._stopping = True

    # ---- what is raced

    async def _seed(self, baselines: Sequence[tuple[str, Assignment]]) -> None:
        """Baselines run first, race among each other, and are the first front."""
        named = [self._known(assignment, name) for name, assignment in baselines]
        await self._round([one for one in named if one], ())

    async def _propose(self) -> Ending:
        """Rounds of proposals, until there are no more of them."""
        idle = 0
        while idle < _PATIENCE:
            count = self.batch
            if self.trials is not None:
                count = min(count, self.trials - len(self.candidates))
            if count <= 0:
                return "trials"
            asked = await self.strategy.ask(count)
            if not asked:
                return "exhausted"
            self.proposals += len(asked)
            runs = self._runs
            await self._asked(asked)
            idle = 0 if self._runs > runs else idle + 1
        return "exhausted"

    async def _asked(self, asked: Sequence[Assignment]) -> None:
        """Race what was proposed; whatever comes of it, each proposal has an answer."""
        again = {identity for identity in self.candidates if self.race.standing(identity).items}
        named = [one for one in map(self._known, asked) if one]
        unique = list({one.identity: one for one in named}.values())
        await self._round(unique, [one.identity for one in unique if one.identity in again])
        for assignment in asked:
            self._tell(self.bench.identity(assignment), [assignment])

    async def _round(self, fresh: Sequence[Candidate], again: Sequence[str]) -> None:
        """Run challengers on the first rung, then whoever goes on, up to where the front stands."""
        for one in fresh:
            self.race.enter(one.identity, features(one.assignment))
        await self.measure([one.identity for one in fresh], 0)
        await self._climb(again)
        self.race.settle()
        if self.race.due(self._runs - self._paid) and self.race.rise():
            await self.measure(self.race.members, self.race.stand)
            self.race.settle()
            self._paid = self._runs
        self._watch()

    async def _climb(self, again: Sequence[str] = ()) -> None:
        """Whoever goes on does, rung by rung; a candidate proposed again goes up by one."""
        once = {one: self.race.standing(one).items for one in again}
        for rung in range(self.race.stand):
            at = self.race.rungs[rung]
            movers = self.race.movers(rung, [one for one, items in once.items() if items == at])
            await self.measure(movers, rung + 1)

    async def _finish(self) -> None:
        """There are no more proposals: let the front rise until nothing else can matter."""
        while not self._resolved() and self.race.rise():
            await self._climb()
            await self.measure(self.race.members, self.race.stand)
            self.race.settle()
            self._watch()

    def _resolved(self) -> bool:
        return self.race.resolved(self.margin)

    # ---- who is in the race

    def _known(self, assignment: Assignment, baseline: str = "") -> Candidate | None:
        """The candidate that an assignment means; None where it may not, or cannot, be run."""
        identity = self.bench.identity(assignment)
        if identity in self.refused:
            return None
        words = self.limits.refusal(self.bench.bounds(assignment))
        if words:
            self.refused[identity] = words
            return None
        names = self._names.setdefault(identity, [])
        if assignment not in names:
            names.append(assignment)
        number = len(self.candidates)
        return self.candidates.setdefault(
            identity, Candidate(identity, assignment, number, baseline)
        )

    def _refuse(self, identity: str, words: str) -> None:
        """A candidate is out of the race, for breaking a limit or for not working."""
        self.refused[identity] = words
        self.race.withdraw(identity)

    # ---- measuring

    async def measure(self, identities: Sequence[str], rung: int) -> None:
        """What candidates miss of a rung, all at once; then tell what is new.

        What was seen is kept before anything is raised.
        """
        if self._stopping:
            raise _Stopped
        left = [one for one in dict.fromkeys(identities) if one not in self.refused]
        results = await asyncio.gather(
            *(self._one(identity, rung) for identity in left), return_exceptions=True
        )
        failures = [result for result in results if result is not None]
        for failure in sorted(failures, key=lambda one: isinstance(one, Spent)):
            raise failure
        if self._failure and not self._runs:
            raise self._failure
        for identity in left:
            self._check(identity)
            self._tell(identity, self._names[identity], only_new=True)

    async def _one(self, identity: str, rung: int) -> None:
        """Run one candidate on what it misses of a rung."""
        missing = self.race.table.missing(identity, self.race.cells(rung))
        if not missing:
            return
        try:
            seen = await self.bench.measure(self.candidates[identity].assignment, missing)
        except Spent as spent:
            self.race.add(identity, spent.observed)
            raise
        except BackendError as error:
            self._failure = self._failure or error
            self._refuse(identity, str(error))
            return
        self._runs += len(seen)
        self.race.add(identity, seen)

    def _check(self, identity: str) -> None:
        """Give a candidate up that is seen to break a limit which its graph does not tell."""
        if identity in self.refused or not self.limits.most:
            return
        bounds = self.bench.bounds(self.candidates[identity].assignment)
        costs = [one.costs for one in self.race.table.of(identity).values()]
        words = self.limits.breach(bounds, costs)
        if words:
            self._refuse(identity, words)

    # ---- telling

    def _tell(
        self, identity: str, assignments: Sequence[Assignment], only_new: bool = False
    ) -> None:
        """Tell the strategy what assignments of a candidate are worth, on search items alone."""
        state = self._items(identity), identity in self.refused
        if only_new and self._told.get(identity) == state:
            return
        self._told[identity] = state
        for assignment in assignments:
            self.strategy.tell(self._worth(identity, assignment))

    def _items(self, identity: str) -> int:
        """On how many search items a candidate was seen."""
        return min(self.race.standing(identity).items, len(self.race.search))

    def _worth(self, identity: str, assignment: Assignment) -> Told:
        items, refusal = self._items(identity), self.refused.get(identity, "")
        if not items:
            return Told(assignment, math.nan, 0, {}, not refusal, refusal)
        known = self.race.standing(identity)
        runs = [run for several in known.runs[:items] for run in several]
        quality = self.race.estimates(len(self.race.search))[identity].mean
        words = refusal or _words(runs, known.mean(items))
        return Told(assignment, quality, items, known.costs(items), not refusal, words)

    def _watch(self) -> None:
        race = self.race
        self.watch(Progress(len(self.candidates), tuple(race.members), race.items))


def _words(runs: Sequence[Observation], quality: float) -> str:
    """What went wrong, in a few words."""
    reasons = list(dict.fromkeys(run.words for run in runs if run.words))[:_WORDS]
    return "; ".join([f"mean quality {quality:.3f}", *reasons])
