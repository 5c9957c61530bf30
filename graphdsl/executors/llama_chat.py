"""One chat completion in llama.cpp's terms: the request body, and the chunks put together."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any, Final

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import ChatRequest, Completion, Meter
from graphdsl.ops.neutral import broken
from graphdsl.values import Finish, LogprobStats, Message, Messages, Usage

_SEEDS: Final = 0xFFFFFFFF
"""Native seeds have 32 bits, and the largest of them means "random"."""

_LOWEST: Final = -1e9
"""Stands for minus infinity, which JSON cannot carry."""

_FINISH: Final = {"eos": Finish.STOP, "word": Finish.STOP_SEQ, "limit": Finish.LENGTH}


def request_body(request: ChatRequest, control: re.Pattern[str] | None) -> dict[str, Any]:
    """The body of a streaming chat request; what it leaves out keeps llama.cpp's default.

    The server reads the model's `control` strings as boundaries wherever they stand; in the text
    of a turn they are data, and are broken by a space.
    """
    body: dict[str, Any] = {
        "messages": _turns(request.messages, control),
        "temperature": request.temperature,
        "max_tokens": -1 if request.max_tokens is None else request.max_tokens,
        "stop": [text for text in request.stop if text],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,  # chunks while the prompt is read: chances to cancel
        "timings_per_token": True,  # what a cancelled generation has cost so far
        "verbose": True,  # the only way to learn whether a stop string ended it
    }
    if request.seed is not None:
        body["seed"] = request.seed % _SEEDS
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    return body


def control_pattern(tokens: Sequence[str]) -> re.Pattern[str] | None:
    """Matches any of these control strings; None when there are none."""
    return re.compile("|".join(map(re.escape, tokens))) if tokens else None


def _turns(messages: Messages, control: re.Pattern[str] | None) -> list[dict[str, str]]:
    turns = messages.turns
    if turns and turns[-1] == Message("assistant", ""):
        turns = turns[:-1]  # nothing to continue; llama.cpp would leave the turn unopened
    return [{"role": turn.role, "content": _content(turn.content, control)} for turn in turns]


def _content(text: str, control: re.Pattern[str] | None) -> str:
    return _encodable(control.sub(broken, text) if control else text)


def _encodable(text: str) -> str:
    """Lone surrogates, which have no bytes, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Generation:
    """Collects the chunks of one completion on a worker thread; `stop` may be set from any."""

    def __init__(self, model: str, meter: Meter | None = None) -> None:
        self.stop = threading.Event()
        self._model = model
        self._meter = meter
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._usage: dict[str, Any] | None = None
        self._finish = Finish.STOP
        self._error: dict[str, Any] | None = None
        self._defect: Exception | None = None

    def on_chunk(self, chunk: dict[str, Any]) -> bool:
        """Take one chunk; True stops the generation. Never raises."""
        try:
            self._take(chunk)
        except Exception as error:  # kept for `completion`: native code would swallow it
            self._defect = error
        return self.stop.is_set() or self._defect is not None

    def completion(self, *, logprobs: bool) -> Completion:
        """The result, once the stream has ended. Raises `BackendError` if there is none."""
        if self._error:
            raise self._failure(self._error)
        if self._usage is None:
            raise BackendError(
                f"`{self._model}` was stopped or closed before its text was complete",
                model=self._model,
            ) from self._defect
        found = self._logprobs
        stats = LogprobStats(len(found), sum(found), min(found, default=0.0))
        return Completion(
            "".join(self._texts), self._finish, _usage(self._usage), stats if logprobs else None
        )

    def _take(self, chunk: dict[str, Any]) -> None:
        if "error" in chunk:
            self._error = chunk["error"]
            return
        if self._meter is not None:
            _count(self._meter, chunk)
        for choice in chunk.get("choices", ()):
            self._texts.append(choice["delta"].get("content") or "")
            if found := choice.get("logprobs"):
                self._logprobs += map(_logprob, found["content"])
        if detail := chunk.get("__verbose"):
            self._finish = _FINISH.get(detail["stop_type"], Finish.LENGTH)
        self._usage = chunk.get("usage", self._usage)

    def _failure(self, error: dict[str, Any]) -> BackendError:
        if error.get("type") == "exceed_context_size_error":
            return self._overflow(int(error["n_prompt_tokens"]), int(error["n_ctx"]))
        server_fault = int(error.get("code", 500)) >= 500
        return self.refused(str(error.get("message", error)), retryable=server_fault)

    def refused(self, reason: str, *, retryable: bool = False) -> BackendError:
        """The error for a request that llama.cpp did not take."""
        return BackendError(
            f"`{self._model}` refused the request: {reason}",
            model=self._model,
            retryable=retryable,
        )

    def _overflow(self, tokens: int, limit: int) -> ContextOverflow:
        return ContextOverflow(
            f"the prompt of {tokens} tokens does not fit the {limit} that one generation of "
            f"`{self._model}` has; shorten it, or raise `context` in its model block",
            model=self._model,
            prompt_tokens=tokens,
            limit=limit,
        )


def _count(meter: Meter, chunk: dict[str, Any]) -> None:
    """What this chunk says was read and written so far."""
    if progress := chunk.get("prompt_progress"):
        meter.prompt_tokens = progress["processed"]
    if timings := chunk.get("timings"):
        meter.completion_tokens = timings["predicted_n"]


def _logprob(token: dict[str, Any]) -> float:
    value: float | None = token["logprob"]
    return _LOWEST if value is None else max(value, _LOWEST)


def _usage(found: dict[str, Any]) -> Usage:
    details: dict[str, int] = found.get("prompt_tokens_details", {})
    return Usage(
        calls=1,
        prompt_tokens=found["prompt_tokens"],
        cached_tokens=details.get("cached_tokens", 0),
        completion_tokens=found["completion_tokens"],
    )
