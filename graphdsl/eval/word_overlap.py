"""Overlap of words, for short free answers (Rajpurkar et al. 2016, arXiv 1606.05250)."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import Final

from graphdsl.eval.targets import accepted, answer_text
from graphdsl.values import Value, as_text

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class TokenF1:
    """Harmonic mean of precision and recall over the words of an answer and its target.

    As SQuAD counts: lower case, without ASCII punctuation and the articles a, an, the. Of several
    accepted targets the best counts. Two empty texts are equal, an empty one shares nothing with
    another.
    """

    name: str = "f1"

    def score(self, value: Value, target: object) -> float:
        """See `graphdsl.eval.metrics.Metric`."""
        answer = answer_text(value)
        return max(token_f1(answer, as_text(one)) for one in accepted(target))


def token_f1(answer: str, target: str) -> float:
    """The F1 of two texts.

    >>> round(token_f1("the red car", "A red bicycle"), 3), token_f1("", "")
    (0.5, 1.0)
    """
    ours, wanted = _words(answer), _words(target)
    if not ours or not wanted:
        return float(ours == wanted)
    shared = sum((Counter(ours) & Counter(wanted)).values())
    return 2 * shared / (len(ours) + len(wanted))


def _words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
