"""Which recorded reply answers a request: the same prompt, model and parameters, and its sample.

A limit of tokens does not change what a model writes, only where it is cut off. So a reply that
ended by itself answers under any limit, and one that is longer than a request allows is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphdsl.executors.bank import Bank
from graphdsl.executors.bank_record import (
    Recorded,
    Replayed,
    Request,
    item_place,
    parameters_of,
    prompt_digest,
    prompt_place,
)
from graphdsl.values import Finish


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of a bank."""

    model: str
    prompt: str
    item: str | None
    parameters: Mapping[str, Any]
    seed: int | None
    sample: int
    logprobs: bool

    @staticmethod
    def of(request: Request, model: str) -> Wanted:
        """What a request to that model wants."""
        return Wanted(
            model,
            prompt_digest(request),
            request.item,
            parameters_of(request),
            request.seed,
            request.sample,
            request.logprobs,
        )

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the reply may have."""
        return self.parameters["max_tokens"]


def candidates(bank: Bank, wanted: Wanted) -> Sequence[Recorded]:
    """The replies to that prompt; without any, those about the item whose prompt is unknown."""
    found = bank.find(prompt_place(wanted.prompt), wanted.model)
    if found or wanted.item is None:
        return found
    return bank.find(item_place(wanted.item), wanted.model)


def fitting(found: Sequence[Recorded], wanted: Wanted) -> list[Recorded]:
    """Those whose parameters are the ones that are wanted, as far as they have any."""
    return [record for record in found if not differences(record, wanted)]


def differences(record: Recorded, wanted: Wanted) -> tuple[str, ...]:
    """The parameters in which a record is not what is wanted."""
    asked = record.parameters
    other = tuple(
        name for name in asked if name != "max_tokens" and asked[name] != wanted.parameters[name]
    )
    return other if _reaches(record, wanted.max_tokens) else (*other, "max_tokens")


def best(fits: Sequence[Recorded], wanted: Wanted) -> Recorded | None:
    """The one with the seed that is wanted, else the one with the index; never another sample."""
    same = [record for record in fits if wanted.seed is not None and record.seed == wanted.seed]
    same = same or [record for record in fits if record.sample == wanted.sample]
    return max(same, key=lambda record: _closeness(record, wanted), default=None)


def completion(record: Recorded, wanted: Wanted) -> Replayed:
    """The reply, cut off where the request allows no more.

    Where the text is cut is a guess, since nobody recorded which token ends where.
    """
    usage, limit = record.usage, wanted.max_tokens
    stats = record.logprobs if wanted.logprobs else None
    whole = usage.completion_tokens
    if limit is None or whole <= limit or record.parameters.get("max_tokens") == limit:
        return Replayed(record.text, record.finish, usage, stats)
    text = record.text[: len(record.text) * limit // whole]
    return Replayed(text, Finish.LENGTH, replace(usage, completion_tokens=limit))


def _reaches(record: Recorded, limit: int | None) -> bool:
    """True when the record holds all that the model would have written under that limit."""
    if "max_tokens" not in record.parameters or record.parameters["max_tokens"] == limit:
        return True
    return record.finish.complete or (limit is not None and record.usage.completion_tokens >= limit)


def _closeness(record: Recorded, wanted: Wanted) -> tuple[bool, ...]:
    """Prompts may be the same for several items, and a sample recorded under several limits, and
    once with log-probabilities and once without."""
    limit = record.parameters.get("max_tokens", wanted.max_tokens)
    return (
        record.item == wanted.item,
        record.sample == wanted.sample,
        limit == wanted.max_tokens,
        record.logprobs is not None or not wanted.logprobs,
    )
