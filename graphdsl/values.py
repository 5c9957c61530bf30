"""Values that travel along the edges of a running graph.

Everything here is immutable and plain: no backend, no graph, no I/O. A failed sample is a
`Draft` whose `finish` says so; nothing in a graph raises because a model failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Finish(StrEnum):
    """Why a generation ended. Only `STOP` and `STOP_SEQ` are complete."""

    STOP = "stop"
    STOP_SEQ = "stop_seq"
    LENGTH = "length"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def complete(self) -> bool:
        """True when the model ended by itself or at a stop string."""
        return self in (Finish.STOP, Finish.STOP_SEQ)


PICO: Final = 10**12
"""Parts of a dollar in which money is counted: whole numbers add up without rounding."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was spent: counts of calls and tokens, and what they cost. Adds up; `Usage()` is zero.

    `cached_tokens` are those of `prompt_tokens` that the engine had computed before. `unknown`
    counts the calls, among `calls`, whose end nobody saw (a timeout, a lost connection): they may
    have been charged, and stand here with their worst case. `cost` is in 1e-12 USD, and None
    where a model without a price was called. `flops` are floating-point operations, for models
    whose block says how many a token takes.
    """

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    unknown: int = 0
    cost: int | None = 0
    flops: int = 0

    @property
    def usd(self) -> float | None:
        """The cost in US dollars; None where a model without a price was called."""
        return None if self.cost is None else self.cost / PICO

    def __add__(self, other: Usage) -> Usage:
        unpriced = self.cost is None or other.cost is None
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.unknown + other.unknown,
            None if unpriced else (self.cost or 0) + (other.cost or 0),
            self.flops + other.flops,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible, with `usd` instead of `cost`."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "unknown": self.unknown,
            "usd": self.usd,
            "flops": self.flops,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat: `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Messages:
    """A rendered prompt: the turns of a chat, in order."""

    turns: tuple[Message, ...]

    @staticmethod
    def user(text: str) -> Messages:
        """A prompt of one user turn."""
        return Messages((Message("user", text),))

    @property
    def text(self) -> str:
        """The turns as plain text, for people and for operators that read text."""
        return "\n\n".join(turn.content for turn in self.turns)


@dataclass(frozen=True, slots=True)
class LogprobStats:
    """Natural-log token probabilities of one generation, before temperature."""

    tokens: int
    total: float
    minimum: float

    @property
    def mean(self) -> float:
        """Mean log-probability per token (0 for an empty generation)."""
        return self.total / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer; `confidence` in [0, 1] when measured, `tie` marks a tie that was broken.

    `error` says why there is none, where the draft that it was made of does.
    """

    text: str
    confidence: float | None = None
    tie: bool = False
    error: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Draft:
    """One candidate: a text with all that is known about it.

    `answer` is the extracted answer or None when there is none. `score` is whatever the last
    scorer gave (higher is better), `confidence` is in [0, 1]. `sample` is the index within its
    node, `seed` the sampling seed that was sent, `temperature` the one it was drawn with, `prompt`
    what it answers.
    """

    text: str
    answer: str | None = None
    score: float | None = None
    confidence: float | None = None
    finish: Finish = Finish.STOP
    usage: Usage = Usage()
    model: str = ""
    sample: int = 0
    seed: int | None = None
    logprobs: LogprobStats | None = None
    error: str | None = None
    tie: bool = False
    prompt: Messages | None = field(default=None, repr=False)
    temperature: float | None = None

    @property
    def complete(self) -> bool:
        """True when the draft may vote, win, or be fused (rule G1)."""
        return self.finish.complete


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verifier's judgement of one draft; `answer` is the answer of the judged draft."""

    passed: bool
    reason: str = ""
    score: float | None = None
    answer: Answer = Answer("")
    finish: Finish = Finish.STOP


@dataclass(frozen=True, slots=True)
class Doc:
    """One entry that a memory returned, with its relevance score (higher is better)."""

    id: str
    text: str
    score: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])


Value = Any
"""`str`, `float`, `int`, `bool`, one of the classes above, a tuple of values (`List[T]`,
`Docs` is a tuple of `Doc`), a dict by name (record), or None (an absent optional)."""


def as_text(value: Value) -> str:
    """The text form of any value, as prompts and text parameters see it.

    Lists become one item per paragraph, in order; None becomes the empty text; whole numbers
    lose their `.0`.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case Draft() | Answer() | Doc() | Messages():
            return value.text
        case Verdict():
            return value.reason
        case tuple() | list():
            items: tuple[Value, ...] = tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return "\n\n".join(text for item in items if (text := as_text(item)))
        case dict():
            fields: dict[str, Value] = dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            return "\n".join(f"{key}: {as_text(item)}" for key, item in fields.items())
        case _:
            return str(value)
