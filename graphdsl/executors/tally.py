"""A usage that grows, for sums over many calls."""

from __future__ import annotations

from typing import Final

from graphdsl.values import Usage

_NOTHING: Final = Usage()


class Tally:
    """Adds up usages in place; `usage` is the sum. Same meaning as `Usage.__add__`, less work."""

    __slots__ = ("cached", "calls", "completion", "cost", "flops", "prompt", "unknown")

    def __init__(self) -> None:
        self.calls = 0
        self.prompt = 0
        self.cached = 0
        self.completion = 0
        self.unknown = 0
        self.cost: int | None = 0
        self.flops = 0

    def add(self, usage: Usage) -> None:
        """Count one more."""
        self.calls += usage.calls
        self.prompt += usage.prompt_tokens
        self.cached += usage.cached_tokens
        self.completion += usage.completion_tokens
        self.unknown += usage.unknown
        self.flops += usage.flops
        if usage.cost is None:
            self.cost = None
        elif self.cost is not None:
            self.cost += usage.cost

    @property
    def usage(self) -> Usage:
        """The sum so far."""
        if not (self.calls or self.prompt or self.completion) and self.cost == 0:
            return _NOTHING
        return Usage(
            self.calls,
            self.prompt,
            self.cached,
            self.completion,
            self.unknown,
            self.cost,
            self.flops,
        )


def without(whole: Usage, part: Usage) -> Usage:
    """What is left of a usage without a part of it; its cost is unknown where one of theirs is."""
    unpriced = whole.cost is None or part.cost is None
    return Usage(
        whole.calls - part.calls,
        whole.prompt_tokens - part.prompt_tokens,
        whole.cached_tokens - part.cached_tokens,
        whole.completion_tokens - part.completion_tokens,
        whole.unknown - part.unknown,
        None if unpriced else (whole.cost or 0) - (part.cost or 0),
        whole.flops - part.flops,
    )
