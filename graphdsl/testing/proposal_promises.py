"""What a strategy proposes: points of the space, as many as asked for, until there are no more."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategy import Setting, Strategy
from graphdsl.testing.strategy_spaces import (
    SMALL,
    SPACES,
    assert_point,
    labels,
    setting_of,
    try_out,
)

_ALL = sorted(SPACES)


class StrategyPromises:
    """The settings of the suite; the tests are in the classes that inherit it."""

    complete: bool = True
    """Whether it proposes every point of a small space before it ends."""

    learns: bool = True
    """Whether it uses what it is told to propose better points."""

    budget: int = 60
    """How many points out of 200 it may try to find the best one."""

    def strategy(self, setting: Setting) -> Strategy:
        """The strategy under test, new."""
        raise NotImplementedError("override the method `strategy` of StrategySuite")


class ProposalPromises(StrategyPromises):
    """Proposals by themselves."""

    @pytest.mark.parametrize("space", _ALL)
    async def test_proposals_are_points_of_the_space(self, space: str) -> None:
        setting = setting_of(SPACES[space])
        trials = await try_out(self.strategy(setting), setting)
        assert trials.rounds
        for batch in trials.rounds:
            for point in batch:
                assert_point(setting, point)

    @pytest.mark.parametrize("count", [1, 3, 8])
    async def test_it_proposes_no_more_than_asked_for(self, count: int) -> None:
        for space in _ALL:
            setting = setting_of(SPACES[space])
            trials = await try_out(self.strategy(setting), setting, rounds=4, count=count)
            assert max(map(len, trials.rounds)) <= count

    @pytest.mark.parametrize("space", _ALL)
    async def test_a_round_has_no_point_twice(self, space: str) -> None:
        setting = setting_of(SPACES[space])
        trials = await try_out(self.strategy(setting), setting)
        for batch in trials.rounds:
            assert len({tuple(sorted(point.items())) for point in batch}) == len(batch)

    @pytest.mark.parametrize("space", SMALL)
    async def test_a_finite_space_comes_to_an_end(self, space: str) -> None:
        setting = setting_of(SPACES[space])
        size = setting.space.size() or 0
        strategy = self.strategy(setting)
        trials = await try_out(strategy, setting, rounds=3 * size + 20)
        assert list(await strategy.ask(4)) == []
        assert len(set(trials.points)) == size or not self.complete

    async def test_a_continuum_goes_on(self) -> None:
        setting = setting_of(SPACES["continuum"])
        trials = await try_out(self.strategy(setting), setting, rounds=12)
        assert len(trials.rounds) == 12 or not self.complete
        assert len(set(trials.points)) > 8

    @pytest.mark.parametrize("space", _ALL)
    async def test_the_same_seed_gives_the_same_proposals(self, space: str) -> None:
        first, second = [
            await try_out(self.strategy(setting), setting, rounds=6)
            for setting in (setting_of(SPACES[space]), setting_of(SPACES[space]))
        ]
        assert first.rounds == second.rounds

    async def test_generators_of_the_process_are_left_alone(self) -> None:
        random.seed(5)
        before = _states()
        setting = setting_of(SPACES["labels"])
        first = await try_out(self.strategy(setting), setting)
        assert before == _states()
        random.seed(6)
        setting = setting_of(SPACES["labels"])
        assert first.rounds == (await try_out(self.strategy(setting), setting)).rounds

    async def test_it_proposes_nothing_that_is_not_allowed(self) -> None:
        def allowed(point: Assignment) -> bool:
            return point.get("f.x") != "b"

        for space in ("labels", "conditions", "continuum"):
            setting = setting_of(SPACES[space], allowed=allowed)
            trials = await try_out(self.strategy(setting), setting)
            assert trials.rounds
            assert all(allowed(point) for batch in trials.rounds for point in batch)

    @pytest.mark.parametrize("space", ["one point", "labels", "continuum", "a thousand million"])
    async def test_it_ends_when_nothing_is_allowed(self, space: str) -> None:
        setting = setting_of(SPACES[space], allowed=lambda point: False)
        assert list(await self.strategy(setting).ask(4)) == []

    async def test_most_points_may_be_forbidden(self) -> None:
        holes = [labels(f"f.x{at}", *"abcd") for at in range(5)]
        setting = setting_of(holes, allowed=lambda point: list(point.values()).count("d") == 5)
        trials = await try_out(self.strategy(setting), setting)
        assert len(set(trials.points)) == 1 or not self.complete


def _states() -> list[Any]:
    """Of the generators that everybody in the process shares."""
    numpy = sys.modules.get("numpy.random")
    shared: Any = None if numpy is None else numpy.get_state(legacy=False)
    return [random.getstate(), repr(shared)]
