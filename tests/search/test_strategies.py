"""Every strategy keeps what the suite promises."""

from __future__ import annotations

import pytest

from graphdsl.search.strategies.table import STRATEGIES
from graphdsl.search.strategy import Setting, Strategy
from graphdsl.testing import StrategySuite


class TestGrid(StrategySuite):
    learns = False

    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["grid"](setting)


class TestRandom(StrategySuite):
    learns = False

    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["random"](setting)


class TestGreedy(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["greedy"](setting)


class TestTpe(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["tpe"](setting)

    @pytest.mark.slow
    async def test_it_finds_the_best_more_often_than_chance(self) -> None:
        await super().test_it_finds_the_best_more_often_than_chance()


class TestNsga2(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["nsga2"](setting)

    @pytest.mark.slow
    async def test_it_finds_the_best_more_often_than_chance(self) -> None:
        await super().test_it_finds_the_best_more_often_than_chance()


class TestArchon(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["archon"](setting)


class TestReinforce(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["reinforce"](setting)


class TestEvolve(StrategySuite):
    def strategy(self, setting: Setting) -> Strategy:
        return STRATEGIES["evolve"](setting)
