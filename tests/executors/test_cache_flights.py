"""Single flight: one task asks, the others get its answer, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.executors.abc import Completion
from graphdsl.executors.cache.cached import Cached
from graphdsl.executors.cache.flights import Flight, Flights
from graphdsl.executors.cache.store import Cache
from graphdsl.executors.ledger import Refused, Scope
from graphdsl.plan import Budget
from graphdsl.values import Finish, Usage

KEY = "0" * 64
REPLY = Completion("four", Finish.STOP, Usage(1, 10, 0, 2))


class Broken(Exception):
    """The model gave nothing."""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache.open(tmp_path / "answers.sqlite")


async def asked(
    cache: Cache, ask: Callable[[], Awaitable[Completion]], key: str = KEY
) -> Cached | Completion:
    """The answer from the cache, else from the model."""
    async with cache.claim(key) as claim:
        if claim.found is not None:
            return claim.found
        completion = await ask()
        claim.store(completion, completion.usage, 0.5)
        return completion


class Model:
    """Counts its calls, and how many run at once."""

    def __init__(self, failures: int = 0) -> None:
        self.calls = self.running = self.most = 0
        self.failures = failures

    async def __call__(self) -> Completion:
        self.calls += 1
        number = self.calls
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0.001)
        finally:
            self.running -= 1
        if number <= self.failures:
            raise Broken
        return REPLY


async def test_equal_requests_at_once_are_one_call(cache: Cache) -> None:
    """LOTUS sends all duplicates of a batch."""
    model = Model()
    found = await asyncio.gather(*(asked(cache, model) for _ in range(20)))
    assert model.calls == 1
    assert sum(isinstance(one, Cached) for one in found) == 19
    counts = cache.stats().counts
    assert (counts.hits, counts.misses) == (19, 1)


async def test_all_ask_at_once_where_the_first_fails(cache: Cache) -> None:
    """One after another each would wait for all the failures before it."""
    model = Model(failures=2)
    found = await asyncio.gather(*(asked(cache, model) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, Broken) for one in found) == 2
    assert sum(one is REPLY for one in found) == 4
    assert (model.calls, model.most) == (6, 5)
    assert isinstance(await asked(cache, model), Cached)


async def test_who_comes_after_a_failure_waits_for_the_first_that_answers(cache: Cache) -> None:
    fail, answer, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fails() -> Completion:
        await fail.wait()
        raise Broken

    async def answers() -> Completion:
        await answer.wait()
        return REPLY

    async def hangs() -> Completion:
        await never.wait()
        return REPLY

    first, second, third = (
        asyncio.create_task(asked(cache, ask)) for ask in (fails, answers, hangs)
    )
    await asyncio.sleep(0)
    fail.set()
    with pytest.raises(Broken):
        await first
    await asyncio.sleep(0)
    late = asyncio.create_task(asked(cache, hangs))
    await asyncio.sleep(0)
    answer.set()
    assert await second is REPLY
    assert isinstance(await asyncio.wait_for(late, 5), Cached)
    never.set()
    assert await third is REPLY


async def test_who_may_not_pay_hands_the_turn_on_to_one(cache: Cache) -> None:
    """A budget that is spent says nothing about the model: the others need one call."""

    async def refused() -> Completion:
        await asyncio.sleep(0)
        raise Refused("calls=1", Scope(Budget()))

    model = Model()
    tasks = [asyncio.create_task(asked(cache, ask)) for ask in (refused, *[model] * 5)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], Refused)
    assert model.calls == 1


async def test_who_waited_knows(cache: Cache) -> None:
    async def claimed() -> tuple[bool, bool]:
        async with cache.claim(KEY) as claim:
            if claim.found is None:
                await asyncio.sleep(0)
                claim.store(REPLY, REPLY.usage, 0.1)
            return claim.waited, claim.found is not None

    assert await asyncio.gather(claimed(), claimed()) == [(False, False), (True, True)]
    assert await claimed() == (False, True)


async def test_the_next_one_asks_where_the_first_is_cancelled(cache: Cache) -> None:
    never = asyncio.Event()

    async def hangs() -> Completion:
        await never.wait()
        return REPLY

    first = asyncio.create_task(asked(cache, hangs))
    await asyncio.sleep(0)
    second = asyncio.create_task(asked(cache, Model()))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is REPLY
    assert first.cancelled() or await asyncio.gather(first, return_exceptions=True)


async def test_who_stores_nothing_leaves_the_turn_to_the_next(cache: Cache) -> None:
    async def cut() -> Completion:
        await asyncio.sleep(0)
        return Completion("", Finish.ERROR, Usage())

    first = asyncio.create_task(asked(cache, cut))
    await asyncio.sleep(0)
    assert await asked(cache, Model()) is REPLY
    assert await first != REPLY


async def test_one_cancelled_on_the_way_to_its_turn_hands_it_on(cache: Cache) -> None:
    """Both happen in one step of the loop: its turn comes, and it is cancelled."""
    flights = Flights(lambda _: None)
    flight = await flights.board(KEY)
    assert isinstance(flight, Flight)
    second = asyncio.create_task(flights.board(KEY))
    third = asyncio.create_task(flights.board(KEY))
    await asyncio.sleep(0)
    flights.leave(flight, failed=False)
    second.cancel()
    assert await asyncio.wait_for(third, 5) is flight
    flights.leave(flight, failed=False)
    assert len(flights) == 0
    assert second.cancelled() or await asyncio.gather(second, return_exceptions=True)


async def test_an_answer_of_another_process_ends_the_waiting(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with Cache.open(path) as here, Cache.open(path) as there:
        begun, fail = asyncio.Event(), asyncio.Event()

        async def fails() -> Completion:
            begun.set()
            await fail.wait()
            raise Broken

        first = asyncio.create_task(asked(here, fails))
        await begun.wait()
        waiting = [asyncio.create_task(asked(here, fails)) for _ in range(3)]
        await asyncio.sleep(0)
        await asked(there, Model())
        there.flush()
        fail.set()
        assert all(isinstance(one, Cached) for one in await asyncio.gather(*waiting))
        with pytest.raises(Broken):
            await first


def test_loops_do_not_wait_for_each_other(cache: Cache) -> None:
    """One that ended in the middle leaves nothing for which another would wait."""

    async def leaves() -> None:
        await cache.claim(KEY).__aenter__()

    asyncio.run(leaves())
    assert asyncio.run(asked(cache, Model())) is REPLY


@given(st.integers(0, 10**9))
def test_nobody_waits_for_ever_whoever_is_cancelled(seed: int) -> None:
    """Random tasks want few keys; models fail, tasks are cancelled at random steps."""
    asyncio.run(asyncio.wait_for(_storm(random.Random(seed)), 30))


async def _storm(chance: random.Random) -> None:
    kept: dict[str, Cached] = {}
    flights = Flights(kept.get)
    asking: Counter[str] = Counter()
    failures: Counter[str] = Counter()

    async def want(key: str) -> Cached | None:
        found = await flights.board(key)
        if isinstance(found, Cached):
            return found
        asking[key] += 1
        assert asking[key] == 1 or failures[key], "two ask for the same"
        assert key not in kept, "what is there is asked for"
        landed = failed = False
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if chance.random() < 0.4:
                failed = True
                raise Broken
            landed = True
            answer = kept.setdefault(key, Cached(REPLY, REPLY.usage, 0.1, 0.0))
            flights.land(found, answer)
            return answer
        finally:
            asking[key] -= 1
            failures[key] += failed
            if not landed:
                flights.leave(found, failed=failed)

    tasks: list[asyncio.Task[Cached | None]] = []
    for _ in range(chance.randrange(2, 40)):
        tasks.append(asyncio.create_task(want(chance.choice("abc"))))
        for _ in range(chance.randrange(3)):
            await asyncio.sleep(0)
        if chance.random() < 0.4:
            chance.choice(tasks).cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    wrong = [one for one in ended if isinstance(one, AssertionError)]
    assert wrong == []
    assert len(flights) == 0
    answered = sum(isinstance(one, Cached) for one in ended)
    assert answered == 0 or kept
