"""A usage that grows, for sums over many calls."""

from __future__ import annotations

from graphdsl.values import Usage


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
        return Usage(
            self.calls,
            self.prompt,
            self.cached,
            self.completion,
            self.unknown,
            self.cost,
            self.flops,
        )
