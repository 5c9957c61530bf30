"""How servers say that a prompt is too long, each in its own words."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"(\d[\d,_]{0,14})"

_WORDINGS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"maximum (?:input |context |model )?(?:context )?length",
        r"context (?:length|window|size) (?:exceeded|of|is|limit)",
        r"exceeds? the (?:model's |available |maximum )*(?:context|number of tokens)",
        r"exceed the configured limit of \S+ tokens",
        r"prompt is too long",
        r"input is too long",
        r"longer than the (?:maximum model length|model's context)",
        r"`inputs` (?:tokens \+ `max_new_tokens` )?must (?:be|have)",
        r"too large for model with",
        r"reduce the length of the (?:messages|prompt|input)",
        r"exceed\w* (?:the )?(?:max_model_len|context)",
    )
)
"""OpenAI, vLLM, llama.cpp, SGLang, TGI, Anthropic, Gemini and Mistral, as of 2026."""

_LIMITS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"maximum (?:context|model) length (?:is|of) {_NUMBER}",
        rf"context (?:length|window|size) (?:is|of|\() ?{_NUMBER}",
        rf"configured limit of {_NUMBER}",
        rf"> {_NUMBER} maximum",
        rf"must be <= {_NUMBER}",
        rf"model with {_NUMBER} maximum",
        rf"tokens allowed \(?{_NUMBER}",
    )
)

_PROMPTS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\(?{_NUMBER} in the (?:messages|prompt)",
        rf"messages resulted in {_NUMBER}",
        rf"prompt contains (?:at least )?{_NUMBER}",
        rf"request has {_NUMBER} input tokens",
        rf"{_NUMBER} tokens from the input",
        rf"prompt \(length {_NUMBER}",
        rf"too long: {_NUMBER}",
        rf"given: {_NUMBER}",
        rf"token count \(?{_NUMBER}",
        rf"request \({_NUMBER} tokens",
        rf"(?:requested|resulted in|has|of) (?:a total of )?{_NUMBER} (?:input )?tokens",
    )
)


def overflow_numbers(text: str) -> tuple[int, int] | None:
    """(prompt tokens, limit) where a text says that a context is too small, else None.

    A number that is not told is 0.

    >>> overflow_numbers("This model's maximum context length is 8 tokens. However, your "
    ...                  "messages resulted in 12 tokens.")
    (12, 8)
    >>> overflow_numbers("temperature is out of range") is None
    True
    """
    if not any(wording.search(text) for wording in _WORDINGS):
        return None
    return _first(_PROMPTS, text), _first(_LIMITS, text)


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> int:
    found = (match for pattern in patterns if (match := pattern.search(text)))
    match = next(found, None)
    return int(match[1].replace(",", "").replace("_", "")) if match else 0
