"""One text from the engine in this process: its parameters, and its outputs put together."""

from __future__ import annotations

from typing import Any, Final

from graphdsl.errors import BackendError
from graphdsl.executors.abc import Completion, Sampling
from graphdsl.executors.openai_reply import stats
from graphdsl.executors.vllm_library import Vllm
from graphdsl.values import Finish, Usage

_SEEDS: Final = 2**31
"""As over HTTP, so that both ways give the same texts."""

_LOWEST: Final = -1e9
"""Stands for minus infinity."""


def sampling_params(vllm: Vllm, request: Sampling, defaults: dict[str, Any]) -> Any:
    """vLLM's parameters; what the request leaves open is the model's own default.

    Raises vLLM's own client error for a value that it does not take.
    """
    named: dict[str, Any] = defaults | {
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stop": [text for text in request.stop if text],
        "logprobs": 0 if request.logprobs else None,  # those of the chosen tokens alone
        "output_kind": _output_kind(vllm, request),
    }
    if request.seed is not None:
        named["seed"] = request.seed % _SEEDS
    if request.top_p is not None:
        named["top_p"] = request.top_p
    if request.schema is not None:
        named["structured_outputs"] = vllm.StructuredOutputsParams(json=dict(request.schema))
    return vllm.SamplingParams(**named)


def _output_kind(vllm: Vllm, request: Sampling) -> Any:
    """Nobody is woken for each token, unless somebody listens or counts."""
    watched = request.listener is not None or request.meter is not None
    return vllm.OutputKind.DELTA if watched else vllm.OutputKind.FINAL_ONLY


def floor(value: float) -> float:
    """A log-probability that is a finite number."""
    return min(max(float(value), _LOWEST), 0.0)


class EngineReply:
    """Collects the outputs of one request."""

    def __init__(self, request: Sampling, model: str) -> None:
        self._request = request
        self._model = model
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._written = 0
        self._read = 0
        self._cached = 0
        self._end: Any = None

    def take(self, output: Any) -> None:
        """One output: the whole text, or the next piece of it."""
        (piece,) = output.outputs
        self._read = len(output.prompt_token_ids)
        self._cached = output.num_cached_tokens or 0
        self._written += len(piece.token_ids)
        if piece.logprobs is not None:
            self._logprobs += [
                floor(place[token].logprob)
                for place, token in zip(piece.logprobs, piece.token_ids, strict=True)
            ]
        if piece.text:
            self._texts.append(piece.text)
            if self._request.listener is not None:
                self._request.listener(piece.text)
        if piece.finish_reason is not None:
            self._end = piece
        self._count()

    def completion(self) -> Completion:
        """The whole text. Raises `BackendError` where the engine gave up on it."""
        if self._end is None or self._end.finish_reason not in ("stop", "length"):
            why = "nothing" if self._end is None else self._end.finish_reason
            raise BackendError(
                f"the engine of `{self._model}` gave up on a reply: {why}",
                model=self._model,
                retryable=True,
                uncertain=True,
            )
        asked = self._request.logprobs
        return Completion(
            "".join(self._texts),
            self._finish(),
            Usage(1, self._read, min(self._cached, self._read), self._written),
            stats(self._logprobs) if asked else None,
        )

    def _finish(self) -> Finish:
        if self._end.finish_reason == "length":
            return Finish.LENGTH
        return Finish.STOP_SEQ if isinstance(self._end.stop_reason, str) else Finish.STOP

    def _count(self) -> None:
        meter = self._request.meter
        if meter is not None:
            meter.prompt_tokens = self._read
            meter.completion_tokens = self._written
