"""What to write in a model block when an endpoint refuses a setting, by the words of its refusal.

Reasoning models take no temperature but 1 and tell no log-probabilities; gateways and older
servers lack others. The names are those that travel, see `openai_wire`.
"""

from __future__ import annotations

import re
from typing import Final

_LACKS: Final = {
    "logprobs": ("logprobs", "label_scores"),
    "top_logprobs": ("label_scores",),
    "seed": ("seeds",),
    "stop": ("stop_strings",),
    "response_format": ("structured",),
}
"""What a model lacks that does not take a setting; labels are scored by log-probabilities."""

_LIMITS: Final = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""The other name of the limit of a reply."""

_LEFT_OUT: Final = ("top_p", "reasoning_effort")
"""Sent only where somebody has written them."""

_NAMES: Final = ("temperature", *_LEFT_OUT, *_LIMITS, *_LACKS)
_WORDS: Final = frozenset({"seed", "stop", "temperature"})
"""Names that are words as well: they count where they are quoted or have a value."""

_UNKNOWN: Final = re.compile(
    r"unsupported|not support(?:ed)?\b|n't support|unrecogni[sz]ed|unknown|unexpected|extra|"
    r"not (?:permitted|allowed)",
    re.IGNORECASE,
)
_ALTERNATIVES: Final = re.compile(
    r"supported (?:parameters|params|values) are|\bunless\b|[.;] (?:try|use|set)\b", re.IGNORECASE
)
"""What follows is what would be taken."""

_DROP: Final = re.compile(
    r"\s*(?:To drop\b[^.]*\bset\s+`?litellm\.drop_params|Set drop_params).*", re.DOTALL
)


def advice(text: str, named: str | None = None, *, limits: bool = True) -> str:
    """What to change, as the end of a sentence; empty where the text names no setting.

    `named` is the one that the endpoint blames by itself. `limits` says that the block may choose
    what the limit of a reply is called.

    >>> advice("Unsupported value: 'temperature' does not support 0.7 with this model.")
    'write `temperature = 1` in its model block'
    """
    text = _ALTERNATIVES.split(text, maxsplit=1)[0]
    found = [name for name in _NAMES if (named == name if named else _mentions(text, name))]
    entries = ["temperature = 1"] if "temperature" in found else []
    if limits and _UNKNOWN.search(text) and (limit := _first(text, found)) is not None:
        entries.append(f"limit_name = {_LIMITS[limit]}")
    if lacking := _lacking(text, found):
        listed = ", ".join(f'"{capability}"' for capability in lacking)
        entries.append(f"lacks = [{listed}]")
    parts = [f"write `{'  '.join(entries)}` in its model block"] if entries else []
    parts += [f"take `{name}` out of its model block" for name in _LEFT_OUT if name in found]
    return ", and ".join(parts)


def without_drop_advice(text: str) -> str:
    """What litellm says about settings, less its advice on a switch that nobody has here."""
    return _DROP.sub("", text)


def _mentions(text: str, name: str) -> bool:
    if name in _WORDS:
        return re.search(rf"['\"`]{name}['\"`]|\b{name}\s?=|`{name}\b", text) is not None
    return re.search(rf"\b{name}\b", text) is not None


def _first(text: str, found: list[str]) -> str | None:
    """The name of the limit that is refused; the other may be mentioned after it."""
    return min((name for name in found if name in _LIMITS), key=text.find, default=None)


def _lacking(text: str, found: list[str]) -> tuple[str, ...]:
    bad_schema = "invalid schema" in text.lower()  # it takes schemas, but not this one
    names = [name for name in found if name != "response_format" or not bad_schema]
    return tuple(dict.fromkeys(one for name in names for one in _LACKS.get(name, ())))
