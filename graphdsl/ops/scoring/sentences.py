"""What the sentences of a judge's reply say of a candidate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 1000
"""Characters at the end of a sentence that are looked at; those of a model are shorter."""

_END: Final = re.compile(r"(?<=[.!?])[*_\"')\]]{0,8}\s|\n")
_PAUSE: Final = re.compile(r"; |,? but ", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(
    r"\b(?:correct|right|true|actual) (?:\w{1,20} )?"
    r"(?:answer|solution|result|value|response|approach|method|way|formula|choice|option)s?\b"
    r"(?= (?:is|was|are|would|should|must|will|has|to|equals)\b| ?[:=])",
    re.IGNORECASE,
)
"""The answer that is right, whoever gave it."""

_UNREAL: Final = re.compile(
    r"\b(?:should|would) (?:be|have been)\b(?! (?:(?:in)?correct|right|wrong))", re.IGNORECASE
)
_UNSURE: Final = re.compile(
    r"(?:\bnot|n't|\bcannot) (?:\w{1,20} )?(?:sure|certain|clear|know|tell|say)\b"
    r"|\b(?:unsure|unclear|whether)\b",
    re.IGNORECASE,
)
_CLEARED: Final = re.compile(
    r"""(?:\bnot|n't|\bcannot)[ ](?:find|see|spot|detect)[ ](?:any\w{0,8}|an?)\b
          (?:[ ]that[ ](?:is|was|looks))?(?:[ ]not)?
          (?:[ ](?:\w{1,20}[ ])?(?:in)?(?:correct|right|wrong|errors?|mistakes?)\b)?
        |(?:\bnot|n't|\bnothing|\bnever)[ ](?:\w{1,20}[ ]){0,2}(?:incorrect|wrong|mistaken)\b
        |\bno[ ](?:\w{1,20}[ ]){0,2}(?:error|mistake|flaw|problem|issue)s?\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is denied to be wrong."""

_AGAINST: Final = re.compile(
    r"""\b(?:incorrect|wrong)(?:ly)?\b|\bmistaken\b
        |(?:\bnot|n't|\bnever|\bneither|\bhardly)[ ](?!only\b)(?:\w{1,20}[ ]){0,3}?
          (?:correct|right|match)\b
        |\b(?:partially|partly|half|mostly|nearly|almost|largely)[ ](?:correct|right)\b
        |\bdiffers?[ ]from\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FOR: Final = re.compile(
    r"\b(?:correct(?:ly)?|right(?!-| (?:angled?|triangles?|sides?|hand|now)\b))\b", re.IGNORECASE
)
_NO: Final = re.compile(r"\bno\b(?= ?(?:[^\w ]|$))", re.IGNORECASE)
_YES: Final = re.compile(r"\byes\b", re.IGNORECASE)
_WHOLE: Final = re.compile(
    r"\b(?:answer|solution|response|candidate|result|reasoning|proof|conclusion|it|this|that|"
    r"he|she|they|everything|all)\b|^\W{0,4}(?:in)?correct\b|^\W{0,4}wrong\b",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"\b(?:step|line|equation|part)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What one sentence says: a verdict or none, of the `whole` candidate or of a part of it.

    `elsewhere`: it tells what the right answer is, or would be.
    """

    verdict: bool | None
    whole: bool = False
    elsewhere: bool = False


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text begin and end."""
    start = 0
    for match in _END.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def verdict_of_sentences(text: str) -> bool | None:
    """The verdict of the last sentence about the whole candidate, else of the last one.

    What stands before and after `but` are sentences of their own.
    """
    other: bool | None = None
    for start, end in reversed(list(sentences(text))):
        for part in reversed(_PAUSE.split(text[max(start, end - _LONGEST) : end])):
            said = sentence_verdict(part)
            if said.verdict is not None and said.whole:
                return said.verdict
            other = said.verdict if other is None else other
    return other


def sentence_verdict(sentence: str) -> Said:
    """What a sentence says; a question says nothing, nor one that is not sure.

    >>> sentence_verdict("The answer is not correct.").verdict
    False
    >>> sentence_verdict("The correct answer is 12.").elsewhere
    True
    """
    sentence = sentence[-_LONGEST:]
    if sentence.rstrip(" \"')]").endswith("?"):
        return Said(None)
    rest = _ELSEWHERE.sub("", sentence)
    elsewhere = len(rest) < len(sentence) or _UNREAL.search(rest) is not None
    whole = _WHOLE.search(rest) is not None and _PART.search(rest) is None
    uncleared = _CLEARED.sub("", rest)
    if _UNSURE.search(uncleared):
        return Said(None, elsewhere=elsewhere)
    if _AGAINST.search(uncleared):
        return Said(False, whole, elsewhere)
    if _FOR.search(uncleared) and _UNREAL.search(rest) is None:
        return Said(True, whole, elsewhere)
    if _NO.search(uncleared) or _YES.search(uncleared):
        return Said(_NO.search(uncleared) is None, True, elsewhere)
    return Said(True if len(uncleared) < len(rest) else None, whole, elsewhere)
