"""What a model backend is: the one small protocol between the engine and every model.

A backend serves one model. It is owned by one event loop, is safe to call from many tasks of
that loop, and never retries: retries, admission and budgets belong to the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from graphdsl.values import Finish, LogprobStats, Messages, Usage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do. Compiler and engine choose by this record, never by backend name."""

    max_in_flight: int = 1
    max_n: int = 1
    seeds: bool = False
    logprobs: bool = False
    stop_strings: bool = False
    cancellation: bool = False
    prefix_continuation: bool = False
    shares_prefill_between_requests: bool = False
    shares_prefill_within_n: bool = False
    context_tokens: int | None = None


class Meter:
    """What a call has spent so far, in tokens; a backend keeps it up to date while it generates.

    It may be written on another thread than it is read on. The engine charges it when the call
    is cut off; when a completion comes back, that one's usage counts instead.
    """

    __slots__ = ("calls", "completion_tokens", "prompt_tokens")

    def __init__(self) -> None:
        self.calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    @property
    def usage(self) -> Usage:
        """The same as a usage; `calls` is 1 once the engine has sent the request."""
        return Usage(self.calls, self.prompt_tokens, 0, self.completion_tokens)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One sample of one prompt. `max_tokens` None means the model's own limit.

    `temperature` 0 is greedy. `stop` ends generation before any of its strings. A trailing
    assistant message is continued where the backend has `prefix_continuation`. `sample` is the
    index of this sample within its node; models ignore it, scripted and recorded ones need it.
    A backend with `cancellation` counts in `meter`, where there is one, what it has spent.
    """

    messages: Messages
    temperature: float = 0.7
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    sample: int = 0
    meter: Meter | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. `finish` is never `ERROR` here: a failed call raises `BackendError`."""

    text: str
    finish: Finish
    usage: Usage
    logprobs: LogprobStats | None = None


@runtime_checkable
class Backend(Protocol):
    """One model, ready to answer."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do; constant for its life."""
        ...

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion. Cancelling the task stops the generation where it runs.

        Raises `BackendError` (or a subclass) when there is no completion.
        """
        ...

    async def aclose(self) -> None:
        """Release the model; further calls raise `BackendError`. May be called twice."""
        ...
