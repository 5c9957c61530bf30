"""A simulated engine with a cache and a speed: exact times, exact cached tokens, the same texts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Backend, ChatRequest, Completion, Meter
from graphdsl.executors.backends import open_backend
from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.executors.simulated_cache import BlockCache
from graphdsl.executors.slot_texts import SlotTexts
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.testing.virtual_time import run_virtually
from graphdsl.values import Message, Messages

T = TypeVar("T")
LONG = "x" * 4000


class TestEngine(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:
        options = {"cache": "blocks", "prefill": 50_000, "decode": 1000, "slots": 4, "context": 512}
        backend = await open_backend(ModelSpec("fake", "simulated", "", options))
        yield backend
        await backend.aclose()


def simulated(**options: Any) -> SimulatedBackend:
    roomy = {"context": 100_000, "replies": ("y" * 40,), **options}
    return SimulatedBackend(ModelSpec("fake", "simulated", "", roomy))


def asked(*texts: str, **more: Any) -> ChatRequest:
    return ChatRequest(Messages(tuple(Message("user", text) for text in texts)), **more)


def together(
    backend: SimulatedBackend, *requests: ChatRequest
) -> Coroutine[Any, Any, list[Completion]]:
    async def main() -> list[Completion]:
        return await asyncio.gather(*[backend.chat(request) for request in requests])

    return main()


def cached(replies: list[Completion]) -> list[int]:
    return [reply.usage.cached_tokens for reply in replies]


def test_slots_share_nothing_at_the_same_time() -> None:
    replies, _ = run_virtually(together(simulated(cache="slots", slots=4), *[asked(LONG)] * 4))
    assert cached(replies) == [0, 0, 0, 0]


def test_blocks_are_shared_at_the_same_time() -> None:
    replies, _ = run_virtually(together(simulated(cache="blocks", slots=4), *[asked(LONG)] * 4))
    first, *others = cached(replies)
    assert first == 0
    assert all(tokens > 980 for tokens in others)


def test_a_slot_knows_its_last_prompt_and_reply() -> None:
    backend = simulated(cache="slots", slots=1, decode=100)

    async def main() -> list[Completion]:
        requests = [asked(LONG), asked(LONG, "more"), asked("other" * 100), asked(LONG)]
        return [await backend.chat(request) for request in requests]

    replies, _ = run_virtually(main())
    found = cached(replies)
    assert max(found[0], found[2], found[3]) < 4  # the role of the first turn
    assert found[1] > 990


def test_the_prompt_is_never_cached_whole() -> None:
    backend = simulated(cache="slots", slots=1)

    async def main() -> list[Completion]:
        return [await backend.chat(asked(LONG)) for _ in range(2)]

    replies, _ = run_virtually(main())
    assert replies[1].usage.prompt_tokens - replies[1].usage.cached_tokens >= 1


def test_blocks_that_were_not_used_for_long_go_first() -> None:
    cache = BlockCache(10, 50)
    cache.begin("a" * 30)
    cache.begin("b" * 20)
    assert cache.begin("a" * 30) == (0, 30)
    cache.begin("c" * 20)
    assert cache.begin("a" * 30) == (0, 30)
    assert cache.begin("b" * 20) == (0, 0)


def test_a_block_is_known_by_all_that_precedes_it() -> None:
    cache = BlockCache(4, 400)
    cache.begin("aaaabbbb")
    assert cache.begin("ccccbbbb") == (0, 0)
    assert cache.begin("aaaabbb") == (0, 4)


def test_a_text_goes_to_the_slot_that_knows_most_of_it() -> None:
    slots = SlotTexts(3)
    for text in ("alpha", "beta", "gamma"):
        slots.end(slots.begin(text)[0], text)
    assert slots.begin("beta two") == (1, 4)
    assert slots.begin("unlike") == (0, 0)


def test_prompts_are_read_one_after_another_and_replies_written_together() -> None:
    backend = simulated(prefill=1000, decode=10, slots=4)
    replies, seconds = run_virtually(together(backend, asked(LONG), asked(LONG[::-1])))
    prompt, written = replies[0].usage.prompt_tokens, replies[0].usage.completion_tokens
    assert seconds == pytest.approx(2 * prompt / 1000 + written / 10)


def test_what_is_cached_need_not_be_read() -> None:
    backend = simulated(cache="blocks", prefill=1000, slots=4)
    replies, seconds = run_virtually(together(backend, *[asked(LONG)] * 3))
    read = sum(reply.usage.prompt_tokens - reply.usage.cached_tokens for reply in replies)
    assert seconds == pytest.approx(read / 1000)


def test_no_more_calls_than_slots_run_at_once() -> None:
    backend = simulated(decode=10, slots=2)
    _, seconds = run_virtually(together(backend, *[asked("?")] * 6))
    assert seconds == pytest.approx(3.0)


def test_latency_is_added() -> None:
    _, seconds = run_virtually(together(simulated(decode=10, latency=0.5), asked("?")))
    assert seconds == pytest.approx(1.5)


@pytest.mark.parametrize("cache", ["slots", "blocks"])
def test_the_same_seeds_give_the_same_texts_with_and_without_it(cache: str) -> None:
    requests = [asked(f"What is {n} + 1?", seed=n) for n in range(10)]
    options: dict[str, Any] = {"latency": 0.1, "latency_spread": 0.5, "replies": ()}
    plain, _ = run_virtually(together(simulated(**options), *requests))
    other, _ = run_virtually(together(simulated(cache=cache, decode=7, **options), *requests))
    assert [reply.text for reply in plain] == [reply.text for reply in other]


def test_a_call_that_is_cut_off_is_metered_and_frees_its_slot() -> None:
    backend = simulated(cache="slots", decode=10, slots=1)
    meter = Meter()

    async def main() -> Completion:
        task = asyncio.create_task(backend.chat(asked("?", meter=meter)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await backend.chat(asked("?"))

    _, seconds = run_virtually(main())
    assert meter.completion_tokens == 5
    assert seconds == pytest.approx(1.5)


def test_failures_take_their_time() -> None:
    backend = simulated(decode=10, failures=1.0)

    async def main() -> None:
        with pytest.raises(BackendError, match="on purpose"):
            await backend.chat(asked("?"))

    _, seconds = run_virtually(main())
    assert seconds == pytest.approx(1.0)


def test_many_calls_take_no_real_time() -> None:
    backend = simulated(latency=0.1, decode=400, slots=100)
    replies, seconds = run_virtually(together(backend, *[asked("?")] * 10_000))
    assert len(replies) == 10_000
    assert seconds == pytest.approx(100 * (0.1 + 10 / 400))
