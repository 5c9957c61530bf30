"""A declared model as the engine calls it: an open backend with its queue, health and price."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BackendMissing,
    CallTimeout,
    CircuitOpen,
    ModelCorrupt,
    ModelNotFound,
    NotRecorded,
    Overloaded,
    RateLimited,
    Unreachable,
    Unsupported,
)
from graphdsl.executors.abc import (
    Backend,
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
)
from graphdsl.executors.admission import Admission
from graphdsl.executors.breaker import Breaker
from graphdsl.executors.device import Device
from graphdsl.executors.retry import ATTEMPTS, OUTAGE, RetryBudget, delay
from graphdsl.ir.backends import TIMEOUT, backend_kind
from graphdsl.plan import ModelSpec
from graphdsl.prices import Price

Asked = TypeVar("Asked", ChatRequest, EmbedRequest, ScoreRequest)
Reply = TypeVar("Reply", Completion, Embeddings, Scores)

FATAL: Final = (BackendMissing, ModelNotFound, ModelCorrupt, AccessDenied, NotRecorded)
"""Errors after which no call of that model can work: without a fallback they end the run."""

NOT_SENT: Final = (RateLimited, Unreachable, CircuitOpen, Unsupported, *FATAL)
"""Errors of calls that no model worked on: they count for nothing."""


class Served:
    """An open backend and what all its callers share: the queue, the health, the retries.

    `answered`: it has given a completion before.
    """

    __slots__ = ("admission", "answered", "backend", "breaker", "capabilities", "retries")

    def __init__(self, backend: Backend, device: Device | None = None) -> None:
        self.backend = backend
        self.capabilities = backend.capabilities
        self.admission = Admission(
            self.capabilities.max_in_flight, adaptive=self.capabilities.adaptive, device=device
        )
        self.breaker = Breaker(time.monotonic)
        self.retries = RetryBudget()
        self.answered = False


class Lane:
    """One declared model, open.

    `timeout` is in seconds, None where a call may take for ever. `price` is None where nobody
    knows it; `flops` are operations per token, None where nobody says. `free`: whatever a call
    does, it costs neither money nor counted operations.
    """

    __slots__ = ("attempts", "flops", "free", "price", "served", "spec", "timeout")

    def __init__(
        self, spec: ModelSpec, served: Served, price: Price | None, flops: int | None = None
    ) -> None:
        self.spec = spec
        self.served = served
        self.price = price
        self.flops = flops
        self.free = price is not None and not price.worst(1, 1, 3600.0) and not self.flops
        self.attempts = int(spec.options.get("attempts", ATTEMPTS))
        self.timeout = _timeout(spec)

    async def chat(self, request: ChatRequest) -> Completion:
        """One attempt, by a caller who holds a place of the admission.

        Raises `BackendError`; `CircuitOpen` when the model is left alone for now.
        """
        return await self._attempt(self.served.backend.chat, request)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """One attempt at vectors of texts; otherwise like `chat`."""
        return await self._attempt(self.served.backend.embed, request)

    async def score(self, request: ScoreRequest) -> Scores:
        """One attempt at scores of texts; otherwise like `chat`."""
        return await self._attempt(self.served.backend.score, request)

    async def _attempt(self, work: Callable[[Asked], Awaitable[Reply]], request: Asked) -> Reply:
        served = self.served
        probe = served.breaker.check(self.spec.name)
        began = served.breaker.now()
        try:
            if self.timeout is None:
                reply = await work(request)
            else:
                reply = await self._in_time(work(request), self.timeout)
        except BackendError as error:
            self._failed(probe, began, error)
            raise
        except BaseException:
            served.breaker.abandoned(probe)
            raise
        served.answered = True
        served.breaker.succeeded(probe)
        served.admission.succeeded()
        served.retries.earn()
        return reply

    @property
    def patience(self) -> float:
        """Seconds for which a sample waits for an endpoint that says when it may come again."""
        return TIMEOUT if self.timeout is None else self.timeout

    def pause(self, error: BackendError, failures: int, waited: float, left: float) -> float | None:
        """Seconds until the next attempt; None when that was all.

        `failures` counts those that a retry was spent on or could be, this one included; the
        sample has `waited` so many seconds, and may wait `left` more.
        """
        wait = delay(failures, error)
        if self.attempts == 1 or wait > left:
            return None
        if self.waits_out(error):
            patient = isinstance(error, RateLimited) or waited + wait <= OUTAGE
            return wait if patient else None
        if not error.retryable or failures >= self.attempts or not self.served.retries.spend():
            return None
        return wait

    def waits_out(self, error: BackendError) -> bool:
        """Whether a failure costs nothing but time: a rate limit, or a server that is away.

        One that never answered is taken to be a mistake, and not waited for.
        """
        if isinstance(error, RateLimited):
            return not isinstance(error, Overloaded)
        away = isinstance(error, Unreachable | CircuitOpen)
        return away and self.served.answered

    async def _in_time(self, reply: Awaitable[Reply], seconds: float) -> Reply:
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                return await reply
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise CallTimeout(
                f"`{self.spec.name}` gave no reply within {seconds:g} s; raise `timeout` in "
                "its model block if it needs longer",
                model=self.spec.name,
            ) from error

    def _failed(self, probe: bool, began: float, error: BackendError) -> None:
        """What a failure says about the model; a request that it does not like says nothing."""
        served = self.served
        if isinstance(error, RateLimited):
            served.admission.refused(error.retry_after)
        if error.retryable and (
            isinstance(error, Overloaded) or not isinstance(error, RateLimited)
        ):
            served.breaker.failed(probe, began, error)
        else:
            served.breaker.succeeded(probe)


def _timeout(spec: ModelSpec) -> float | None:
    """The model's own patience; calls over a network, or paid by the second, are never endless."""
    if "timeout" in spec.options:
        return float(spec.options["timeout"])
    kind = backend_kind(spec.backend)
    remote = kind is not None and kind.option("base_url") is not None
    return TIMEOUT if remote or "usd_per_hour" in spec.options else None
