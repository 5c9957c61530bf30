"""Keys and passwords in the text of a program: what nobody should read in a message.

A program is no place for them, so the checker refuses those that it recognises. Until they are
gone, whatever shows lines of the program or quotes them shows asterisks in their place.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

KEY: Final = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|gsk_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{30,}|nvapi-[A-Za-z0-9_-]{30,}"
    r"|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|xox[abp]-[0-9A-Za-z-]{20,})"
)
"""Keys of well-known services, by the way they begin."""

_SECRET_WORD: Final = r"(?:key|token|secret|password|passwd|sig|signature|credentials?)"

SECRET_PARAMETER: Final = re.compile(rf"(?:.*[-_.])?(?:api)?{_SECRET_WORD}", re.IGNORECASE)
"""Names of parameters of an address whose values are keys."""

_PLACES: Final = (
    KEY,
    re.compile(
        r"\bapi_?ke?y\s*(?:[:=]\s*(?!env\b)|(?=[\"']))"
        r"(\"\"\"[\s\S]*?(?:\"\"\"|\Z)|\"[^\"\n]*|'[^'\n]*|[^\s\"'{}]+)",
        re.IGNORECASE,
    ),
    re.compile(r"\benv\(\s*\"(?!\$?\{?[A-Za-z_][A-Za-z0-9_]*\}?\")([^\"\n]*)"),
    re.compile(r"://([^\s/@\"'`]+)@"),
    re.compile(rf"[?&][^\s=?&\"'`]*{_SECRET_WORD}=([^\s&\"'`]+)", re.IGNORECASE),
)
"""Where such texts stand: the first group of a match, else the whole match."""

_ADDRESS: Final = re.compile(r"\bbase_url\b[^\n]*")
_QUERY: Final = re.compile(r"\?(?!api-version=[\w.-]*[\"'])([^\s\"'`]+)")
"""What follows the path of an address that is called may be a key whatever its name."""

_VISIBLE: Final = frozenset("\"'\n")


def looks_like_key(text: str) -> bool:
    """True when the text has the form of a known service's key.

    >>> looks_like_key("sk-" + "0" * 40), looks_like_key("MY_KEY")
    (True, False)
    """
    return KEY.search(text) is not None


def hidden(text: str) -> str:
    """The text with asterisks for what may be a key or a password; its length stays the same.

    >>> hidden('api_key = "abc"  base_url = "http://me:pw@host/v1"')
    'api_key = "***"  base_url = "http://*****@host/v1"'
    """
    for place in _PLACES:
        text = place.sub(_masked, text)
    return _ADDRESS.sub(lambda line: _QUERY.sub(_masked, line[0]), text)


@lru_cache(maxsize=8)
def hidden_lines(text: str) -> str:
    """`hidden` of the text of a file, of which lines are shown again and again."""
    return hidden(text)


def _masked(match: re.Match[str]) -> str:
    group = 1 if match.re.groups else 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    whole, secret = match[0], match[group]
    mask = "".join(char if char in _VISIBLE else "*" for char in secret)
    return whole[:start] + mask + whole[end:]
