"""Texts of strangers as HTML: nothing in them becomes markup, or drives what shows it."""

from __future__ import annotations

from html import escape

SHOWN = 60
"""Characters of a text where it stands in a line with others."""


def text(value: str) -> str:
    """Escaped for text and attributes, without control and direction characters.

    >>> text('<b onclick="x">\\x1b[31m\\u202ea')
    '&lt;b onclick=&quot;x&quot;&gt;[31ma'
    """
    return escape("".join(char for char in value if char in "\n\t" or char.isprintable()))


def line(value: str, most: int = SHOWN) -> str:
    """The beginning of a text on one line, escaped.

    >>> line("a\\nb" + "c" * 100, 5)
    'a bc…'
    """
    whole = " ".join(value.split())
    return text(whole if len(whole) <= most else whole[: most - 1] + "…")


def classes(*names: str) -> str:
    """An attribute with these classes; of names that are none (as in a made-up file), nothing.

    >>> classes("node", "ok", "x\\" onload=")
    ' class="node ok"'
    """
    safe = [name for name in names if name.isidentifier() and name.isascii()]
    return f' class="{" ".join(safe)}"' if safe else ""
