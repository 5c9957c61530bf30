"""Scores that are computed from the candidate itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.ops.candidates import mean_logprob_of
from graphdsl.ops.context import Context
from graphdsl.ops.scoring.aggregates import finite
from graphdsl.values import Draft, Messages

MARKERS: Final = (
    "wait",
    "hmm",
    "alternatively",
    "however",
    "maybe",
    "perhaps",
    "possibly",
    "probably",
    "might",
    "could be",
    "i think",
    "i guess",
    "i believe",
    "not sure",
    "let me think",
    "let me check",
    "let me double-check",
    "let me reconsider",
    "on second thought",
)
"""Words of hedging and of thinking, which right traces have fewer of. That is a finding of "Think
Deep, Think Fast"; the list is ours."""

Measure = Callable[[Draft], float | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A scorer that looks at each candidate alone and asks nobody.

    `missing` is what a note says of candidates that have no score.
    """

    measure: Measure
    missing: str

    async def __call__(
        self, context: Context, question: Messages | None, drafts: Sequence[Draft]
    ) -> list[float | None]:
        """The measure of each draft, in order."""
        scores = [self.measure(draft) for draft in drafts]
        if lost := scores.count(None):
            context.note(f"{lost} of {len(scores)} candidates have no score: {self.missing}")
        return scores


def likelihood(draft: Draft) -> float | None:
    """`likelihood`: the mean log-probability of its tokens under the model that wrote it."""
    return finite(mean_logprob_of(draft))


def length(draft: Draft) -> float | None:
    """`length`: minus its completion tokens; None for a text that no model wrote."""
    tokens = draft.usage.completion_tokens
    return -float(tokens) if tokens else None


def markers(words: Sequence[str]) -> Measure:
    """`markers`: minus the number of these words in 100 of its words; None without words.

    They count in any case, as whole words, also where one of them is several.
    """
    choices = [r"\s+".join(map(re.escape, word.split())) for word in words if word.strip()]
    longest_first = sorted(choices, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)

    def measure(draft: Draft) -> float | None:
        count = len(draft.text.split())
        found = len(pattern.findall(draft.text)) if choices else 0
        return 0.0 - 100.0 * found / count if count else None  # never -0.0

    return measure
