"""The name under which an answer is kept: a digest of all that could have made it another one.

Whatever a request has is part of it, unless it is listed here as something that alters no answer;
a field that is new is part of it until somebody has thought about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest, EmbedRequest, ScoreRequest, TextRequest
from graphdsl.values import Messages

Request = ChatRequest | TextRequest | ScoreRequest | EmbedRequest

SCHEMA: Final = 1
"""Counts up whenever the same request is to have another key."""

WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "item": "names the data item for recordings; models are not told",
    "key": "names the call in the logs of a server",
    "listener": "hears the text while it is written",
    "meter": "counts what is spent",
    "priority": "says who comes first",
}
"""Fields of requests that alter no answer, and why."""

DRAWN: Final = frozenset({"sample", "seed"})
"""Fields that say which of many answers to the same question it is."""


def cache_key(identity: str, request: Request, *, seeded: bool) -> str:
    """The key of an answer to a request by what `identity` names, in hexadecimal digits.

    Samples of one prompt differ by their seeds, which the engine derives from the run's seed, the
    place in the graph and the index: an `n = 9` node finds the answers of the same node with
    `n = 5`, while two nodes with equal prompts, or two rounds of a loop, draw each their own.
    `seeded` says whether the model is told the seed. Where it is not, its answers are samples of
    another kind, and are named by the index as well; without any seed by the index alone.
    """
    parts = [SCHEMA, type(request).__name__, identity, _settings(request), _draw(request, seeded)]
    return sha256(_text(parts).encode()).hexdigest()


def _settings(request: Request) -> list[tuple[str, Any]]:
    return [(name, _plain(getattr(request, name))) for name in _names(type(request))]


def _draw(request: Request, seeded: bool) -> list[Any]:
    if isinstance(request, ScoreRequest | EmbedRequest):
        return []
    if request.seed is None:
        return ["sample", request.sample]
    return ["seed", request.seed] if seeded else ["drawn", request.seed, request.sample]


@cache
def _names(kind: type[Request]) -> tuple[str, ...]:
    """The fields of a request that alter its answer, in a fixed order."""
    names = {field.name for field in fields(kind)} - set(WITHOUT_EFFECT) - DRAWN
    return tuple(sorted(names))


def _plain(value: Any) -> Any:
    """As JSON has it; 1 and 1.0 are one, and so are both zeros."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Messages):
        return [(turn.role, turn.content) for turn in value.turns]
    return value


def _text(parts: Any) -> str:
    """Without sorting: the order of the properties of a schema decides what is written first."""
    return json.dumps(parts, separators=(",", ":"))
