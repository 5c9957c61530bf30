"""Requests in llama.cpp's terms: the bodies of its chat and completion calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest, Sampling, TextRequest
from graphdsl.ops.neutral import broken
from graphdsl.values import Message, Messages

Control = re.Pattern[str] | None
"""Matches the model's control strings."""

_SEEDS: Final = 0xFFFFFFFF
"""Native seeds have 32 bits, and the largest of them means "random"."""

_STREAM: Final[dict[str, Any]] = {
    "stream": True,
    "stream_options": {"include_usage": True},
    "return_progress": True,  # chunks while the prompt is read: chances to cancel
    "timings_per_token": True,  # what a cancelled generation has cost so far
    "verbose": True,  # the only way to learn whether a stop string ended it
}


def chat_body(request: ChatRequest, control: Control) -> dict[str, Any]:
    """The body of a streaming chat request; what it leaves out keeps llama.cpp's default.

    The server reads the model's `control` strings as boundaries wherever they stand; in the text
    of a turn they are data, and are broken by a space.
    """
    body = {"messages": turns(request.messages, control), **_sampling(request)}
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    return body


def text_body(request: TextRequest) -> dict[str, Any]:
    """The body of a streaming completion; control strings in a raw text are what they are."""
    body = {"prompt": encodable(request.text), **_sampling(request)}
    if request.logprobs:
        body["logprobs"] = 1
    return body


def reading_body(text: str) -> dict[str, Any]:
    """The body of a completion that reads a text and writes next to nothing."""
    return {"prompt": encodable(text), "temperature": 0.0, "max_tokens": 1, **_STREAM}


def forced_body(messages: list[dict[str, str]], tokens: Sequence[int]) -> dict[str, Any]:
    """The body of a chat request whose reply can only be these tokens.

    The log-probabilities are those of the free model: a grammar does not change them.
    """
    return {
        "messages": messages,
        "temperature": 0.0,
        "max_tokens": len(tokens),
        "grammar": "root ::= " + " ".join(f"<[{token}]>" for token in tokens),
        "logprobs": True,
        "top_logprobs": 1,
        **_STREAM,
    }


def control_pattern(tokens: Sequence[str]) -> Control:
    """Matches any of these control strings; None when there are none."""
    return re.compile("|".join(map(re.escape, tokens))) if tokens else None


def turns(messages: Messages, control: Control) -> list[dict[str, str]]:
    """The turns of a prompt. An empty beginning of the reply is none."""
    found = messages.turns
    if found and found[-1] == Message("assistant", ""):
        found = found[:-1]  # nothing to continue; llama.cpp would leave the turn unopened
    return [{"role": turn.role, "content": data(turn.content, control)} for turn in found]


def data(text: str, control: Control) -> str:
    """A text that is only data: it has bytes, and no control strings."""
    return encodable(control.sub(broken, text) if control else text)


def encodable(text: str) -> str:
    """Lone surrogates, which have no bytes, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _sampling(request: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {
        "temperature": request.temperature,
        "max_tokens": -1 if request.max_tokens is None else request.max_tokens,
        "stop": [text for text in request.stop if text],
        **_STREAM,
    }
    if request.seed is not None:
        body["seed"] = request.seed % _SEEDS
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.schema is not None:
        body["json_schema"] = dict(request.schema)
    return body
