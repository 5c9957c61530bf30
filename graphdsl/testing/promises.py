"""What the tests of the suite share: the backend, the requests, and what a refusal looks like."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

import pytest

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Backend, ChatRequest, Completion
from graphdsl.values import Messages

QUESTION: Final = Messages.user("Tell a short story about a fox and a river.")
"""A prompt that any model has something to say to."""

LONG: Final = 300
"""Tokens of a reply that lasts: long enough to be cut off on purpose."""

_T = TypeVar("_T")


class Promises:
    """The fixtures and settings of a suite; the tests are in the classes that inherit it."""

    patience: float = 60.0
    """Seconds after which a call is taken to hang."""

    lasting: bool = True
    """Whether a call lasts when many tokens are asked for. Set it to False where it cannot be
    made to (scripted replies): what needs a call in flight, or a text as long as asked for, is
    then skipped."""

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test, open; close it afterwards."""
        raise NotImplementedError("override the `backend` fixture of BackendSuite")

    @pytest.fixture
    def disposable(self, backend: Backend) -> Backend:
        """A backend to be closed by the test; override it where `backend` outlives one test."""
        return backend

    def need_lasting(self) -> None:
        """Skip the test where a call cannot be made to last."""
        if not self.lasting:
            pytest.skip("a call of this backend cannot be made to last")

    async def in_time(self, call: Awaitable[_T]) -> _T:
        """The result of a call; a failed test where it hangs."""
        try:
            return await asyncio.wait_for(call, self.patience)
        except TimeoutError:
            pytest.fail(f"the call has not ended after {self.patience} s")

    async def together(self, backend: Backend, requests: Sequence[ChatRequest]) -> list[Completion]:
        """The replies to requests that are made at once, in their order."""
        calls = asyncio.gather(*(backend.chat(request) for request in requests))
        return list(await self.in_time(calls))

    async def answers_still(self, backend: Backend) -> None:
        """Assert that the backend has all its places: more short calls than these are answered."""
        calls = min(backend.capabilities.max_in_flight, 8) + 2
        replies = await self.together(backend, [story(seed=s, tokens=4) for s in range(calls)])
        assert all(reply.usage.completion_tokens for reply in replies)

    async def refused(
        self, call: Awaitable[object], kind: type[BackendError] = BackendError
    ) -> BackendError:
        """The error that a call ends with; assert that the engine can use it."""
        with pytest.raises(kind) as caught:
            await self.in_time(call)
        assert_usable(caught.value)
        return caught.value


def assert_usable(error: BackendError) -> None:
    """Assert that an error says what the engine needs, and can leave the process."""
    assert str(error)
    assert type(error.model) is str
    assert type(error.retryable) is bool
    assert type(error.uncertain) is bool
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def story(
    *,
    seed: int | None = 1,
    tokens: int = 16,
    temperature: float = 0.7,
    stop: tuple[str, ...] = (),
    sample: int = 0,
) -> ChatRequest:
    """A request for one sample of a story."""
    return ChatRequest(
        QUESTION, temperature=temperature, max_tokens=tokens, seed=seed, stop=stop, sample=sample
    )


def unclaimed(backend: Backend, name: str) -> None:
    """Skip the test where the backend claims a capability: what it lacks is to be refused."""
    if getattr(backend.capabilities, name):
        pytest.skip(f"this backend claims `{name}`")


def need(backend: Backend, *names: str) -> None:
    """Skip the test where the backend does not claim one of these capabilities."""
    for name in names:
        if not getattr(backend.capabilities, name):
            pytest.skip(f"this backend does not claim `{name}`")
