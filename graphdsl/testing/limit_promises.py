"""Prompts of every size: each is answered, or refused with an error that says why."""

from __future__ import annotations

from typing import Final

import pytest

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Backend, ChatRequest, Completion, TextRequest
from graphdsl.testing.promises import Promises, need, story
from graphdsl.values import Messages

_WORD: Final = "word "
_MEGABYTE: Final = _WORD * 200_000
_LARGEST: Final = 20_000
"""Tokens of context beyond which filling it would cost too much."""


class LimitPromises(Promises):
    """The context, and what lies beyond it."""

    async def test_a_prompt_beyond_the_context_is_an_overflow(self, backend: Backend) -> None:
        limit = _context(backend)
        request = _words(2 * limit, tokens=4)
        _assert_overflow(await self.refused(backend.chat(request), ContextOverflow))

    async def test_a_text_beyond_the_context_is_an_overflow(self, backend: Backend) -> None:
        need(backend, "completions")
        request = TextRequest(_WORD * (2 * _context(backend)), max_tokens=4)
        _assert_overflow(await self.refused(backend.complete(request), ContextOverflow))

    async def test_a_prompt_just_under_the_context_works(self, backend: Backend) -> None:
        limit = _context(backend)
        if limit > _LARGEST:
            pytest.skip(f"filling {limit} tokens of context costs too much")
        few, more = [(await backend.chat(_words(n))).usage.prompt_tokens for n in (4, 36)]
        count = 4 + int((limit - 8 - few) * 32 / (more - few))
        reply = await self.in_time(backend.chat(_words(count)))
        assert limit // 2 < reply.usage.prompt_tokens < limit
        assert reply.usage.completion_tokens > 0

    async def test_a_megabyte_is_refused_and_forgotten(self, backend: Backend) -> None:
        request = ChatRequest(Messages.user(_MEGABYTE), seed=1, max_tokens=2)
        if backend.capabilities.context_tokens is not None:
            await self.refused(backend.chat(request))
        else:
            await self._answered_or_refused(backend, request)
        assert (await self.in_time(backend.chat(story(tokens=2)))).usage.completion_tokens > 0

    async def test_a_prompt_without_turns_has_an_end(self, backend: Backend) -> None:
        await self._answered_or_refused(backend, ChatRequest(Messages(()), seed=1, max_tokens=2))

    async def test_an_empty_turn_has_an_end(self, backend: Backend) -> None:
        request = ChatRequest(Messages.user(""), seed=1, max_tokens=2)
        await self._answered_or_refused(backend, request)

    async def _answered_or_refused(self, backend: Backend, request: ChatRequest) -> None:
        try:
            reply: Completion = await self.in_time(backend.chat(request))
        except BackendError:
            return
        assert reply.usage.calls == 1


def _words(count: int, tokens: int = 2) -> ChatRequest:
    return ChatRequest(Messages.user(_WORD * count), seed=1, max_tokens=tokens)


def _context(backend: Backend) -> int:
    limit = backend.capabilities.context_tokens
    if limit is None:
        pytest.skip("this backend declares no context limit")
    return limit


def _assert_overflow(error: BackendError) -> None:
    """Not to be tried again; where the endpoint told both numbers, they explain the refusal."""
    assert isinstance(error, ContextOverflow)
    assert not error.retryable
    assert not error.uncertain
    assert min(error.prompt_tokens, error.limit) >= 0
    if error.prompt_tokens and error.limit:
        assert error.prompt_tokens > error.limit
