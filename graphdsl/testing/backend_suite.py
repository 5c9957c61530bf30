"""The behaviour that every backend promises, as a pytest class to inherit from.

::

    class TestMine(BackendSuite):
        @pytest.fixture
        async def backend(self):
            backend = await MyBackend.open(...)
            yield backend
            await backend.aclose()

The tests are coroutines: run pytest-asyncio in its `auto` mode. What a backend does not claim in
its `Capabilities` is skipped. Give it few slots and a small context to keep the suite quick.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Backend, ChatRequest, Completion, Meter
from graphdsl.values import Finish, Message, Messages

_QUESTION = Messages.user("Tell a short story about a fox and a river.")
_PATIENCE = 60.0
"""Seconds after which a call is taken to hang."""


class BackendSuite:
    """Inherit, override `backend`, and get one test per promise."""

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test, open; close it afterwards."""
        raise NotImplementedError("override the `backend` fixture of BackendSuite")

    @pytest.fixture
    def disposable(self, backend: Backend) -> Backend:
        """A backend to be closed by the test; override it where `backend` outlives one test."""
        return backend

    async def test_it_satisfies_the_protocol(self, backend: Backend) -> None:
        assert isinstance(backend, Backend)
        assert backend.capabilities is backend.capabilities
        assert backend.capabilities.max_in_flight >= 1

    async def test_the_same_seed_gives_the_same_text(self, backend: Backend) -> None:
        _need(backend, "seeds")
        first = await backend.chat(_story(seed=11))
        assert (await backend.chat(_story(seed=11))).text == first.text

    async def test_large_seeds_are_accepted(self, backend: Backend) -> None:
        _need(backend, "seeds")
        request = _story(seed=2**63 + 12345, tokens=6)
        first = await backend.chat(request)
        assert (await backend.chat(request)).text == first.text

    async def test_different_seeds_give_different_texts(self, backend: Backend) -> None:
        _need(backend, "seeds")
        seeded = [_story(seed=seed, temperature=1.0) for seed in range(4)]
        texts = {reply.text for reply in await _together(backend, seeded)}
        assert len(texts) > 1

    async def test_replies_keep_the_order_of_their_requests(self, backend: Backend) -> None:
        _need(backend, "seeds")
        requests = [_story(seed=seed, tokens=8) for seed in range(5)]
        alone = [(await backend.chat(request)).text for request in requests]
        assert [reply.text for reply in await _together(backend, requests)] == alone

    async def test_usage_counts_this_call(self, backend: Backend) -> None:
        short = (await backend.chat(_story(tokens=8))).usage
        longer = Messages.user(_QUESTION.text + " It should be a happy one, with a good end.")
        long = (await backend.chat(ChatRequest(longer, seed=1, max_tokens=8))).usage
        assert short.calls == long.calls == 1
        assert 0 < short.completion_tokens <= 8
        assert long.prompt_tokens > short.prompt_tokens > 0
        assert 0 <= long.cached_tokens <= long.prompt_tokens

    async def test_max_tokens_ends_with_length(self, backend: Backend) -> None:
        reply = await backend.chat(_story(tokens=5))
        assert reply.finish is Finish.LENGTH
        assert reply.usage.completion_tokens == 5

    async def test_a_stop_string_ends_the_text_before_it(self, backend: Backend) -> None:
        _need(backend, "stop_strings", "seeds")
        free = (await backend.chat(_story(seed=3))).text
        stop = free[len(free) // 2 : len(free) // 2 + 4]
        reply = await backend.chat(_story(seed=3, stop=(stop,)))
        assert reply.text == free[: free.index(stop)]
        assert reply.finish.complete

    async def test_empty_stop_strings_stop_nothing(self, backend: Backend) -> None:
        _need(backend, "stop_strings", "seeds")
        free = await backend.chat(_story(seed=4, tokens=6))
        reply = await backend.chat(_story(seed=4, tokens=6, stop=("",)))
        assert (reply.text, reply.finish) == (free.text, free.finish)

    async def test_a_prefix_is_continued_and_not_repeated(self, backend: Backend) -> None:
        _need(backend, "prefix_continuation")
        prefix = "Once upon a time, in a quiet valley, there lived"
        messages = Messages((*_QUESTION.turns, Message("assistant", prefix)))
        reply = await backend.chat(ChatRequest(messages, seed=5, max_tokens=8))
        assert reply.text
        assert not reply.text.startswith(prefix[:12])

    async def test_logprobs_come_only_when_asked_for(self, backend: Backend) -> None:
        _need(backend, "logprobs")
        assert (await backend.chat(_story(tokens=6))).logprobs is None
        asked = await backend.chat(ChatRequest(_QUESTION, seed=1, max_tokens=6, logprobs=True))
        found = asked.logprobs
        assert found is not None
        assert 0 < found.tokens <= asked.usage.completion_tokens
        assert found.total <= found.minimum <= found.mean <= 0

    async def test_unicode_goes_in_and_comes_out(self, backend: Backend) -> None:
        messages = Messages.user("Repeat: é 汉字 🦊 \u202e \x00 \ud800 and then 🎉🎉🎉")
        reply = await backend.chat(ChatRequest(messages, seed=6, max_tokens=12))
        assert reply.text.encode("utf-8")
        assert "\ufffd" not in reply.text[:-1]

    async def test_a_prompt_beyond_the_context_is_an_overflow(self, backend: Backend) -> None:
        limit = backend.capabilities.context_tokens
        if limit is None:
            pytest.skip("this backend declares no context limit")
        messages = Messages.user("word " * (2 * limit))
        with pytest.raises(ContextOverflow) as caught:
            await backend.chat(ChatRequest(messages, max_tokens=4))
        assert caught.value.prompt_tokens > caught.value.limit > 0
        assert not caught.value.retryable

    async def test_cancelling_frees_what_the_calls_held(self, backend: Backend) -> None:
        _need(backend, "cancellation")
        calls = min(backend.capabilities.max_in_flight, 8)
        running = [
            asyncio.ensure_future(backend.chat(_story(seed=seed, tokens=300)))
            for seed in range(calls + 2)
        ]
        await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in ended)
        after = await _together(backend, [_story(seed=s, tokens=4) for s in range(calls + 2)])
        assert all(reply.usage.completion_tokens for reply in after)

    async def test_a_cancelled_call_is_metered(self, backend: Backend) -> None:
        _need(backend, "cancellation")
        whole = (await backend.chat(_story(tokens=300))).usage
        meter = Meter()
        for delay in (0.01, 0.1, 0.5, 2.0):
            running = asyncio.ensure_future(backend.chat(replace(_story(tokens=300), meter=meter)))
            await asyncio.wait([running], timeout=delay)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            if running.cancelled() and meter.prompt_tokens:
                break
        assert 0 < meter.prompt_tokens <= whole.prompt_tokens
        assert 0 <= meter.completion_tokens <= 300

    async def test_a_closed_backend_refuses_calls(self, disposable: Backend) -> None:
        await disposable.chat(_story(tokens=2))
        await disposable.aclose()
        await disposable.aclose()
        with pytest.raises(BackendError):
            await disposable.chat(_story(tokens=2))

    async def test_closing_ends_the_calls_that_run(self, disposable: Backend) -> None:
        _need(disposable, "cancellation")
        running = [
            asyncio.ensure_future(disposable.chat(_story(seed=seed, tokens=300)))
            for seed in range(4)
        ]
        await asyncio.sleep(0.01)
        await asyncio.wait_for(disposable.aclose(), _PATIENCE)
        ended = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), _PATIENCE)
        assert all(isinstance(result, BackendError) for result in ended)


def _story(
    *, seed: int = 1, tokens: int = 16, temperature: float = 0.7, stop: tuple[str, ...] = ()
) -> ChatRequest:
    return ChatRequest(_QUESTION, temperature=temperature, max_tokens=tokens, seed=seed, stop=stop)


async def _together(backend: Backend, requests: list[ChatRequest]) -> list[Completion]:
    calls = asyncio.gather(*(backend.chat(request) for request in requests))
    return list(await asyncio.wait_for(calls, _PATIENCE))


def _need(backend: Backend, *names: str) -> None:
    for name in names:
        if not getattr(backend.capabilities, name):
            pytest.skip(f"this backend does not claim `{name}`")
