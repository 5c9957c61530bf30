"""What a simulated model does: the options of its block, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from graphdsl.executors.splitmix import Draws
from graphdsl.executors.sums import solve
from graphdsl.values import LogprobStats, Message

TOKEN: Final = 4
"""Characters per simulated token."""

_WRONG_TEXTS: Final = 5
_SURE: Final = 0.1
_UNSURE: Final = 0.6
"""Mean negative log-probability of a token of a right text, and of a wrong one."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The options of a simulated `model` block; see `graphdsl.ir.backends` for their meaning."""

    seed: int = 0
    accuracy: float = 0.6
    answer: str | None = None
    wrong: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()
    latency: float = 0.0
    latency_spread: float = 0.0
    tokens: int = 24
    failures: float = 0.0
    truncations: float = 0.0
    slots: int = 1024
    context: int = 8192
    lacks: tuple[str, ...] = ()
    cache: str = "none"
    cache_block: int = 16
    cache_tokens: int = 100_000
    prefill: float = 0.0
    decode: float = 0.0

    @property
    def engine(self) -> bool:
        """Whether what it remembers, or how fast it reads and writes, matters."""
        return self.cache != "none" or bool(self.prefill or self.decode)

    @staticmethod
    def of(options: dict[str, Any]) -> Behaviour:
        """Take the options that belong to a simulation and leave the sampling defaults."""
        known = {name: options[name] for name in Behaviour.__slots__ if name in options}
        for name in ("wrong", "replies", "lacks"):
            known[name] = tuple(known.get(name, ()))
        return Behaviour(**known)

    def seconds(self, draws: Draws) -> float:
        """How long one call takes."""
        spread = self.latency_spread
        factor = math.exp(spread * draws.normal() - spread * spread / 2) if spread else 1.0
        return self.latency * factor

    def truth(self, turns: Sequence[Message]) -> str:
        """The right answer to a prompt; a beginning of the reply is no part of the question."""
        if self.answer:
            return self.answer
        for turn in reversed(turns):
            if turn.role != "assistant":
                return solve(turn.content)
        return solve(turns[-1].content if turns else "")

    def mistake(self, truth: str, draws: Draws) -> str:
        """A wrong answer: one of `wrong`, or a number near a number."""
        if self.wrong:
            return self.wrong[draws.word() % len(self.wrong)]
        try:
            number = int(truth)
        except ValueError:
            return f"mistake {1 + draws.word() % _WRONG_TEXTS}"
        off = 1 + draws.word() % 9
        return str(number + off if draws.word() & 1 else number - off)


def key(seed: int, drawn: int | None, turns: Sequence[Message], *more: str) -> int:
    """What a call depends on, as a number: the model's seed, the call's, the prompt, and more."""
    parts = [f"{turn.role}\x1f{turn.content}" for turn in turns]
    parts += more
    data = f"{seed}\x1f{drawn}\x1e" + "\x1e".join(parts)
    digest = blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def tokens_of(text: str) -> int:
    """Simulated tokens of a text."""
    return -(-len(text) // TOKEN)


def logprobs(tokens: int, right: bool, draws: Draws) -> LogprobStats:
    """Made up: about -0.1 per token of a right text, -0.6 of a wrong one."""
    mean = (_SURE if right else _UNSURE) * (0.5 + draws.uniform())
    total = -mean * tokens
    return LogprobStats(tokens, total, max(-3.0 * mean, total))
