"""An answer as it is kept: one checked piece of bytes."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import chain
from types import UnionType
from typing import Any, Final

from graphdsl.executors.abc import (
    ChatRequest,
    Completion,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
    TextRequest,
)
from graphdsl.values import Finish, LogprobStats, Usage

_CHECK: Final = 4
"""Bytes of the checksum before the text."""

_SCORES: Final = "scores"
_VECTORS: Final = "vectors"
"""What stands in the place of a text before what is none."""

Request = ChatRequest | TextRequest | ScoreRequest | EmbedRequest
Reply = Completion | Scores | Embeddings


@dataclass(frozen=True, slots=True)
class Cached:
    """A reply, what it was charged with when it was paid for, and how long it took.

    `made` is when that was, in seconds since 1970; `prices` is the version of the price table.
    """

    reply: Reply
    usage: Usage
    seconds: float
    made: float
    prices: str = ""

    @property
    def completion(self) -> Completion:
        """The reply, where it is to a request for a text."""
        assert isinstance(self.reply, Completion)
        return self.reply


def keepable(request: Request, completion: Reply) -> bool:
    """Whether a reply is the whole answer to a request.

    One that was cut off is where it has all the tokens that the request itself asked for: a limit
    that a budget, a context or a server set says nothing about the next time. An empty text is
    none, nor is one of which the server does not say, in a known word, why it ended. Scores and
    vectors are whole where there is a finite one for each text.
    """
    if not isinstance(completion, Completion):
        return _one_for_each(request, completion)
    assert isinstance(request, ChatRequest | TextRequest)
    if not completion.text.strip():
        return False
    if completion.finish is Finish.LENGTH:
        limit = request.max_tokens
        return limit is not None and completion.usage.completion_tokens >= limit
    return completion.finish.complete and completion.whole


def _one_for_each(request: Request, reply: Scores | Embeddings) -> bool:
    assert isinstance(request, ScoreRequest | EmbedRequest)
    found = reply.values if isinstance(reply, Scores) else reply.vectors
    numbers = reply.values if isinstance(reply, Scores) else chain.from_iterable(reply.vectors)
    return len(found) == len(request.texts) and all(map(math.isfinite, numbers))


def to_bytes(answer: Cached) -> bytes:
    """The answer as it is kept."""
    told = [
        *_reply_fields(answer.reply),
        _usage_fields(answer.usage),
        answer.seconds,
        answer.made,
        answer.prices or prices_version(),
    ]
    text = json.dumps(told, separators=(",", ":")).encode()
    return zlib.crc32(text).to_bytes(_CHECK, "big") + text


def _reply_fields(reply: Reply) -> list[Any]:
    usage = _usage_fields(reply.usage)
    match reply:
        case Completion(text, finish, _, stats):
            return [text, finish.value, usage, None if stats is None else _stats_fields(stats)]
        case Scores(values, _, logprobs):
            return [_SCORES, list(values), usage, list(map(_stats_fields, logprobs))]
        case Embeddings(vectors, _):
            return [_VECTORS, list(vectors), usage, None]


def from_bytes(kept: bytes) -> Cached | None:
    """What was kept; None where the bytes are not what they were, or no answer."""
    text = kept[_CHECK:]
    if zlib.crc32(text).to_bytes(_CHECK, "big") != kept[:_CHECK]:
        return None
    try:
        return _decoded(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None


def _decoded(told: Any) -> Cached | None:
    """Raises `ValueError` and `TypeError` for what has another form."""
    *fields, charged, seconds, made, prices = told
    if not _fits([fields[0], prices], str) or not _fits([seconds, made], int | float):
        return None
    if not _fits([*fields[2], *charged], int | None):
        return None
    reply = _reply(*fields)
    return None if reply is None else Cached(reply, Usage(*charged), seconds, made, prices)


def _reply(text: str, body: Any, usage: Any, stats: Any) -> Reply | None:
    """The reply of these fields; None where one has another type."""
    if isinstance(body, str):
        if not _fits(stats or [], int | float):
            return None
        logprobs = None if stats is None else LogprobStats(*stats)
        return Completion(text, Finish(body), Usage(*usage), logprobs)
    rows: list[list[Any]] = [body, *stats] if text == _SCORES else body
    if not _fits(list(chain.from_iterable(rows)), int | float):
        return None
    if text == _SCORES:
        return Scores(tuple(body), Usage(*usage), tuple(LogprobStats(*one) for one in stats))
    return Embeddings(tuple(map(tuple, body)), Usage(*usage))


def _fits(values: list[Any], kind: type | UnionType) -> bool:
    return all(isinstance(value, kind) for value in values)


@cache
def prices_version() -> str:
    """The version of the table that prices come from, where a model block does not say them."""
    return version("genai-prices")


def _stats_fields(stats: LogprobStats) -> list[float]:
    return [stats.tokens, stats.total, stats.minimum]


def _usage_fields(usage: Usage) -> list[int | None]:
    return [
        usage.calls,
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.completion_tokens,
        usage.unknown,
        usage.cost,
        usage.flops,
    ]
