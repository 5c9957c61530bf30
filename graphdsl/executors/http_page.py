"""What a page for people says, where a server or a gateway answers with one."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

_EXCERPT: Final = 100
"""Characters of a page that are repeated."""

_LOOKED_AT: Final = 65_536
"""Characters of a page that are read."""

_PAGE: Final = re.compile(r"\s*<(?:[a-z!?])", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title\b[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_HIDDEN: Final = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>?")


def page_words(text: str) -> str:
    """The title of a page, else its first words without tags; other texts as they are.

    >>> page_words("<html><title>502 Bad Gateway</title><body>nginx</body></html>")
    '502 Bad Gateway'
    >>> page_words("<p>upstream &amp; <b>gone</b></p>"), page_words("a < b")
    ('upstream & gone', 'a < b')
    """
    if _PAGE.match(text) is None:
        return text
    page = _HIDDEN.sub(" ", text[:_LOOKED_AT])
    title = _TITLE.search(page)
    found = title[1] if title and title[1].strip() else page
    words = " ".join(unescape(_TAG.sub(" ", found)).split())
    return words if len(words) <= _EXCERPT else words[:_EXCERPT] + "…"
