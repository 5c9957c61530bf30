"""What a vLLM engine says about itself, read from its Prometheus text.

Source: `/metrics` of vLLM 0.32; the names begin with `vllm:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"vllm:(\w+)(?:\{[^}]*\})? (\S+)")


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """Counts of an engine, or of several together.

    `prefix_queries` are the prompt tokens that were looked up in the prefix cache, and
    `prefix_hits` those that were found. `running` and `waiting` are requests now; the others have
    been counted since the engine began.
    """

    prefix_queries: int = 0
    prefix_hits: int = 0
    running: int = 0
    waiting: int = 0
    preemptions: int = 0
    prompt_tokens: int = 0
    generated_tokens: int = 0

    @property
    def hit_rate(self) -> float:
        """The share of looked-up prompt tokens that were cached; 0 where none was looked up."""
        return self.prefix_hits / self.prefix_queries if self.prefix_queries else 0.0


_NAMES: Final = {
    "prefix_cache_queries_total": "prefix_queries",
    "prefix_cache_hits_total": "prefix_hits",
    "num_requests_running": "running",
    "num_requests_waiting": "waiting",
    "num_preemptions_total": "preemptions",
    "prompt_tokens_total": "prompt_tokens",
    "generation_tokens_total": "generated_tokens",
}


def read_metrics(pages: Iterable[str]) -> EngineMetrics:
    """The sum over the engines of all pages; what a page does not have counts as 0.

    >>> read_metrics(['vllm:num_requests_running{engine="0"} 2.0'] * 2).running
    4
    """
    counts = dict.fromkeys(_NAMES.values(), 0)
    for page in pages:
        for name, value in _LINE.findall(page):
            if name in _NAMES:
                counts[_NAMES[name]] += _number(value)
    return EngineMetrics(**counts)


def _number(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):  # NaN and infinity stand for nothing that was counted
        return 0
