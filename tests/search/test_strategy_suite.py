"""The suite of strategies can fail: for each promise there is a strategy here that breaks it."""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from graphdsl.ir.nodes import Assignment
from graphdsl.search.strategies.table import STRATEGIES
from graphdsl.search.strategy import Setting, Strategy, Told
from graphdsl.testing import StrategySuite
from graphdsl.testing.strategy_spaces import quality_of


@dataclass
class Broken:
    """Random search until a subclass breaks it."""

    setting: Setting

    def __post_init__(self) -> None:
        self.inner = STRATEGIES["random"](self.setting)
        self.told: list[Told] = []

    async def ask(self, count: int) -> Sequence[Assignment]:
        return await self.inner.ask(count)

    def tell(self, told: Told) -> None:
        self.told.append(told)
        self.inner.tell(told)


class Inactive(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        everything = {one.address: one.default for one in self.setting.space.parameters}
        return [everything | point for point in await super().ask(count)]


class Rounded(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        points = await super().ask(count)
        return [{k: v if isinstance(v, str) else v + 0.01 for k, v in p.items()} for p in points]


class Greedy(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return await super().ask(count + 1)


class Twice(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return list(await super().ask(count // 2)) * 2


class Endless(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return await super().ask(count) or [self.setting.space.sample(self.setting.random)]


class Early(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return await super().ask(count) if len(self.told) < 6 else []


class Unseeded(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return [self.setting.space.sample(random.Random()) for _ in range(1)]


class Shared(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        random.random()
        return await super().ask(count)


class Careless(Broken):
    async def ask(self, count: int) -> Sequence[Assignment]:
        return [self.setting.space.sample(self.setting.random)]


class Nervous(Broken):
    """Chokes on what is not a number."""

    def tell(self, told: Told) -> None:
        assert not math.isnan(told.quality)
        super().tell(told)


class Strict(Broken):
    """Knows only its own points."""

    def tell(self, told: Told) -> None:
        assert set(told.assignment) == set(self.setting.space.active(told.assignment))
        super().tell(told)


class Counting(Broken):
    """Draws anew for whatever it is told."""

    def tell(self, told: Told) -> None:
        self.setting.random.random()
        super().tell(told)


class Ordered(Broken):
    """Makes something of who came last."""

    def tell(self, told: Told) -> None:
        self.setting.random.seed(repr(told))
        super().tell(told)


class Stubborn(Broken):
    """Believes the first word."""

    def tell(self, told: Told) -> None:
        if all(told.assignment != one.assignment for one in self.told):
            self.setting.random.seed(
                repr((self.setting.random.random(), sorted(map(repr, [told]))))
            )
        super().tell(told)


def suite(broken: Callable[[Setting], Strategy]) -> StrategySuite:
    """The suite over a broken strategy."""
    found = StrategySuite()
    found.strategy = broken  # pyright: ignore[reportAttributeAccessIssue] (as a method would be)
    return found


Run = Callable[[StrategySuite], Awaitable[None]]
BREAKS: list[tuple[type[Broken], Run]] = [
    (Inactive, lambda s: s.test_proposals_are_points_of_the_space("conditions")),
    (Rounded, lambda s: s.test_proposals_are_points_of_the_space("steps")),
    (Greedy, lambda s: s.test_it_proposes_no_more_than_asked_for(3)),
    (Twice, lambda s: s.test_a_round_has_no_point_twice("labels")),
    (Endless, lambda s: s.test_a_finite_space_comes_to_an_end("labels")),
    (Early, lambda s: s.test_a_finite_space_comes_to_an_end("labels")),
    (Early, lambda s: s.test_a_continuum_goes_on()),
    (Unseeded, lambda s: s.test_the_same_seed_gives_the_same_proposals("labels")),
    (Shared, lambda s: s.test_generators_of_the_process_are_left_alone()),
    (Careless, lambda s: s.test_it_proposes_nothing_that_is_not_allowed()),
    (Careless, lambda s: s.test_it_ends_when_nothing_is_allowed("labels")),
    (Careless, lambda s: s.test_most_points_may_be_forbidden()),
    (Nervous, lambda s: s.test_anything_may_be_told("no quality is a number", ())),
    (Strict, lambda s: s.test_what_is_no_point_of_the_space_does_no_harm()),
    (Inactive, lambda s: s.test_what_somebody_else_proposed_is_taken()),
    (Counting, lambda s: s.test_telling_the_same_again_changes_nothing("continuum")),
    (Ordered, lambda s: s.test_the_order_within_a_round_does_not_matter("continuum")),
    (Stubborn, lambda s: s.test_the_last_word_on_a_point_counts("continuum")),
    (Broken, lambda s: s.test_it_finds_the_best_more_often_than_chance()),
]


@pytest.mark.parametrize(("broken", "run"), BREAKS)
async def test_a_promise_can_be_broken(broken: type[Broken], run: Run) -> None:
    with pytest.raises(AssertionError):
        await run(suite(broken))


async def test_every_promise_has_somebody_who_breaks_it() -> None:
    used: set[str] = set()

    def nothing(*_: object) -> None:
        return None

    class Spy:
        def __getattr__(self, name: str) -> Any:
            used.add(name)
            return nothing

    for _, run in BREAKS:
        run(Spy())  # type: ignore[arg-type]
    promises = {name for name in dir(StrategySuite) if name.startswith("test_")}
    assert used == promises


async def test_a_strategy_that_does_not_learn_need_not_find_the_best() -> None:
    class Still(StrategySuite):
        learns = False

    with pytest.raises(pytest.skip.Exception):
        await Still().test_it_finds_the_best_more_often_than_chance()


def test_a_suite_without_a_strategy_says_what_to_override() -> None:
    with pytest.raises(NotImplementedError, match="override the method `strategy`"):
        StrategySuite().strategy(partial)  # pyright: ignore[reportArgumentType]


def test_qualities_are_the_same_everywhere() -> None:
    assert quality_of({"a": "x", "b": 2}) == quality_of({"b": 2, "a": "x"})
    assert quality_of({}) == 0.5
