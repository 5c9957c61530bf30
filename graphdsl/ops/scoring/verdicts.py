"""Reads from a judge's reply whether a candidate is right."""

from __future__ import annotations

import re
from typing import Final

from graphdsl.ops.scoring.plain import plain
from graphdsl.ops.scoring.sentences import sentence_verdict, sentences, verdict_of_sentences

_BRACKETED: Final = re.compile(r"\[ ?(incorrect|correct|no|yes|false|true) ?\]", re.IGNORECASE)
_LABEL: Final = re.compile(
    r"\byes ?/ ?no\b ?\)? ?\??|\b(?:verdict|verification|judge?ment)\b(?: ?[:=]| is\b)?",
    re.IGNORECASE,
)
_WORD: Final = re.compile(
    r"""[ \n:="'(`.–—-]{0,6}(?P<not>not[ ](?:\w{1,20}[ ])?|(?:partially|partly|mostly|almost)[ ])?
        (?P<word>incorrect|correct|yes|no|true|false|wrong|right)\b
        (?![ ]\w{1,20}[ ]?(?:answer|solution|result)\b|[ ](?:answer|solution|result)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_NOUN_AFTER: Final = re.compile(r" (?!it\b|this\b|that\b|the\b|since\b|because\b|as\b)\w", re.I)
_LEADING: Final = re.compile(
    r"[\"'(`]{0,3}(?:(no|yes)\b ?(?=[^\w\s]|\n|\Z)|(true|false)\b ?(?=[.!]|\n|\Z))", re.IGNORECASE
)
_NEGATIVE: Final = ("incorrect", "no", "wrong", "false")


def read_verdict(text: str) -> bool | None:
    """True for yes, False for no, None where a reply says neither.

    In this order: a mark in the last line that has one (`[Correct]`, `[No]`; both in it say
    nothing); what follows the last `Verdict:` or `(Yes/No)?`, a word or a sentence; a reply that
    begins with `Yes` or `No`; the last sentence that calls the candidate right or wrong, else the
    last one with such a word. In one sentence `incorrect` counts before `correct` and `no` before
    `yes` (GenRM, arXiv 2504.01005). What the correct answer would be says nothing of the
    candidate's, and what is partially correct is not correct.

    >>> [read_verdict(text) for text in ("Yes.", "5 is odd.\\nIt is incorrect.", "Hmm")]
    [True, False, None]
    """
    text = plain(text)
    if (mark := _last(_BRACKETED, text)) is not None:
        start = text.rfind("\n", 0, mark.start()) + 1
        says = {_means(found.group(1)) for found in _BRACKETED.finditer(text, start)}
        return says.pop() if len(says) == 1 else None
    if (verdict := _labelled(text)) is not None:
        return verdict
    if (begin := _LEADING.match(text)) is not None:
        return _means(begin.group(1) or begin.group(2))
    return verdict_of_sentences(text)


def before_verdict(text: str) -> str:
    """The reasons of a reply, without the sentence at its end that gives the verdict.

    What the correct answer would be, if that comes after it, is left out as well.

    >>> before_verdict("2 + 2 is 4, not 5. Step 2 is wrong.\\nVerdict: [Incorrect]")
    '2 + 2 is 4, not 5. Step 2 is wrong.'
    """
    text = text.strip()
    for start, end in reversed(list(sentences(text))):
        said = plain(text[start:end])
        if read_verdict(said) is not None:
            return text[:start].strip()
        if said and not sentence_verdict(said).elsewhere:
            break
    return text


def _labelled(text: str) -> bool | None:
    """The word after the last label that has one; of the last label also the rest of its line."""
    last = True
    for label in reversed(list(_LABEL.finditer(text))):
        found = _WORD.match(text, label.end())
        if found is not None and not _counts_things(text, found):
            return not found["not"] and _means(found["word"])
        if last and text[label.end() - 1] in ":=":
            end = text.find("\n", label.end())
            said = verdict_of_sentences(text[label.end() : end if end >= 0 else len(text)])
            if said is not None:
                return said
        last = False
    return None


def _counts_things(text: str, found: re.Match[str]) -> bool:
    """`No errors were found` is no verdict `No`."""
    return found["word"].lower() == "no" and _NOUN_AFTER.match(text, found.end()) is not None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def _means(word: str) -> bool:
    return word.lower() not in _NEGATIVE
