"""What a model backend is: the one small protocol between the engine and every model.

A backend serves one model. It is owned by one event loop, is safe to call from many tasks of
that loop, and never retries: retries, admission, budgets and fallbacks belong to the engine. A
class that names `Backend` as its base inherits refusals for what it cannot do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from graphdsl.errors import Unsupported
from graphdsl.values import Finish, LogprobStats, Messages, Usage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do. Compiler and engine choose by this record, never by backend name.

    `max_in_flight` is how many calls may run at once; with `adaptive` it is only a ceiling, and
    the engine finds the bound by what the endpoint refuses. `metered` says that a call which is
    cut off is still counted exactly, in its `Meter`; otherwise its worst case is charged.
    `completions` is raw text in, text out. `label_scores`, `text_scores` and `relevance_scores`
    are the three kinds of `ScoreRequest`. `structured` is output held to a JSON schema.
    `context_tokens` is None where nobody knows. `identity` names what answers (endpoint, model,
    revision or weights; no credentials) so exactly that equal requests to equal identities may
    share one answer in a cache; None where answers must not be kept.
    """

    max_in_flight: int = 1
    adaptive: bool = False
    seeds: bool = False
    logprobs: bool = False
    stop_strings: bool = False
    cancellation: bool = False
    metered: bool = False
    prefix_continuation: bool = False
    completions: bool = False
    structured: bool = False
    label_scores: bool = False
    text_scores: bool = False
    relevance_scores: bool = False
    embeddings: bool = False
    priorities: bool = False
    context_tokens: int | None = None
    identity: str | None = None


class Meter:
    """What a call has spent so far, in tokens; a backend keeps it up to date while it generates.

    It may be written on another thread than it is read on. The engine charges it when the call
    is cut off; when a completion comes back, that one's usage counts instead.
    """

    __slots__ = ("calls", "completion_tokens", "prompt_tokens")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from zero again, for another attempt."""
        self.calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0

    @property
    def usage(self) -> Usage:
        """The same as a usage; `calls` is 1 once the engine has sent the request."""
        return Usage(self.calls, self.prompt_tokens, 0, self.completion_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one text is to be generated; what chat and text requests have in common.

    `temperature` 0 is greedy. `max_tokens` None means the model's own limit. `stop` ends
    generation before any of its strings. `schema` is a JSON schema that the text must match,
    where the backend is `structured`. `sample` is the index of this sample within its node, and
    `item` names the data item that the run is about; models ignore both, recorded and scripted
    ones need them. `priority` orders calls where the backend has `priorities`: lower comes first.
    `key` names the logical call, the same in all its attempts; it holds no secret. `listener`
    gets pieces of the text as they come, where the backend can stream. A backend that is
    `metered` counts in `meter`, where there is one, what it has spent.
    """

    temperature: float = 0.7
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    schema: Mapping[str, Any] | None = None
    sample: int = 0
    item: str | None = None
    priority: int = 0
    key: str = ""
    meter: Meter | None = field(default=None, compare=False, repr=False)
    listener: Callable[[str], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChatRequest(Sampling):
    """One sample of one prompt. A trailing assistant message is continued, and not repeated in
    the reply, where the backend has `prefix_continuation`."""

    messages: Messages


@dataclass(frozen=True, slots=True)
class TextRequest(Sampling):
    """One sample of what follows `text`, which no chat template wraps."""

    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. `finish` is never `ERROR` here: a failed call raises `BackendError`.

    `whole` is False where a server does not say, in a known word, why it ended: then nobody knows
    whether that is all, and a cache does not keep it.
    """

    text: str
    finish: Finish
    usage: Usage
    logprobs: LogprobStats | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """How well each of `texts` answers or follows `messages`.

    `label`: the probability in [0, 1] that the reply begins with each text, among these texts
    (they sum to 1); short texts such as `yes` and `no`. `text`: the log-probability of each whole
    text as the reply. `relevance`: what a reward model or reranker says, on its own scale.
    """

    messages: Messages
    texts: tuple[str, ...]
    kind: Literal["label", "text", "relevance"] = "label"
    item: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """One value per text, in order; higher is better. `logprobs` only for the kind `text`."""

    values: tuple[float, ...]
    usage: Usage
    logprobs: tuple[LogprobStats, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to turn into vectors."""

    texts: tuple[str, ...]
    key: str = ""
    meter: Meter | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per text, in order, all of one length."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage


@runtime_checkable
class Backend(Protocol):
    """One model, ready to answer."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do; constant for its life."""
        ...

    async def chat(self, request: ChatRequest) -> Completion:
        """Generate one completion. Cancelling the task stops the generation where it runs.

        Raises `BackendError` (or a subclass) when there is no completion; its `retryable` and
        `uncertain` say what the engine may do, and must charge.
        """
        ...

    async def complete(self, request: TextRequest) -> Completion:
        """Continue a text without a chat template. Otherwise like `chat`.

        Raises `Unsupported` where `completions` is false.
        """
        raise Unsupported("completions")

    async def score(self, request: ScoreRequest) -> Scores:
        """Score texts. Raises `Unsupported` for a kind that it does not have."""
        raise Unsupported(f"{request.kind}_scores")

    async def embed(self, request: EmbedRequest) -> Embeddings:
        """Turn texts into vectors. Raises `Unsupported` where `embeddings` is false."""
        raise Unsupported("embeddings")

    async def aclose(self) -> None:
        """Release the model; further calls raise `BackendError`. May be called twice."""
        ...
