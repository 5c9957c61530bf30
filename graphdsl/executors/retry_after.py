"""How long an endpoint asks its callers to wait, read from the headers of a refusal."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE_SPAN: Final = re.compile(rf"(?:{_SPAN.pattern})+")

_EPOCH: Final = 1e9
_EPOCH_MS: Final = 1e12
"""From here on a number is a moment, in seconds or milliseconds, and not a duration."""

_DAY: Final = 86_400.0
"""Nobody waits longer for one call; a header that says more is taken at this."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait; None when the headers do not say, or say nonsense.

    `retry-after-ms` wins over `Retry-After` (seconds or an HTTP date), which wins over
    `x-ratelimit-reset-*` (`6m0s`, seconds or a moment) of the limits that are used up. The names
    in `headers` are looked up as written here, so the mapping should ignore case.

    >>> retry_after({"Retry-After": "1.5"}), retry_after({"x-ratelimit-reset-requests": "1m2s"})
    (1.5, 62.0)
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _sane(milliseconds / 1000.0)
    told = headers.get("Retry-After")
    if told is not None:
        seconds = _number(told)
        return _sane(_until(told, headers.get("Date")) if seconds is None else seconds)
    return _reset(headers)


def _reset(headers: Mapping[str, str]) -> float | None:
    """The longest of the limits that have nothing left."""
    waits: list[float] = []
    for kind in ("-requests", "-tokens", ""):
        left = _number(headers.get(f"x-ratelimit-remaining{kind}"))
        wait = _span(headers.get(f"x-ratelimit-reset{kind}"))
        if wait is not None and not left:
            waits.append(wait)
    return max(waits, default=None)


def _span(text: str | None) -> float | None:
    if text is None:
        return None
    if _WHOLE_SPAN.fullmatch(text.strip()):
        return _sane(sum(float(value) * _UNITS[unit] for value, unit in _SPAN.findall(text)))
    number = _number(text)
    if number is None or number < _EPOCH:
        return _sane(number)
    return _sane((number / 1000.0 if number >= _EPOCH_MS else number) - time.time())


def _until(text: str, now: str | None) -> float | None:
    """Seconds from the server's own clock, where it says what that shows, to an HTTP date."""
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    try:
        start = parsedate_to_datetime(now).timestamp() if now else time.time()
    except ValueError:
        start = time.time()
    return moment - start


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _sane(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), _DAY)
