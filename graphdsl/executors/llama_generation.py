"""One generation of llama.cpp: its chunks put together, and how it may fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Completion, Meter
from graphdsl.executors.llama_server import OnChunk
from graphdsl.values import Finish, LogprobStats, Usage

_LOWEST: Final = -1e9
"""Stands for minus infinity, which JSON cannot carry."""

_FINISH: Final = {"eos": Finish.STOP, "word": Finish.STOP_SEQ, "limit": Finish.LENGTH}


class Generation:
    """Collects the chunks of one completion on a worker thread; `stop` may be set on any.

    `listener` gets the pieces of the text, on the worker thread.
    """

    def __init__(
        self,
        model: str,
        stop: threading.Event,
        meter: Meter | None = None,
        listener: Callable[[str], object] | None = None,
    ) -> None:
        self._model = model
        self._stop = stop
        self._meter = meter
        self._listener = listener
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._usage: dict[str, Any] | None = None
        self._finish = Finish.STOP
        self._error: dict[str, Any] | None = None
        self._defect: Exception | None = None

    def run(
        self,
        call: Callable[[dict[str, Any], OnChunk], None],
        body: dict[str, Any],
        *,
        logprobs: bool,
    ) -> Completion:
        """Blocks until the text is complete. Raises `BackendError` if there is none."""
        if not self._stop.is_set():
            try:
                call(body, self.on_chunk)
            except (RuntimeError, ValueError) as error:  # how native code reports a bad body
                raise refused(self._model, str(error)) from error
        return self._completion(logprobs)

    def on_chunk(self, chunk: dict[str, Any]) -> bool:
        """Take one chunk; True stops the generation. Never raises."""
        try:
            self._take(chunk)
        except Exception as error:  # kept for `run`: native code would swallow it
            self._defect = error
        return self._stop.is_set() or self._defect is not None

    def _completion(self, logprobs: bool) -> Completion:
        if self._error:
            raise failure(self._model, self._error)
        if self._defect is not None:
            raise refused(self._model, f"{self._defect!r} came of its reply") from self._defect
        if self._usage is None:
            raise stopped(self._model)
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
            self._add(choice["delta"].get("content") if "delta" in choice else choice["text"])
            if found := choice.get("logprobs"):
                self._logprobs += map(_logprob, found["content"])
        if end := chunk.get("__verbose", {}).get("stop_type"):
            self._finish = _FINISH.get(end, Finish.LENGTH)
        self._usage = chunk.get("usage", self._usage)

    def _add(self, piece: str | None) -> None:
        if not piece:
            return
        self._texts.append(piece)
        if self._listener is not None:
            self._listener(piece)


def stopped(model: str) -> BackendError:
    """The error for what was still running when the model was closed."""
    return BackendError(f"`{model}` was stopped or closed before it had an answer", model=model)


def refused(model: str, reason: str, *, retryable: bool = False) -> BackendError:
    """The error for a request that llama.cpp did not take."""
    return BackendError(
        f"`{model}` refused the request: {reason}", model=model, retryable=retryable
    )


def failure(model: str, error: dict[str, Any]) -> BackendError:
    """The error that a reply of llama.cpp stands for."""
    if error.get("type") == "exceed_context_size_error":
        return overflow(model, int(error["n_prompt_tokens"]), int(error["n_ctx"]))
    server_fault = int(error.get("code", 500)) >= 500
    return refused(model, str(error.get("message", error)), retryable=server_fault)


def overflow(model: str, tokens: int, limit: int) -> ContextOverflow:
    """The error for a prompt that does not fit."""
    return ContextOverflow(
        f"the prompt of {tokens} tokens does not fit the {limit} that one generation of "
        f"`{model}` has; shorten it, or raise `context` in its model block",
        model=model,
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
