"""Reads from a judge's reply the points that it gives to each candidate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from graphdsl.ops.scoring.plain import plain

LOWEST, HIGHEST = 1, 10
"""The points that a judgement may give (GRM, arXiv 2504.02495)."""

_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9})?"
_END: Final = r"(?: ?/ ?10)?(?![\d/]|\.\d)"
_NAME: Final = r"(?:(?:candidate|answer|response) ?)?"
_WORTH_NAME: Final = r"(?:score|points|rating)"
_PAIR: Final = re.compile(
    rf" ?(?:[-+•] ?)?{_NAME}(?P<open>\[)?(?P<number>\d{{1,9}})(?!\d)(?(open)\])"
    rf"(?: ?[:=–—-] ?|[.)]? )(?:[(–—-]? ?{_WORTH_NAME} ?[:=]? ?)?"
    rf"\[?(?P<points>{_NUMBER}){_END}[\])]?(?: ?points?)?[ .]*",
    re.IGNORECASE,
)
_INLINE: Final = re.compile(
    rf"\[(?P<number>\d{{1,9}})\][ :=-]{{0,3}}(?:{_WORTH_NAME} ?[:=]? ?)?(?P<points>{_NUMBER}){_END}"
    r"(?= ?(?:points?)? ?(?:[,;.\]\[]|$))",
    re.IGNORECASE,
)
_LEAD: Final = re.compile(r"(?:final )?(?:scores?|points|ratings?) ?[:=]", re.IGNORECASE)
_HEADING: Final = re.compile(
    rf"^({_NAME}\[?\d{{1,9}}\]?) ?:?\n(?={_WORTH_NAME}\b)", re.IGNORECASE | re.MULTILINE
)
_BOXED: Final = re.compile(r"\\boxed ?\{([\d., ]{1,4000})\}")


def read_points(text: str, count: int) -> list[float] | None:
    r"""Points from 1 to 10 for each of `count` candidates; None where one is missing.

    Reads lines such as `[1] 7`, `Candidate 1: 7/10` or `2. 9 points`, the same in one line
    (`[1] 7, [2] 9`), and `\boxed{7, 9}`, in which GRM models write. The last points that a
    candidate gets count; points out of range make the whole judgement unreadable.

    >>> read_points("[1] is short, [2] has 3 errors.\n[1] 8\n[2]: 4/10", 2), read_points("[1] 8", 2)
    ([8.0, 4.0], None)
    """
    text = plain(text)
    if boxes := _BOXED.findall(text):
        parts = [part.strip() for part in boxes[-1].split(",")]
        readable = all(re.fullmatch(_NUMBER, part) for part in parts)
        return _valid([float(part) for part in parts] if readable else [], count)
    found: dict[int, float] = {}
    for line in _HEADING.sub(r"\1: ", text).split("\n"):
        for match in _pairs(line):
            found[int(match["number"])] = float(match["points"])
    return _valid([found.get(number, 0.0) for number in range(1, count + 1)], count)


def _pairs(line: str) -> Iterable[re.Match[str]]:
    """Candidates and their points in a line: it holds nothing else, or they are marked."""
    lead = _LEAD.match(line)
    parts = re.split("[,;]", line[lead.end() if lead else 0 :])
    matches: list[re.Match[str]] = []
    for part in parts:
        match = _PAIR.fullmatch(part)
        if match is None:
            return _INLINE.finditer(line)
        matches.append(match)
    return matches


def _valid(points: list[float], count: int) -> list[float] | None:
    inside = all(LOWEST <= value <= HIGHEST for value in points)
    return points if inside and len(points) == count else None
