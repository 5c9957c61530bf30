"""What a server with the OpenAI interface reads and sends: requests, replies, scores, errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

from graphdsl.executors.abc import ChatRequest, Completion, Sampling, TextRequest
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.values import Finish, LogprobStats, Message, Messages, Usage

TOKEN: Final = 4
"""Characters of a piece of a stream, which stands for a token."""

VOCABULARY: Final = ("yes", "no", "maybe", "true", "false", "Yes", "No", *"ABCDE", *"12345678")
"""First tokens that the server knows log-probabilities of."""

_KNOWN: Final = 0.95
"""What the known first tokens have together."""

_TEXT_LIMIT: Final = 16
"""Tokens of a continued text where the request does not say, as everywhere."""

Json = dict[str, Any]


def chat_request(body: Json) -> ChatRequest:
    """What a body of `/v1/chat/completions` asks for. Raises `ValueError` like a strict server."""
    turns = tuple(_turn(object_of(turn) or {}) for turn in list_of(body.get("messages")))
    if not turns:
        raise ValueError("[] is too short - 'messages'")
    if body.get("continue_final_message") and turns[-1].role != "assistant":
        raise ValueError("'continue_final_message' needs a last message from the assistant")
    limit = body.get("max_tokens", body.get("max_completion_tokens"))
    return ChatRequest(Messages(turns), max_tokens=limit, **_sampling(body))


def text_request(body: Json) -> TextRequest:
    """What a body of `/v1/completions` asks for. Raises `ValueError` like a strict server."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        raise ValueError("'prompt' must be a text")
    return TextRequest(prompt, max_tokens=body.get("max_tokens", _TEXT_LIMIT), **_sampling(body))


@dataclass(frozen=True, slots=True)
class Rendering:
    """A completion as the JSON of the route that was asked."""

    model: str
    request: Sampling
    found: Completion

    def whole(self) -> Json:
        """The reply in one piece."""
        choice = self._choice("message", self.found.text, self._logprobs(), last=True)
        return self._frame("", [choice]) | {"usage": usage_json(self.found.usage)}

    def chunks(self, options: Mapping[str, Any]) -> list[Json]:
        """The pieces of a stream, one per token, with usage as `options` ask for it."""
        texts, values = pieces(self.found.text) or [""], self._logprobs()
        usage = self.found.usage
        found: list[Json] = []
        for index, text in enumerate(texts):
            last = index == len(texts) - 1
            own = values[index:] if last else values[index : index + 1]
            chunk = self._frame(".chunk", [self._choice("delta", text, own, last=last)])
            if options.get("continuous_usage_stats"):
                written = usage.completion_tokens if last else index + 1
                chunk["usage"] = usage_json(Usage(1, usage.prompt_tokens, 0, written))
            found.append(chunk)
        if options.get("include_usage"):
            found.append(self._frame(".chunk", []) | {"usage": usage_json(usage)})
        return found

    @property
    def _chat(self) -> bool:
        return isinstance(self.request, ChatRequest)

    def _frame(self, suffix: str, choices: list[Json]) -> Json:
        return {
            "id": "cmpl-1",
            "object": f"chat.completion{suffix}" if self._chat else "text_completion",
            "created": 1_700_000_000,
            "model": self.model,
            "choices": choices,
        }

    def _choice(self, place: str, text: str, values: list[float], *, last: bool) -> Json:
        choice: Json = {"index": 0, "finish_reason": None}
        if self._chat:
            choice[place] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        if last:
            choice["finish_reason"] = "length" if self.found.finish is Finish.LENGTH else "stop"
            if self.found.finish is Finish.STOP_SEQ:
                choice["stop_reason"] = self.request.stop[0]  # which one, nothing here knows
        if values:
            tokens = [_token(*pair) for pair in zip(pieces(text), values, strict=False)]
            choice["logprobs"] = {"content": tokens} if self._chat else {"token_logprobs": values}
        return choice

    def _logprobs(self) -> list[float]:
        return [] if self.found.logprobs is None else _spread(self.found.logprobs)


def usage_json(usage: Usage) -> Json:
    """Counts as servers write them."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def first_tokens(shares: Sequence[float], count: int) -> list[Json]:
    """The likeliest first tokens, where `shares` are those of the vocabulary among themselves."""
    pairs = sorted(zip(shares, VOCABULARY, strict=True), reverse=True)[:count]
    return [_token(word, math.log(max(share * _KNOWN, 1e-30))) for share, word in pairs]


def prompt_tokens(messages: Messages, text: str, stats: LogprobStats) -> list[Json | None]:
    """`prompt_logprobs` as vLLM writes them: the turns, then `text` with the given statistics."""
    before = [(piece, -1.0) for turn in messages.turns for piece in pieces(turn.content)]
    own = list(zip(pieces(text), _spread(stats), strict=False))
    entries = [{str(crc32(one.encode())): {"logprob": value}} for one, value in before + own]
    return [None, *entries]


def pieces(text: str) -> list[str]:
    """A text cut into tokens."""
    return [text[at : at + TOKEN] for at in range(0, len(text), TOKEN)]


def error_json(message: str, kind: str, code: str | int | None) -> Json:
    """An error object of the usual form."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _turn(turn: Json) -> Message:
    role, content = turn.get("role"), turn.get("content")
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        raise ValueError("'messages' must be turns with a role and a text")
    return Message(role, content)


def _sampling(body: Json) -> Json:
    """What both routes have in common, with the limits of the real ones."""
    stop, seed = list_of(body.get("stop")), body.get("seed")
    if len(stop) > 4 or "" in stop:
        raise ValueError("'stop' must have at most 4 strings, none of them empty")
    if seed is not None and not -(2**63) <= seed < 2**63:
        raise ValueError("'seed' must fit 64 bits")
    if body.get("stream_options") and not body.get("stream"):
        raise ValueError("'stream_options' is only allowed when 'stream' is enabled")
    form = object_of(body.get("response_format")) or {}
    return {
        "temperature": float(body.get("temperature", 1.0)),
        "top_p": body.get("top_p"),
        "seed": seed,
        "stop": tuple(stop),
        "logprobs": bool(body.get("logprobs")),
        "schema": (object_of(form.get("json_schema")) or {}).get("schema"),
    }


def _spread(stats: LogprobStats) -> list[float]:
    """Values with these statistics."""
    if stats.tokens <= 1:
        return [stats.total] * stats.tokens
    rest = (stats.total - stats.minimum) / (stats.tokens - 1)
    return [stats.minimum, *[rest] * (stats.tokens - 1)]


def _token(text: str, value: float) -> Json:
    return {"token": text, "logprob": value, "bytes": list(text.encode()), "top_logprobs": []}
