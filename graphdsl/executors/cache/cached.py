"""An answer as it is kept: one checked piece of bytes."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from types import UnionType
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.values import Finish, LogprobStats, Usage

_CHECK: Final = 4
"""Bytes of the checksum before the text."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A completion, what it was charged with when it was paid for, and how long it took.

    `made` is when that was, in seconds since 1970; `prices` is the version of the price table.
    """

    completion: Completion
    usage: Usage
    seconds: float
    made: float
    prices: str = ""


def keepable(request: ChatRequest | TextRequest, completion: Completion) -> bool:
    """Whether a completion is the whole answer to a request.

    One that was cut off is where it has all the tokens that the request itself asked for: a limit
    that a budget, a context or a server set says nothing about the next time. An empty text is
    none, nor is one of which the server does not say, in a known word, why it ended.
    """
    if not completion.text.strip():
        return False
    if completion.finish is Finish.LENGTH:
        limit = request.max_tokens
        return limit is not None and completion.usage.completion_tokens >= limit
    return completion.finish.complete and completion.whole


def to_bytes(answer: Cached) -> bytes:
    """The answer as it is kept."""
    completion, stats = answer.completion, answer.completion.logprobs
    told = [
        completion.text,
        completion.finish.value,
        _usage_fields(completion.usage),
        None if stats is None else [stats.tokens, stats.total, stats.minimum],
        _usage_fields(answer.usage),
        answer.seconds,
        answer.made,
        answer.prices or prices_version(),
    ]
    text = json.dumps(told, separators=(",", ":")).encode()
    return zlib.crc32(text).to_bytes(_CHECK, "big") + text


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
    text, finish, usage, stats, charged, seconds, made, prices = told
    if not _fits([text, prices], str) or not _fits([seconds, made, *(stats or ())], int | float):
        return None
    if not _fits([*usage, *charged], int | None):
        return None
    logprobs = None if stats is None else LogprobStats(*stats)
    completion = Completion(text, Finish(finish), Usage(*usage), logprobs)
    return Cached(completion, Usage(*charged), seconds, made, prices)


def _fits(values: list[Any], kind: type | UnionType) -> bool:
    return all(isinstance(value, kind) for value in values)


@cache
def prices_version() -> str:
    """The version of the table that prices come from, where a model block does not say them."""
    return version("genai-prices")


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
