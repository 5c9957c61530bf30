"""A model of a model: replies drawn from distributions, the same for the same seeds.

It knows nothing but sums. One token is four characters. A reply depends on the spec's seed, the
request's seed and the messages; at temperature 0 the request's seed does not matter, as with any
greedy decoder. Nothing depends on the order of calls. What the options say it `lacks` it ignores.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from graphdsl.errors import BackendError, ContextOverflow
from graphdsl.executors.abc import Capabilities, ChatRequest, Completion, Meter
from graphdsl.ir.backends import declared_capabilities
from graphdsl.plan import ModelSpec
from graphdsl.values import Finish, LogprobStats, Messages, Usage

_TOKEN: Final = 4
"""Characters per simulated token."""

_TURN: Final = 4
"""Prompt tokens that each turn costs beside its text."""

_SUM: Final = re.compile(r"-?\d+(?:\s*[+-]\s*\d+)+")
_TERM: Final = re.compile(r"[+-]?\s*\d+")
_FILLER: Final = "I consider what is known and take one step after another. "
_WRONG_TEXTS: Final = 5
_WORD: Final = (1 << 64) - 1


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

    @staticmethod
    def of(options: dict[str, Any]) -> Behaviour:
        """Take the options that belong to a simulation and leave the sampling defaults."""
        known = {name: options[name] for name in Behaviour.__slots__ if name in options}
        for name in ("wrong", "replies", "lacks"):
            known[name] = tuple(known.get(name, ()))
        return Behaviour(**known)


class Draws:
    """A few uniform numbers from one key (splitmix64, Steele et al. 2014): cheap to begin."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key

    def word(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _WORD
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        return mixed ^ (mixed >> 31)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        return (self.word() >> 11) * 2.0**-53

    def normal(self) -> float:
        """A standard normal number (Box and Muller 1958)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())


class SimulatedBackend:
    """Answers from a `Behaviour` instead of a model.

    A failing call raises `BackendError`, not retryable: the same request would fail again. With
    `replies` the sample's index chooses the reply (modulo their number). Log-probabilities are
    made up: about -0.1 per token where the answer is right, -0.6 where it is not.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._name = spec.name
        self._does = Behaviour.of(dict(spec.options))
        self._room = asyncio.Semaphore(self._does.slots)
        self._closed = False
        able = declared_capabilities("simulated", spec.options)
        self._capabilities = Capabilities(
            max_in_flight=self._does.slots,
            seeds="seeds" in able,
            logprobs="logprobs" in able,
            stop_strings="stop_strings" in able,
            cancellation="cancellation" in able,
            prefix_continuation="prefix_continuation" in able,
            context_tokens=self._does.context,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything a local engine can do but what it `lacks`, with its slots and context."""
        return self._capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        """One simulated completion. Raises `ContextOverflow` and `BackendError`."""
        self._check_open()
        does = self._does
        request = _understood(request, self._capabilities)
        prompt = self._prompt_tokens(request.messages)
        draws = Draws(_key(does.seed, request))
        if does.latency:
            seconds = self._seconds(draws)
            async with self._room:
                start = time.monotonic()
                try:
                    await asyncio.sleep(seconds)
                except asyncio.CancelledError:
                    share = (time.monotonic() - start) / seconds
                    _measure(_complete(does, request, prompt, draws), request.meter, share)
                    raise
            self._check_open()
        if does.failures and draws.uniform() < does.failures:
            raise BackendError(
                f"`{self._name}` failed on purpose (failures = {does.failures})", model=self._name
            )
        return _complete(does, request, prompt, draws)

    async def aclose(self) -> None:
        """End the simulation; calls that still wait raise `BackendError`."""
        self._closed = True

    def _seconds(self, draws: Draws) -> float:
        """How long this call takes."""
        spread = self._does.latency_spread
        factor = math.exp(spread * draws.normal() - spread * spread / 2) if spread else 1.0
        return self._does.latency * factor

    def _prompt_tokens(self, messages: Messages) -> int:
        turns = messages.turns
        count = sum(len(turn.content) for turn in turns) // _TOKEN + _TURN * len(turns)
        if count >= self._does.context:
            raise ContextOverflow(
                f"the prompt of {count} tokens does not fit the {self._does.context} of "
                f"`{self._name}`; shorten it or raise `context`",
                model=self._name,
                prompt_tokens=count,
                limit=self._does.context,
            )
        return count

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError(f"`{self._name}` is closed", model=self._name)


def _measure(whole: Completion, meter: Meter | None, share: float) -> None:
    """Charge a call that was cut off: its prompt, and the share of its text that was written."""
    if meter is not None:
        meter.prompt_tokens = whole.usage.prompt_tokens
        meter.completion_tokens = int(min(share, 1.0) * whole.usage.completion_tokens)


def _understood(request: ChatRequest, able: Capabilities) -> ChatRequest:
    """The request without what this model knows nothing of.

    A model without seeds still gives samples that differ: chance is their index and temperature.
    """
    if not able.seeds:
        request = replace(request, seed=hash((request.sample, request.temperature)))
    if not able.stop_strings:
        request = replace(request, stop=())
    if not able.logprobs:
        request = replace(request, logprobs=False)
    return request


def _complete(does: Behaviour, request: ChatRequest, prompt: int, draws: Draws) -> Completion:
    room = does.context - prompt
    limit = room if request.max_tokens is None else min(request.max_tokens, room)
    text, right = _reply(does, request, limit, draws)
    text, finish = _end(text, request.stop, limit)
    tokens = -(-len(text) // _TOKEN)
    stats = _logprobs(tokens, right, draws) if request.logprobs else None
    return Completion(text, finish, Usage(1, prompt, 0, tokens), stats)


def _reply(does: Behaviour, request: ChatRequest, limit: int, draws: Draws) -> tuple[str, bool]:
    """The full text that the model would write, and whether its answer is right."""
    if does.replies:
        return does.replies[request.sample % len(does.replies)], True
    if does.truncations and draws.uniform() < does.truncations:
        return _thought(draws, limit * _TOKEN + 1), False
    right = draws.uniform() < does.accuracy
    truth = does.answer or solve(request.messages.turns[-1].content)
    line = f"\nAnswer: {truth if right else _mistake(does, truth, draws)}"
    length = does.tokens * _TOKEN * (0.5 + draws.uniform()) - len(line)
    return _thought(draws, int(length)) + line, right


def _thought(draws: Draws, length: int) -> str:
    """Filler that begins with a mark of its own, so that different seeds differ."""
    mark = f"Draft {draws.word() & 0xFFFFFF:06x}. "
    return (mark + _FILLER * (length // len(_FILLER) + 1))[: max(length, len(mark) - 1)]


def _end(text: str, stop: tuple[str, ...], limit: int) -> tuple[str, Finish]:
    """Cut at the first stop string, then at the token limit, whichever comes first."""
    ends = [at for mark in stop if mark and (at := text.find(mark)) >= 0]
    end = min(ends, default=len(text))
    if end > limit * _TOKEN:
        return text[: limit * _TOKEN], Finish.LENGTH
    return text[:end], Finish.STOP_SEQ if ends else Finish.STOP


def _mistake(does: Behaviour, truth: str, draws: Draws) -> str:
    if does.wrong:
        return does.wrong[draws.word() % len(does.wrong)]
    try:
        number = int(truth)
    except ValueError:
        return f"mistake {1 + draws.word() % _WRONG_TEXTS}"
    off = 1 + draws.word() % 9
    return str(number + off if draws.word() & 1 else number - off)


def _logprobs(tokens: int, right: bool, draws: Draws) -> LogprobStats:
    mean = (0.1 if right else 0.6) * (0.5 + draws.uniform())
    return LogprobStats(tokens, -mean * tokens, -3.0 * mean if tokens else 0.0)


def _key(seed: int, request: ChatRequest) -> int:
    drawn = request.seed if request.temperature else None
    turns = [f"{turn.role}\x1f{turn.content}" for turn in request.messages.turns]
    data = f"{seed}\x1f{drawn}\x1e" + "\x1e".join(turns)
    digest = blake2b(data.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


@lru_cache(maxsize=4096)
def solve(prompt: str) -> str:
    """The value of the last sum in the prompt ("7 + 6"), else a number that stands for an answer.

    >>> solve("What is 7 + 6 - 1?")
    '12'
    """
    sums = _SUM.findall(prompt)
    if not sums:
        digest = blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=2).digest()
        return str(int.from_bytes(digest, "little") % 100)
    terms = _TERM.findall(sums[-1])
    return str(sum(int("".join(term.split())) for term in terms))
