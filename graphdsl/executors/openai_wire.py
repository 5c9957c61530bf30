"""Requests as a server with the OpenAI interface wants them: pure functions to JSON bodies.

What the server does not have is not sent: some refuse a whole request for one field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from graphdsl.executors.abc import Capabilities, ChatRequest, Sampling, TextRequest
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.values import Message, Messages

_SEEDS: Final = 2**31
"""Seeds have 31 bits: more than that some servers refuse."""

_REPLY: Final = 1024
"""Tokens of a continued text where neither the request nor a declared context bounds it; servers
of this interface would stop after 16."""

_BYTES_PER_TOKEN: Final = 4


def chat_body(
    request: ChatRequest, model: str, dialect: Dialect, able: Capabilities
) -> dict[str, Any]:
    """The body for `/v1/chat/completions`; what it leaves out keeps the server's default."""
    turns = _turns(request.messages)
    body: dict[str, Any] = {"model": model, "messages": turns, "temperature": request.temperature}
    if able.prefix_continuation and turns and turns[-1]["role"] == "assistant":
        body["continue_final_message"] = True
        body["add_generation_prompt"] = False
    if request.max_tokens is not None:
        body[dialect.limit_name] = request.max_tokens
    if request.logprobs and able.logprobs:
        body["logprobs"] = True
    if dialect.reasoning_effort is not None:
        body["reasoning_effort"] = dialect.reasoning_effort
    _sampling(body, request, dialect, able)
    return body


def text_body(
    request: TextRequest, model: str, dialect: Dialect, able: Capabilities
) -> dict[str, Any]:
    """The body for `/v1/completions`, which always says how long the text may become."""
    limit = request.max_tokens
    if limit is None:
        size = len(request.text.encode("utf-8", "replace"))
        limit = _REPLY if able.context_tokens is None else max(1, able.context_tokens - size)
    body: dict[str, Any] = {
        "model": model,
        "prompt": request.text,
        "temperature": request.temperature,
        "max_tokens": limit,
    }
    if request.logprobs and able.logprobs:
        body["logprobs"] = 1
    _sampling(body, request, dialect, able)
    return body


def label_body(
    messages: Messages, model: str, dialect: Dialect, able: Capabilities
) -> dict[str, Any]:
    """The body that asks for the likeliest first tokens of a reply."""
    request = ChatRequest(messages, temperature=0.0, max_tokens=1)
    body = chat_body(request, model, dialect, able)
    return body | {"logprobs": True, "top_logprobs": 20}


def prompt_body(
    messages: Messages, model: str, dialect: Dialect, able: Capabilities
) -> dict[str, Any]:
    """The body that asks for the log-probabilities of a prompt, which may end within a reply."""
    request = ChatRequest(messages, temperature=0.0, max_tokens=1)
    continuing = replace(able, prefix_continuation=True)
    return chat_body(request, model, dialect, continuing) | {"prompt_logprobs": 0}


def encoded(body: Mapping[str, Any]) -> bytes:
    """A body as it travels; lone surrogates, which have no bytes, become question marks."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def stops_of(request: Sampling) -> list[str]:
    """The stop strings of a request that can stop something."""
    return [text for text in request.stop if text]


def own_stops(request: Sampling, dialect: Dialect, able: Capabilities) -> list[str]:
    """The stop strings that are looked for here: all of them, where the server takes fewer."""
    if not request.stop:
        return []
    stops = stops_of(request)
    most = len(stops) if dialect.stops is None else dialect.stops
    return stops if len(stops) > most or not able.stop_strings else []


def continued(messages: Messages) -> str:
    """The text of a trailing assistant message, which a reply goes on with; else empty."""
    turns = messages.turns
    return turns[-1].content if turns and turns[-1].role == "assistant" else ""


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, for servers that do not say; never 0 for a text."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)


def _turns(messages: Messages) -> list[dict[str, str]]:
    turns = messages.turns
    if turns and turns[-1] == Message("assistant", ""):
        turns = turns[:-1]  # nothing to continue
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def _sampling(
    body: dict[str, Any], request: Sampling, dialect: Dialect, able: Capabilities
) -> None:
    """What chat and text have in common."""
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.seed is not None and able.seeds:
        body["seed"] = request.seed % _SEEDS
    if request.stop and able.stop_strings and (stops := stops_of(request)):
        body["stop"] = stops[: dialect.stops]
    if request.schema is not None and able.structured:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": request.schema, "strict": True},
        }
    if dialect.extra is not None:
        body.update(dialect.extra(request))


def streamed(body: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The same request, with a reply that comes in pieces and says at the end what it took."""
    options = {"include_usage": True}
    if dialect.continuous_usage:
        options["continuous_usage_stats"] = True
    return body | {"stream": True, "stream_options": options}
