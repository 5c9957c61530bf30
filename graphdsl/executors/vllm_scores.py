"""Scores by token ids, as vLLM offers them: what to ask, and what the replies mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphdsl.executors.http_errors import Site
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_reply import Fields, first_choice, logprob, stats, unreadable
from graphdsl.values import LogprobStats

LABELS: Final = 128
"""Token ids whose log-probabilities one request may ask for (vLLM's `MAX_LOGPROB_TOKEN_IDS`)."""

_ID: Final = "token_id:"


def first_tokens(labels: Sequence[Sequence[int]]) -> list[int] | None:
    """The tokens of labels that are one token each, all different; None where they are not so."""
    if any(len(label) != 1 for label in labels) or len(labels) > LABELS:
        return None
    ids = [label[0] for label in labels]
    return ids if len(set(ids)) == len(ids) else None


def label_request(model: str, prompt: Sequence[int], ids: Sequence[int]) -> dict[str, Any]:
    """The body that asks how likely each of these tokens comes next; it reads the prefix cache."""
    return {
        "model": model,
        "prompt": list(prompt),
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": 1,
        "logprob_token_ids": list(ids),
        "return_tokens_as_token_ids": True,
    }


def label_logprobs(reply: Fields, ids: Sequence[int], site: Site) -> list[float]:
    """The log-probability of each token as the next one. Raises `BrokenReply`."""
    found = object_of(first_choice(reply, site).get("logprobs")) or {}
    places = list_of(found.get("top_logprobs"))
    first: Mapping[str, Any] = (object_of(places[0]) if places else None) or {}
    values = [logprob(first.get(f"{_ID}{token}")) for token in ids]
    known = [value for value in values if value is not None]
    if len(known) < len(ids):
        raise unreadable(site, "does not tell the log-probabilities of the labels")
    return known


def text_request(model: str, prompt: Sequence[int], text: Sequence[int]) -> dict[str, Any]:
    """The body that asks for the log-probabilities of a text after a prompt."""
    return {
        "model": model,
        "prompt": [*prompt, *text],
        "max_tokens": 1,
        "temperature": 0.0,
        "prompt_logprobs": 0,
    }


def text_stats(reply: Fields, text: Sequence[int], site: Site) -> LogprobStats:
    """The log-probabilities of the text at the end of the prompt. Raises `BrokenReply`."""
    places = list_of(first_choice(reply, site).get("prompt_logprobs"))
    tail = places[len(places) - len(text) :] if len(places) > len(text) else []
    values = [_of_token(place, token) for place, token in zip(tail, text, strict=False)]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(text):
        raise unreadable(site, "does not tell the log-probabilities of the text")
    return stats(known)


def reward_request(model: str, turns: Sequence[Mapping[str, str]], text: str) -> dict[str, Any]:
    """The body for `/pooling` that asks a reward model about a reply in its conversation."""
    return {"model": model, "messages": [*turns, {"role": "assistant", "content": text}]}


def reward_value(reply: Fields, site: Site) -> float:
    """The reward; that of the last token where each has one. Raises `BrokenReply`."""
    entries = list_of(reply.get("data"))
    found: object = (object_of(entries[0]) or {}).get("data") if entries else None
    while numbers := list_of(found):
        if len(numbers) > 1 and not list_of(numbers[-1]):
            raise unreadable(site, f"has {len(numbers)} values where a reward is one")
        found = numbers[-1]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise unreadable(site, "has no reward")
    return float(found)


def _of_token(place: object, token: int) -> float | None:
    return logprob((object_of((object_of(place) or {}).get(str(token))) or {}).get("logprob"))
