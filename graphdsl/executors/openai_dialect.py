"""Where servers with the OpenAI interface differ from each other, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphdsl.executors.abc import Sampling


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server wants to be spoken to.

    `limit_name` is what it calls the limit of a reply. `stops` is how many stop strings it takes;
    where a request has more, all of them are applied here as well. `stream` reads every reply as
    it is written, not only where somebody listens. `continuous_usage`: a stream tells with each
    piece what has been spent so far (`continuous_usage_stats` of vLLM), so that every reply is
    streamed and every `Meter` is exact. `repeats_prefix`: the reply to a continued message may
    begin with that message, which is then taken off. `extra` gives further fields for the body of
    one call (`priority`, `cache_salt`, …); they win over the usual ones.
    """

    limit_name: str = "max_tokens"
    stops: int | None = 4
    stream: bool = False
    continuous_usage: bool = False
    repeats_prefix: bool = False
    reasoning_effort: str | None = None
    extra: Callable[[Sampling], Mapping[str, Any]] | None = None
