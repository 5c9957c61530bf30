"""A model of a model: replies drawn from distributions, the same for the same seeds.

It knows nothing but sums. One token is four characters. A reply depends on the spec's seed, the
request's seed and the messages; at temperature 0 the request's seed does not matter, as with any
greedy decoder. No text depends on the order of calls; with the option `cache` time and cached
tokens do, as on a real engine (`graphdsl.executors.simulated_engine`). What the options say it
`lacks` it ignores in a request, and refuses as a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from graphdsl.errors import BackendError, ContextOverflow, Unsupported
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    Meter,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.executors.simulated_behaviour import TOKEN, Behaviour, key, tokens_of
from graphdsl.executors.simulated_engine import Progress, SimulatedEngine
from graphdsl.executors.simulated_reply import Request, pieces, turns_of, write
from graphdsl.executors.simulated_scores import label_scores, relevance_scores, text_scores
from graphdsl.executors.simulated_vectors import vector
from graphdsl.executors.splitmix import Draws
from graphdsl.ir.backends import declared_capabilities
from graphdsl.plan import ModelSpec
from graphdsl.values import Messages, Usage

_TURN: Final = 4
"""Prompt tokens that each turn costs beside its text."""


class SimulatedBackend(Backend):
    """Answers from a `Behaviour` instead of a model.

    A failing call raises `BackendError`, not retryable: the same request would fail again. With
    `replies` the sample's index chooses the reply (modulo their number). Log-probabilities are
    made up: about -0.1 per token where the answer is right, -0.6 where it is not. A listener gets
    the text token by token once the call's time is over.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._name = spec.name
        self._does = Behaviour.of(dict(spec.options))
        self._room = asyncio.Semaphore(self._does.slots)
        self._engine = SimulatedEngine(self._does) if self._does.engine else None
        self._closed = False
        able = declared_capabilities("simulated", spec.options)
        self._capabilities = Capabilities(
            max_in_flight=self._does.slots,
            metered="cancellation" in able,
            context_tokens=self._does.context,
            identity=None,
            **dict.fromkeys(able, True),
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything that a model can do but what this one `lacks`, with its slots and context."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """One simulated completion. Raises `ContextOverflow` and `BackendError`."""
        self._check_open()
        return await self._generate(request, self._fitting(_chat_tokens(request.messages)))

    async def complete(self, request: TextRequest) -> Completion:
        """The same for a text, which costs no more than itself."""
        self._check_open()
        self._check_able("completions")
        return await self._generate(request, self._fitting(tokens_of(request.text)))

    async def score(self, request: ScoreRequest) -> Scores:
        """Scores by the right answer and the accuracy; see `simulated_scores`."""
        self._check_open()
        self._check_able(f"{request.kind}_scores")
        does, asked = self._does, _chat_tokens(request.messages)
        sizes = [self._fitting(asked + tokens_of(text)) for text in request.texts]
        turns = request.messages.turns
        await self._pass(Draws(key(does.seed, None, turns, request.kind, *request.texts)))
        usage = Usage(calls=1, prompt_tokens=sum(sizes))
        if request.kind == "text":
            stats = text_scores(does, request)
            return Scores(tuple(each.total for each in stats), usage, stats)
        scored = label_scores if request.kind == "label" else relevance_scores
        return Scores(scored(does, request), usage)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Vectors by spelling; see `simulated_vectors`."""
        self._check_open()
        self._check_able("embeddings")
        tokens = sum(self._fitting(1 + tokens_of(text)) for text in request.texts)
        await self._pass(Draws(key(self._does.seed, None, (), *request.texts)))
        vectors = tuple(vector(text, self._does.seed) for text in request.texts)
        return Embeddings(vectors, Usage(calls=1, prompt_tokens=tokens))

    async def aclose(self) -> None:
        """End the simulation; calls that still wait raise `BackendError`."""
        self._closed = True

    async def _generate(self, request: Request, prompt: int) -> Completion:
        does = self._does
        request = _understood(request, self._capabilities)
        drawn = request.seed if request.temperature else None
        draws = Draws(key(does.seed, drawn, turns_of(request)))

        if self._engine is not None:
            whole = await self._serve(self._engine, request, prompt, draws)
        else:
            whole = await self._answer(request, prompt, draws)
        if request.listener is not None:
            for piece in pieces(whole.text):
                request.listener(piece)
        return whole

    async def _answer(self, request: Request, prompt: int, draws: Draws) -> Completion:
        """A completion after the time that it takes."""
        if self._does.latency or self._does.failures:
            await self._pass(draws, lambda: self._write(request, prompt, draws), request.meter)
        return self._write(request, prompt, draws)

    async def _serve(
        self, engine: SimulatedEngine, request: Request, prompt: int, draws: Draws
    ) -> Completion:
        """The same completion from an engine with a cache, or with a speed."""
        seconds = self._does.seconds(draws) if self._does.latency else 0.0
        fails = self._does.failures > 0 and draws.uniform() < self._does.failures
        whole, progress = self._write(request, prompt, draws), Progress()
        try:
            whole = await engine.serve(turns_of(request), whole, seconds, progress)
        except asyncio.CancelledError:
            if request.meter is not None and progress.share is not None:
                _measure(whole, request.meter, progress.share)
            raise
        self._check_open()
        if fails:
            raise self._failure()
        return whole

    async def _pass(
        self,
        draws: Draws,
        whole: Callable[[], Completion] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Wait as long as the call takes, in a place of its own, and fail as often as it should.

        Of a call that is cut off, `meter` gets the share of the `whole` that was written.
        """
        does = self._does
        if does.latency:
            seconds = does.seconds(draws)
            async with self._room:
                progress = Progress()
                try:
                    await progress.wait(seconds)
                except asyncio.CancelledError:
                    if whole is not None and meter is not None:
                        _measure(whole(), meter, progress.share or 0.0)
                    raise
            self._check_open()
        if does.failures and draws.uniform() < does.failures:
            raise self._failure()

    def _failure(self) -> BackendError:
        failures = self._does.failures
        return BackendError(
            f"`{self._name}` failed on purpose (failures = {failures})", model=self._name
        )

    def _write(self, request: Request, prompt: int, draws: Draws) -> Completion:
        try:
            return write(self._does, request, prompt, draws)
        except ValueError as error:
            raise BackendError(
                f"`{self._name}` cannot write JSON to this schema: {error}", model=self._name
            ) from error

    def _fitting(self, count: int) -> int:
        """The tokens of a prompt. Raises `ContextOverflow` where they do not fit."""
        limit = self._does.context
        if count >= limit:
            raise ContextOverflow(
                f"the prompt of {count} tokens does not fit the {limit} of `{self._name}`; "
                "shorten it or raise `context`",
                model=self._name,
                prompt_tokens=count,
                limit=limit,
            )
        return count

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError(f"`{self._name}` is closed", model=self._name)

    def _check_able(self, capability: str) -> None:
        if not getattr(self._capabilities, capability):
            raise Unsupported(capability, model=self._name)


def _chat_tokens(messages: Messages) -> int:
    turns = messages.turns
    return sum(len(turn.content) for turn in turns) // TOKEN + _TURN * len(turns)


def _measure(whole: Completion, meter: Meter, share: float) -> None:
    """Charge a call that was cut off: its prompt, and the share of its text that was written."""
    meter.prompt_tokens = whole.usage.prompt_tokens
    meter.completion_tokens = int(min(share, 1.0) * whole.usage.completion_tokens)


def _understood(request: Request, able: Capabilities) -> Request:
    """The request without what this model knows nothing of.

    A model without seeds still gives samples that differ: chance is their index and temperature.
    """
    if not able.seeds:
        request = replace(request, seed=hash((request.sample, request.temperature)))
    if not able.stop_strings:
        request = replace(request, stop=())
    if not able.logprobs:
        request = replace(request, logprobs=False)
    if not able.structured:
        request = replace(request, schema=None)
    return request
