"""Replies of servers with the OpenAI interface, read with distrust.

A server may leave out usage, count in texts, send null or parts for content, or an error under
status 200. What cannot be a reply raises `BrokenReply`; what is merely missing is estimated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from graphdsl.errors import BackendError, BrokenReply, ContentFiltered
from graphdsl.executors.http_errors import Site, reported
from graphdsl.executors.json_shape import list_of, object_of
from graphdsl.executors.openai_wire import estimated_tokens
from graphdsl.values import Finish, LogprobStats, Usage

_LOWEST: Final = -1e9
"""Stands for minus infinity, which JSON cannot carry."""

_MOST: Final = 10**9
"""Tokens; no call has more, so a larger number is none."""

_LENGTH: Final = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_FAILED: Final = frozenset({"abort", "error", "insufficient_system_resource"})
_WHOLE: Final = frozenset({"stop", "stop_sequence", "end_turn", "eos", "eos_token", "complete"})
"""What several servers call the end that a model came to by itself."""

Fields = Mapping[str, Any]
"""A JSON object."""


def parsed(body: bytes | str, site: Site) -> dict[str, Any]:
    """The JSON object of a body. Raises `BrokenReply`, or what an error object in it says."""
    try:
        fields = object_of(json.loads(body))
    except (ValueError, RecursionError):
        raise unreadable(site, "is not JSON") from None
    if fields is None:
        raise unreadable(site, "is not a JSON object")
    if (error := fields.get("error")) or fields.get("object") == "error":
        raise reported(site, error or fields)
    return fields


def first_choice(reply: Fields, site: Site) -> Fields:
    """The one choice that was asked for. Raises `BrokenReply` when there is none."""
    choices = list_of(reply.get("choices"))
    first = object_of(choices[0]) if choices else None
    if first is None:
        raise unreadable(site, "has no `choices`")
    return first


def message_text(message: object, site: Site) -> str:
    """The text of a message or a piece of one; null is empty.

    Raises `ContentFiltered` where the model refused, `BrokenReply` where it is no text.
    """
    fields = object_of(message)
    if fields is None:
        raise unreadable(site, "has no message")
    content = fields.get("content")
    if isinstance(content, str):
        return content
    if isinstance(refused := fields.get("refusal"), str) and refused and not content:
        said = f"{site.who} refused: {site.clean(refused)}"
        raise ContentFiltered(said, model=site.model, uncertain=True)
    if content is None:
        return ""
    return "".join(_parts(content, site))


def plain_text(choice: Fields, site: Site) -> str:
    """The text of a choice of `/v1/completions`."""
    text = choice.get("text")
    if text is not None and not isinstance(text, str):
        raise unreadable(site, "has a text that is none")
    return text or ""


def whole(text: str) -> str:
    """A text that has bytes: halves of a character that were escaped apart come together."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def finish_of(choice: Fields, site: Site) -> Finish | None:
    """Why it ended; None where that is not told. Raises `BackendError` where it failed."""
    reason = choice.get("finish_reason")
    if reason == "stop":
        stopped = isinstance(choice.get("stop_reason"), str)
        return Finish.STOP_SEQ if stopped else Finish.STOP
    if not isinstance(reason, str):
        return None
    if reason in _LENGTH:
        return Finish.LENGTH
    if reason == "content_filter":
        said = f"{site.who} withheld its reply: content filter"
        raise ContentFiltered(said, model=site.model, uncertain=True)  # it has written one
    if reason in _FAILED:
        raise BackendError(
            f"{site.who} gave up on its reply: {site.clean(reason)}",
            model=site.model,
            retryable=True,
            uncertain=True,
        )
    return Finish.STOP_SEQ if reason == "stop_sequence" else Finish.STOP


def ends_known(choice: Fields) -> bool:
    """Whether a known word says why it ended. Others count as `stop`, but may be anything."""
    reason = choice.get("finish_reason")
    return isinstance(reason, str) and (reason in _LENGTH or reason.lower() in _WHOLE)


def token_logprobs(choice: Fields) -> list[float]:
    """The log-probabilities that a choice reports, of either route."""
    fields = object_of(choice.get("logprobs"))
    if fields is None:
        return []
    entries = map(object_of, list_of(fields.get("content")))
    found = [entry.get("logprob") for entry in entries if entry is not None]
    values = found or list_of(fields.get("token_logprobs"))
    return [value for raw in values if (value := logprob(raw)) is not None]


def logprob(value: object) -> float | None:
    """One log-probability, held within what it can be; None when it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return min(max(float(value), _LOWEST), 0.0)


def stats(logprobs: Sequence[float]) -> LogprobStats:
    """What a completion keeps of its tokens' log-probabilities."""
    return LogprobStats(len(logprobs), sum(logprobs), min(logprobs, default=0.0))


def usage_of(found: object, prompt: str, text: str) -> Usage:
    """What a reply says it took; what it does not say is estimated from the texts."""
    fields = object_of(found) or {}
    read, written = count(fields.get("prompt_tokens")), count(fields.get("completion_tokens"))
    details = object_of(fields.get("prompt_tokens_details")) or {}
    cached = count(details.get("cached_tokens"))
    read = estimated_tokens(prompt) if read is None else read
    written = estimated_tokens(text) if written is None else written
    return Usage(1, read, min(cached or 0, read), written)


def count(value: object) -> int | None:
    """A number of tokens, in whatever form it came; None when it cannot be one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST else None


def unreadable(site: Site, why: str) -> BrokenReply:
    """The error for a reply of the wrong form."""
    return BrokenReply(
        f"the reply of {site.who} {why}; is it a server with the OpenAI interface?",
        model=site.model,
    )


def _parts(content: object, site: Site) -> list[str]:
    """Content that came as a list of parts, of which the texts count."""
    parts = [object_of(part) for part in list_of(content)]
    if not parts or None in parts:
        raise unreadable(site, "has content that is no text")
    texts = [part.get("text") for part in parts if part and part.get("type") == "text"]
    return [text for text in texts if isinstance(text, str)]
