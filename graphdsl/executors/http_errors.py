"""What went wrong with an HTTP call, as one of our errors: classes, wordings, secrets removed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    ContentFiltered,
    ContextOverflow,
    ModelNotFound,
    Overloaded,
    RateLimited,
)
from graphdsl.executors.context_wording import overflow_numbers
from graphdsl.executors.http_page import page_words
from graphdsl.executors.json_shape import object_of
from graphdsl.executors.refused_settings import advice
from graphdsl.executors.retry_after import retry_after
from graphdsl.executors.secret import Secret

_EXCERPT: Final = 300
"""Characters of what a server says that a message repeats."""

_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

_LIBRARY_PLACE: Final = re.compile(r"\s*\(_ssl\.c:\d+\)")
"""Where in OpenSSL's binding an error came up, which tells nobody anything."""

_STATUS_OF: Final = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "notfounderror": 404,
    "timeout": 504,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "ratelimiterror": 429,
    "overloaded_error": 529,
    "engine_overloaded": 503,
    "service_unavailable": 503,
    "serviceunavailableerror": 503,
    "invalid_request_error": 400,
    "badrequesterror": 400,
}
"""What the words in an error object mean, where the HTTP status does not say it."""

_FILTERED: Final = frozenset({"content_filter", "content_policy_violation", "moderation"})
_OVERFLOWED: Final = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_UNPAID: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_TOO_LONG: Final = frozenset({400, 413, 422})
_MALFORMED: Final = frozenset({400, 422})
_LATER: Final = frozenset({408, 425, 500, 502, 504})
_NO_ROOM: Final = frozenset({503, 529})
_GIVEN_UP: Final = frozenset({408, 504, 524})
"""Somebody on the way had enough of waiting; the model may have worked on it all the same."""


class RouteMissing(ModelNotFound):
    """The server does not have this address at all; it may have others."""


@dataclass(frozen=True, slots=True)
class Site:
    """Who called whom: what every message names, and what none may show.

    `model` is the declared name, `sent` what the server calls it, `host` is `host:port`,
    `key_name` the environment variable of the key. `names_limit`: the model block may say what
    the server calls the limit of a reply.
    """

    model: str
    sent: str
    host: str
    key_name: str | None = None
    secrets: tuple[Secret, ...] = ()
    names_limit: bool = True

    @property
    def who(self) -> str:
        """How messages begin."""
        return f"`{self.model}` at `{self.host}`"

    def clean(self, text: str) -> str:
        """A server's words on one line, short, without secrets and control characters.

        They stand within a sentence, so that they do not end with a stop of their own.
        """
        for secret in self.secrets:
            text = secret.redact(text)
        line = _UNPRINTABLE.sub(" ", _LIBRARY_PLACE.sub("", text)).strip().rstrip(".;, ")
        return line if len(line) <= _EXCERPT else line[:_EXCERPT] + "…"


@dataclass(frozen=True, slots=True)
class Report:
    """What a server said about a failure: a text, words for its kind, and a status of its own."""

    text: str = ""
    kinds: frozenset[str] = frozenset()
    status: int | None = None
    details: Mapping[str, Any] | None = None

    @property
    def likely_status(self) -> int:
        """The HTTP status that this stands for; 500 where nothing tells."""
        if self.status is not None:
            return self.status
        return next((_STATUS_OF[kind] for kind in self.kinds if kind in _STATUS_OF), 500)


def refusal(site: Site, status: int, headers: Mapping[str, str], body: bytes) -> BackendError:
    """The error for a reply whose HTTP status is no success."""
    return _classified(site, status, headers, read_report(body))


def reported(site: Site, found: object, headers: Mapping[str, str] | None = None) -> BackendError:
    """The error for an error object that came under status 200, or within a stream."""
    report = _report_of(found)
    return _classified(site, report.likely_status, headers or {}, report)


def read_report(body: bytes) -> Report:
    """What the body of a refusal says, whether it is JSON or a page for people."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return Report(page_words(body[:65_536].decode("utf-8", "replace"))[:4096])
    fields = object_of(found)
    if fields is None:
        return Report(str(found)[:4096])
    inner = fields.get("error")
    return _report_of(fields if inner is None or inner == "" else inner)


def _report_of(found: object) -> Report:
    fields = object_of(found)
    if fields is None:
        return Report(str(found)[:4096])
    text = next((fields[name] for name in ("message", "detail", "error") if fields.get(name)), "")
    words = (fields.get("type"), fields.get("code"), fields.get("error"))
    kinds = frozenset(word.lower() for word in words if isinstance(word, str))
    code = fields.get("code")
    number = int(code) if isinstance(code, int | str) and str(code).isdigit() else 0
    return Report(
        text if isinstance(text, str) else json.dumps(text)[:4096],
        kinds,
        number if 400 <= number <= 599 else None,
        fields,
    )


def _classified(
    site: Site, status: int, headers: Mapping[str, str], report: Report
) -> BackendError:
    said = site.clean(report.text)
    says = f": {said}" if said else ""
    if report.kinds & _FILTERED:
        return ContentFiltered(f"{site.who} refused the content{says}", model=site.model)
    if status in _TOO_LONG or report.kinds & _OVERFLOWED:
        overflow = _overflow(site, report, says)
        if overflow is not None:
            return overflow
    if status in (401, 402, 403) or report.kinds & _UNPAID:
        return AccessDenied(_denial(site, status, report) + says, model=site.model)
    if status in (404, 405):
        return _not_found(site, report, says)
    if status == 429:
        wait = retry_after(headers)
        return RateLimited(
            f"{site.who} takes no more calls for now (429){says}",
            model=site.model,
            retry_after=wait,
        )
    if status in _NO_ROOM:
        return Overloaded(
            f"{site.who} has no room for the call now ({status}){says}",
            model=site.model,
            retry_after=retry_after(headers),
        )
    return _other(site, status, says + _to_write(site, status, report))


def _to_write(site: Site, status: int, report: Report) -> str:
    """What to write in the block where a setting is refused."""
    if status not in _MALFORMED:
        return ""
    named = (report.details or {}).get("param")
    blamed = named.partition(".")[0] if isinstance(named, str) else None
    found = advice(report.text, blamed, limits=site.names_limit)
    return f"; {found}" if found else ""


def _other(site: Site, status: int, says: str) -> BackendError:
    if 300 <= status < 400:
        return BackendError(
            f"{site.who} sends the call elsewhere ({status}); write the address that it means "
            "as `base_url`",
            model=site.model,
        )
    later = status in _LATER or 520 <= status <= 526
    verb = "failed" if status >= 500 or status == 408 else "refused the request"
    return BackendError(
        f"{site.who} {verb} ({status}){says}",
        model=site.model,
        retryable=later,
        uncertain=status in _GIVEN_UP,
    )


def _overflow(site: Site, report: Report, says: str) -> ContextOverflow | None:
    numbers = overflow_numbers(report.text)
    if numbers is None and not report.kinds & _OVERFLOWED:
        return None
    prompt, limit = numbers or (0, 0)
    details = report.details or {}
    prompt = prompt or _whole(details.get("n_prompt_tokens"))
    limit = limit or _whole(details.get("n_ctx"))
    return ContextOverflow(
        f"the prompt and its reply do not fit the context of {site.who}{says}; shorten the "
        "prompt or lower `max_tokens`",
        model=site.model,
        prompt_tokens=prompt,
        limit=limit,
    )


def _denial(site: Site, status: int, report: Report) -> str:
    if status == 402 or report.kinds & _UNPAID:
        return f"{site.who} says that this account has no credit left ({status})"
    if site.key_name is None:
        return f'{site.who} wants a key ({status}); add `api_key = env("…")` to its model block'
    return f"{site.who} refused the key ({status}); put a valid one into `{site.key_name}`"


def _not_found(site: Site, report: Report, says: str) -> ModelNotFound:
    known = report.kinds - {"not found"}
    if known or "model" in report.text.lower():
        return ModelNotFound(
            f"{site.who} has no model `{site.sent}`{says}; `name` in the model block says which "
            "is asked for",
            model=site.model,
        )
    return RouteMissing(
        f"{site.who} does not know this address, or no model `{site.sent}`{says}; `base_url` "
        "should end where the server's own addresses begin, mostly with `/v1`",
        model=site.model,
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
