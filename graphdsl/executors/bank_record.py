"""One recorded reply: what was asked, what came back, what it cost. A bank is many of these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest, Completion, TextRequest
from graphdsl.values import Finish, LogprobStats, Usage

Request = ChatRequest | TextRequest

PARAMETERS: Final = ("kind", "temperature", "max_tokens", "top_p", "stop", "schema")
"""What a request is recorded with, beside its prompt, model, seed and sample."""

_SIZE: Final = 16
"""Bytes of a digest."""


class Replayed(Completion):
    """A completion that comes from a bank, so that it is not recorded once more."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reply with the request that it answers.

    `parameters` are those of `PARAMETERS` that the record has. `usage` has no cost, since giving
    the reply once more is free; `seconds` is what the call took. `asked` is the prompt itself,
    where it was kept: turns, or the text to be continued.
    """

    model: str
    text: str
    prompt: str | None = None
    item: str | None = None
    sample: int = 0
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    finish: Finish = Finish.STOP
    usage: Usage = Usage()  # noqa: RUF009 (immutable)
    logprobs: LogprobStats | None = None
    seconds: float = 0.0
    dataset: str | None = None
    asked: Any = None

    @property
    def place(self) -> str:
        """What it is looked up by: its prompt, else its item."""
        return item_place(self.item or "") if self.prompt is None else prompt_place(self.prompt)

    @property
    def identity(self) -> bytes:
        """The same for two records of one sample, which a bank holds once.

        Only one with log-probabilities may come beside one without.
        """
        settings, scored = sorted(self.parameters.items()), self.logprobs is not None
        parts = (self.place, self.item, self.model, settings, self.seed, self.sample, scored)
        return _digest(repr(parts))


def prompt_place(digest: str) -> str:
    """Where a bank keeps the replies to a prompt."""
    return f"prompt:{digest}"


def item_place(item: str) -> str:
    """Where a bank keeps the replies about an item whose prompt it does not know."""
    return f"item:{item}"


def is_item(place: str) -> bool:
    """Whether that is the place of an item."""
    return place.startswith(item_place(""))


def prompt_digest(request: Request) -> str:
    """A name for a rendered prompt that does not show it, in hexadecimal digits."""
    return _digest(json.dumps(_prompt(request))).hex()


def parameters_of(request: Request) -> dict[str, Any]:
    """What a request asks for, by `PARAMETERS`, as records have it."""
    schema = request.schema
    return {
        "kind": "chat" if isinstance(request, ChatRequest) else "complete",
        "temperature": float(request.temperature),
        "max_tokens": request.max_tokens,
        "top_p": None if request.top_p is None else float(request.top_p),
        "stop": request.stop,
        "schema": None if schema is None else _digest(json.dumps(schema, sort_keys=True)).hex(),
    }


def recorded(
    model: str, request: Request, completion: Completion, seconds: float, *, content: bool = False
) -> Recorded:
    """The record of a call that took so many seconds; with `content` it keeps the prompt."""
    return Recorded(
        model,
        completion.text,
        prompt_digest(request),
        request.item,
        request.sample,
        request.seed,
        parameters_of(request),
        completion.finish,
        replace(completion.usage, cost=0),
        completion.logprobs,
        seconds,
        asked=_prompt(request) if content else None,
    )


def _prompt(request: Request) -> Any:
    if isinstance(request, ChatRequest):
        turns = request.messages.turns
        return [{"role": turn.role, "content": turn.content} for turn in turns]
    return request.text


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
