"""What a strategy is told: anything may come, more than once, in any order, from anybody."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategy import Told
from graphdsl.testing.proposal_promises import StrategyPromises
from graphdsl.testing.strategy_spaces import (
    SPACES,
    Trials,
    assert_point,
    labels,
    numbers,
    quality_of,
    setting_of,
    try_out,
    worth_of,
)

_SEEDS = 20
_VARIED = ["labels", "conditions", "continuum", "collaboration"]


def _nan(point: Assignment) -> Told:
    return replace(worth_of(point), quality=math.nan)


def _some_nan(point: Assignment) -> Told:
    told = worth_of(point)
    return replace(told, quality=math.nan) if told.quality < 0.5 else told


def _infeasible(point: Assignment) -> Told:
    return Told(point, math.nan, 0, {}, feasible=False, words="one run can take too many calls")


def _some_infeasible(point: Assignment) -> Told:
    told = worth_of(point)
    return replace(told, feasible=False) if told.costs["usd"] < 0.5 else told


def _equal(point: Assignment) -> Told:
    return replace(worth_of(point), quality=0.5)


def _without_costs(point: Assignment) -> Told:
    told = worth_of(point)
    return replace(told, costs={}) if told.quality < 0.5 else told


def _no_items(point: Assignment) -> Told:
    return replace(worth_of(point), items=0)


def _nothing(_point: Assignment) -> None:
    return None


_TALES: dict[str, Callable[[Assignment], Told | None]] = {
    "no quality is a number": _nan,
    "some qualities are no numbers": _some_nan,
    "nothing is feasible": _infeasible,
    "some are not feasible": _some_infeasible,
    "all qualities are equal": _equal,
    "some costs are not known": _without_costs,
    "no items were seen": _no_items,
    "nothing is told": _nothing,
}


class TellingPromises(StrategyPromises):
    """Proposals after tells."""

    @pytest.mark.parametrize("minimise", [(), ("calls", "usd")])
    @pytest.mark.parametrize("tale", sorted(_TALES))
    async def test_anything_may_be_told(self, tale: str, minimise: tuple[str, ...]) -> None:
        for space in _VARIED:
            setting = setting_of(SPACES[space], minimise=minimise)
            trials = await try_out(self.strategy(setting), setting, _TALES[tale], rounds=4)
            assert trials.rounds
            for point in (point for batch in trials.rounds for point in batch):
                assert_point(setting, point)

    async def test_what_somebody_else_proposed_is_taken(self) -> None:
        for space in _VARIED:
            setting = setting_of(SPACES[space])
            strategy = self.strategy(setting)
            others = setting_of(SPACES[space], seed=1)
            for _ in range(12):
                strategy.tell(worth_of(others.space.sample(others.random)))
            trials = await try_out(strategy, setting)
            for point in (point for batch in trials.rounds for point in batch):
                assert_point(setting, point)

    async def test_what_is_no_point_of_the_space_does_no_harm(self) -> None:
        setting = setting_of(SPACES["conditions"])
        strategy = self.strategy(setting)
        strategy.tell(Told({"f.x": "z"}, 0.9, 20))
        strategy.tell(Told({"elsewhere": "a"}, 0.9, 20))
        strategy.tell(Told({"f.x": "a", "f.x.b.n": "1", "f.x.b.s": "on", "f.y": "a"}, 0.9, 20))
        strategy.tell(Told({"f.x": 3.0, "f.y": 2}, 0.9, 20))
        trials = await try_out(strategy, setting)
        for point in (point for batch in trials.rounds for point in batch):
            assert_point(setting, point)

    @pytest.mark.parametrize("space", _VARIED)
    async def test_telling_the_same_again_changes_nothing(self, space: str) -> None:
        once = await self._tried(space, times=1)
        again = await self._tried(space, times=3)
        assert once.rounds == again.rounds

    @pytest.mark.parametrize("space", _VARIED)
    async def test_the_order_within_a_round_does_not_matter(self, space: str) -> None:
        forwards = await self._tried(space, times=1)
        backwards = await self._tried(space, times=1, backwards=True)
        assert forwards.rounds == backwards.rounds

    @pytest.mark.parametrize("space", _VARIED)
    async def test_the_last_word_on_a_point_counts(self, space: str) -> None:
        """Estimates grow while a round is raced: only what stands when it is asked matters."""
        settled = await self._tried(space, times=1)
        grown = await self._tried(space, times=1, rungs=True)
        assert settled.rounds == grown.rounds

    async def test_it_finds_the_best_more_often_than_chance(self) -> None:
        """The best of 200 points within its budget, in more of twenty searches than drawing points
        would manage in all but one of two hundred."""
        if not self.learns:
            pytest.skip("this strategy does not learn")
        chance = self.budget / 200
        found = 0
        for seed in range(_SEEDS):
            found += await self._finds_the_best(seed)
        assert found >= _needed(_SEEDS, chance, 0.005), f"{found} of {_SEEDS}"

    async def _tried(
        self, space: str, *, times: int, backwards: bool = False, rungs: bool = False
    ) -> Trials:
        setting = setting_of(SPACES[space], minimise=("calls",))
        strategy = self.strategy(setting)

        def told(point: Assignment) -> Told:
            last = worth_of(point)
            if rungs:
                strategy.tell(replace(last, quality=1 - last.quality, items=5))
            for _ in range(times - 1):
                strategy.tell(last)
            return last

        return await try_out(strategy, setting, told, backwards=backwards)

    async def _finds_the_best(self, seed: int) -> bool:
        """Whether one search meets the best of 5 × 5 × 4 × 2 points. Known ones are free."""
        setting = setting_of(
            [
                labels("f.model", *"abcde"),
                labels("f.prompt", *"vwxyz"),
                numbers("f.n", 1, 4),
                labels("f.check", "on", "off"),
            ],
            seed=seed,
        )
        quality = partial(quality_of, salt=str(seed))
        best = max(setting.space.enumerate(200), key=quality)
        strategy, seen = self.strategy(setting), list[Assignment]()
        while batch := await strategy.ask(4):
            seen += [point for point in batch if point not in seen]
            if best in seen[: self.budget] or len(seen) >= self.budget:
                return best in seen[: self.budget]
            for point in batch:
                strategy.tell(Told(point, quality(point), 20))
        return False


def _needed(trials: int, chance: float, level: float) -> int:
    """The fewest successes that are less likely than `level` at that chance for each.

    >>> _needed(20, 0.3, 0.005)
    13
    """
    tail = 0.0
    for successes in range(trials, -1, -1):
        ways = math.comb(trials, successes)
        tail += ways * chance**successes * (1 - chance) ** (trials - successes)
        if tail > level:
            return successes + 1
    return 0
