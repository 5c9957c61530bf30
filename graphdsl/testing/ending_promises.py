"""Calls that are cut off, calls that run out of time, and the end of the backend itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Backend, EmbedRequest, Meter, ScoreRequest, TextRequest
from graphdsl.testing.promises import LONG, QUESTION, Promises, need, story


class EndingPromises(Promises):
    """Nothing is left behind by a call that ends early, or by a backend that is closed."""

    async def test_cancelling_frees_what_the_calls_held(self, backend: Backend) -> None:
        need(backend, "cancellation")
        self.need_lasting()
        calls = min(backend.capabilities.max_in_flight, 8)
        running = [
            asyncio.ensure_future(backend.chat(story(seed=seed, tokens=LONG)))
            for seed in range(calls + 2)
        ]
        await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
        ended = await self.in_time(asyncio.gather(*running, return_exceptions=True))
        assert all(isinstance(result, asyncio.CancelledError) for result in ended)
        await self.answers_still(backend)

    async def test_a_call_cancelled_at_once_holds_nothing(self, backend: Backend) -> None:
        calls = min(backend.capabilities.max_in_flight, 8) + 2
        running = [asyncio.ensure_future(backend.chat(story(tokens=4))) for _ in range(calls)]
        await asyncio.sleep(0)  # they begin
        for task in running:
            task.cancel()
        await self.in_time(asyncio.gather(*running, return_exceptions=True))
        await self.answers_still(backend)

    async def test_a_call_ends_when_its_time_is_over(self, backend: Backend) -> None:
        need(backend, "cancellation")
        calls = min(backend.capabilities.max_in_flight, 8)
        for delay in (0.0, 0.02):
            timed = (self._out_of_time(backend, seed, delay) for seed in range(calls))
            await self.in_time(asyncio.gather(*timed))
        await self.answers_still(backend)

    async def test_a_cancelled_call_is_metered(self, backend: Backend) -> None:
        need(backend, "cancellation", "metered")
        self.need_lasting()
        whole = (await backend.chat(story(tokens=2))).usage
        meter = Meter()
        for delay in (0.01, 0.1, 0.5, 2.0):
            running = asyncio.ensure_future(backend.chat(replace(story(tokens=LONG), meter=meter)))
            await asyncio.wait([running], timeout=delay)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            if running.cancelled() and meter.prompt_tokens:
                break
        assert 0 < meter.prompt_tokens <= whole.prompt_tokens
        if meter.completion_tokens:
            assert meter.prompt_tokens == whole.prompt_tokens
        assert 0 <= meter.completion_tokens <= LONG

    async def test_a_closed_backend_refuses_calls(self, disposable: Backend) -> None:
        await disposable.chat(story(tokens=2))
        await self.in_time(asyncio.gather(disposable.aclose(), disposable.aclose()))
        await disposable.aclose()
        for call in _every_call(disposable):
            await self.refused(call())

    async def test_closing_ends_the_calls_that_run(self, disposable: Backend) -> None:
        need(disposable, "cancellation")
        self.need_lasting()
        running = [
            asyncio.ensure_future(disposable.chat(story(seed=seed, tokens=LONG)))
            for seed in range(4)
        ]
        await asyncio.sleep(0.01)
        await self.in_time(disposable.aclose())
        ended = await self.in_time(asyncio.gather(*running, return_exceptions=True))
        assert all(isinstance(result, BackendError) for result in ended)

    async def _out_of_time(self, backend: Backend, seed: int, delay: float) -> None:
        """A call under `asyncio.timeout`: it may be quicker, but must not swallow its end."""
        clock = asyncio.timeout(delay)
        try:
            async with clock:
                await backend.chat(story(seed=seed, tokens=LONG))
        except TimeoutError:
            assert clock.expired()
        else:
            assert not clock.expired()


def _every_call(backend: Backend) -> list[Callable[[], Awaitable[object]]]:
    """One call of each kind; what is not claimed is refused as well."""
    return [
        lambda: backend.chat(story(tokens=2)),
        lambda: backend.complete(TextRequest("Once", max_tokens=2)),
        lambda: backend.score(ScoreRequest(QUESTION, ("yes", "no"))),
        lambda: backend.embed(EmbedRequest(("Once",))),
    ]
