"""One completion from a reply that came in one piece."""

from __future__ import annotations

from graphdsl.errors import ContentFiltered
from graphdsl.executors.abc import Completion, Sampling
from graphdsl.executors.http_errors import Site
from graphdsl.executors.json_shape import object_of
from graphdsl.executors.openai_reply import (
    Fields,
    ends_known,
    finish_of,
    first_choice,
    message_text,
    plain_text,
    stats,
    token_logprobs,
    usage_of,
    whole,
)
from graphdsl.executors.openai_stream import PrefixFilter
from graphdsl.executors.stop_filter import StopFilter
from graphdsl.values import Finish


def completion_of(
    reply: Fields, request: Sampling, site: Site, prompt: str, stops: list[str], repeated: str
) -> Completion:
    """The completion in a reply. Raises `BackendError` when there is none.

    `prompt` is for estimates of what the server does not tell, `stops` are looked for here, and
    `repeated` is what the server may have put before the text.
    """
    try:
        return _read(reply, request, site, prompt, stops, repeated)
    except ContentFiltered as error:
        error.uncertain = not _told(reply, request)
        raise


def _told(reply: Fields, request: Sampling) -> bool:
    """Whether a reply that was withheld says what it took; the meter then has it."""
    if request.meter is None or not object_of(reply.get("usage")):
        return False
    usage = usage_of(reply["usage"], "", "")
    request.meter.prompt_tokens = usage.prompt_tokens
    request.meter.completion_tokens = usage.completion_tokens
    return True


def _read(
    reply: Fields, request: Sampling, site: Site, prompt: str, stops: list[str], repeated: str
) -> Completion:
    choice = first_choice(reply, site)
    finish, known = finish_of(choice, site), ends_known(choice)
    if "message" in choice:
        text = message_text(choice["message"], site)
    else:
        text = plain_text(choice, site)
    text = whole(text)
    usage = usage_of(reply.get("usage"), prompt, text)
    if repeated:
        text = _without(repeated, text)
    if stops:
        sieve = StopFilter(stops)
        kept = sieve.feed(text)
        finish, text = (Finish.STOP_SEQ, kept) if sieve.hit else (finish, text)
        known = known or sieve.hit
    if finish is None:
        full = request.max_tokens is not None and usage.completion_tokens >= request.max_tokens
        finish = Finish.LENGTH if full else Finish.STOP
    logprobs = token_logprobs(choice) if request.logprobs else None
    if request.listener is not None and text:
        request.listener(text)
    return Completion(text, finish, usage, stats(logprobs) if logprobs else None, known)


def _without(repeated: str, text: str) -> str:
    filtered = PrefixFilter(repeated)
    return filtered.feed(text) + filtered.rest()
