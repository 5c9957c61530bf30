"""Whether a partial text has come to its answer."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.extract import braced

_ANSWER: Final = re.compile(
    r"^[\s>*_#`-]*(?:final\s+)?answer[ \t*_]*:[\s*_`]*[^\s*_`]", re.IGNORECASE | re.MULTILINE
)
_NUMBER: Final = re.compile(r"^[ \t]*####[ \t]*[-+]?\$?\d[\d.,]*%?[ \t]*$", re.MULTILINE)
_BOXED: Final = re.compile(r"\\boxed\s*\{")


def answered(text: str) -> bool:
    r"""Whether a text says its answer: `\boxed{…}`, a line that begins with `Answer:`, or, as in
    GSM8K, a line of `####` and a number.

    Stricter than `graphdsl.ops.extract`, since it ends a path: `####` before anything else is a
    heading of Markdown, and a sentence may well speak of an answer.

    >>> [answered(text) for text in ("**Answer:** 7", "#### 7", r"so \boxed{\frac{1}{2}}")]
    [True, True, True]
    >>> [answered(text) for text in ("#### Step 1: add", "First answer: what is x?", "Answer:")]
    [False, False, False]
    """
    if _ANSWER.search(text) or _NUMBER.search(text):
        return True
    return any(braced(text, mark.end()).strip() for mark in _BOXED.finditer(text))
