"""What a stage says about a program: one value for terminal, JSON and editors.

Stages return `(value, diagnostics)`. A stage stays silent about what was already reported:
one cause, one report. Renderers live in `graphdsl.rendering`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` up to `end` (exclusive) of the source called `source`."""

    source: str
    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A text with its display name (a path relative to where the user stands, or `<text>`)."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> list[int]:
        """Offsets at which lines begin."""
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        begin = self.line_starts[number - 1]
        end = self.text.find("\n", begin)
        return self.text[begin : len(self.text) if end < 0 else end].rstrip("\r")


class Severity(StrEnum):
    """How bad it is: an error stops the compiler, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Applicability(StrEnum):
    """Whether a tool may apply an edit unasked."""

    SAFE = "safe"
    MAYBE = "maybe"
    HAS_PLACEHOLDERS = "has_placeholders"


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """A place with a short text beside it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Help:
    """What to write instead, with the edit where it is known."""

    text: str
    edit: TextEdit | None = None
    applicability: Applicability = Applicability.MAYBE


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    `message` stands alone: plain words, lower case, no full stop, code in backticks. It states
    the problem, `notes` give context, only `helps` say how to mend it. `data` carries values for
    tools (bounds, names).
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[Help, ...] = ()
    data: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_error(self) -> bool:
        """True when the program cannot run."""
        return self.severity is Severity.ERROR


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True when any of them is an error."""
    return any(diagnostic.is_error for diagnostic in diagnostics)


def did_you_mean(name: str, candidates: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """At most `most` candidates within edit distance 2 of `name`, nearest first.

    >>> did_you_mean("critque", ["critique", "fuse", "rank"])
    ('critique',)
    """
    limit = min(2, max(1, len(name) // 2))
    scored = sorted((edit_distance(name, other, limit), other) for other in set(candidates))
    return tuple(other for distance, other in scored if distance <= limit)[:most]


def edit_distance(a: str, b: str, limit: int) -> int:
    """Damerau-Levenshtein distance (adjacent swaps count one), or `limit + 1` when larger.

    >>> edit_distance("vtoe", "vote", 2), edit_distance("abc", "xyz", 2)
    (1, 3)
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        following = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return min(row[-1], limit + 1)
