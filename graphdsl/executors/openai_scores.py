"""Scores read from replies: of labels, of whole texts, of relevance; and vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from graphdsl.errors import BackendError, BrokenReply
from graphdsl.executors.http_errors import Site
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_reply import Fields, logprob, stats, unreadable
from graphdsl.values import LogprobStats

ROUTES: Final = ("/score", "/rerank", "rerank")
"""Where servers keep their rerankers and reward models: vLLM's, then those of Jina and Cohere."""


def label_values(choice: Fields, labels: Sequence[str], site: Site) -> tuple[float, ...]:
    """How likely the reply begins with each label, among these labels.

    A label's share is that of the tokens which begin it and no other. One that is in none of the
    reported tokens gets what they leave over, and at most what the least of them has.

    Raises `BackendError` when two labels begin with the same token, `BrokenReply` when the server
    gave no log-probabilities.
    """
    tokens = _first_tokens(choice)
    if not tokens:
        raise BrokenReply(
            f"{site.who} reports no `top_logprobs`, without which labels cannot be scored",
            model=site.model,
        )
    masses = [0.0] * len(labels)
    shared: set[int] = set()
    for token, mass in tokens.items():
        begun = [at for at, label in enumerate(labels) if label.lstrip().startswith(token)]
        exact = [at for at in begun if labels[at].lstrip() == token]
        owners = exact or begun
        if len(owners) == 1:
            masses[owners[0]] += mass
            shared.update(at for at in begun if at not in owners)
        else:
            shared.update(begun)
    if lost := [at for at in sorted(shared) if not masses[at]]:
        raise _alike(labels[lost[0]], site)
    left = min(max(0.0, 1.0 - sum(tokens.values())), min(tokens.values()))
    found = [mass or left for mass in masses]
    total = sum(found)
    return tuple(value / total if total else 1.0 / len(found) for value in found)


def relevance_body(route: str, model: str, query: str, texts: Sequence[str]) -> dict[str, Any]:
    """The body for one of the `ROUTES`."""
    if route == "/score":
        return {"model": model, "text_1": query, "text_2": list(texts)}
    return {"model": model, "query": query, "documents": list(texts)}


def relevance_values(reply: Fields, count: int, site: Site) -> tuple[float, ...]:
    """The scores of either route, in the order of the texts. Raises `BrokenReply`."""
    found: dict[int, float] = {}
    for entry in map(object_of, list_of(reply.get("data")) or list_of(reply.get("results"))):
        at, value = (entry or {}).get("index"), _score(entry or {})
        if isinstance(at, int) and value is not None:
            found[at] = value
    if sorted(found) != list(range(count)):
        raise unreadable(site, f"does not score each of the {count} texts once")
    return tuple(found[at] for at in range(count))


def embedding_vectors(reply: Fields, count: int, site: Site) -> list[tuple[float, ...]]:
    """The vectors of `/v1/embeddings`, in the order of the texts. Raises `BrokenReply`."""
    found: dict[int, tuple[float, ...]] = {}
    for place, entry in enumerate(map(object_of, list_of(reply.get("data")))):
        numbers = list_of((entry or {}).get("embedding"))
        at = (entry or {}).get("index", place)
        if isinstance(at, int) and numbers and all(map(_is_number, numbers)):
            found[at] = tuple(map(float, numbers))
    if sorted(found) != list(range(count)) or len({len(one) for one in found.values()}) > 1:
        raise unreadable(site, f"does not have one vector for each of the {count} texts")
    return [found[at] for at in range(count)]


PromptTokens = list[tuple[str, float]]
"""The tokens of a prompt, by id, each with its log-probability; that of the first is 0."""


def prompt_tokens(reply: Fields, site: Site) -> PromptTokens:
    """`prompt_logprobs` of a vLLM server: one entry per position, none for the first.

    Raises `BrokenReply` where the server does not give them.
    """
    tokens: PromptTokens = []
    for place, entry in enumerate(map(object_of, list_of(reply.get("prompt_logprobs")))):
        if not entry:
            tokens.append(("", 0.0))
            continue
        key, details = next(iter(entry.items()))
        value = logprob((object_of(details) or {}).get("logprob"))
        if value is None:
            raise unreadable(site, f"has no log-probability for token {place} of the prompt")
        tokens.append((key, value))
    if not tokens:
        raise unreadable(site, "has no `prompt_logprobs`, which scores of texts need")
    return tokens


def text_stats(before: PromptTokens, after: PromptTokens) -> LogprobStats:
    """The log-probabilities of what `after` has beyond the common beginning with `before`."""
    common = 0
    for (one, _), (other, _) in zip(before, after, strict=False):
        if one != other:
            break
        common += 1
    return stats([value for _, value in after[common:]])


def _first_tokens(choice: Fields) -> dict[str, float]:
    """The probabilities of the likeliest first tokens, by their text without leading space."""
    places = list_of((object_of(choice.get("logprobs")) or {}).get("content"))
    first = object_of(places[0]) if places else None
    masses: dict[str, float] = {}
    for entry in map(object_of, list_of((first or {}).get("top_logprobs"))):
        token = (entry or {}).get("token")
        value = logprob((entry or {}).get("logprob"))
        if isinstance(token, str) and value is not None and (text := token.lstrip()):
            masses[text] = masses.get(text, 0.0) + math.exp(value)
    return masses


def _alike(label: str, site: Site) -> BackendError:
    return BackendError(
        f"the label `{site.clean(label)}` begins with the same token as another for {site.who}; "
        "choose labels that differ from their first letters on",
        model=site.model,
    )


def _score(entry: Fields) -> float | None:
    value = entry.get("score", entry.get("relevance_score"))
    return float(value) if _is_number(value) else None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)
