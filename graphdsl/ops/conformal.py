"""Which drafts are unusually bad, with an error rate that is known (ATTS, arXiv 2509.15148).

The paper ranks the perplexity of a draft among those of a calibration bank, where higher is worse.
Scores of drafts are better when higher, so that here the rank counts those that are *not better*.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from graphdsl.ops.context import Args
from graphdsl.values import Draft, Finish, Value


def conformal(args: Args) -> Value:
    """The drafts with their p-value as `confidence`: all, the accepted or the rejected ones.

    p = (1 + the calibration scores that are not higher) / (1 + all calibration scores), so equal
    scores count against nobody. By default these are the scores of the other drafts. Of ordinary
    drafts, exchangeable with the calibration scores, no more than a share `level` has p <= `level`:
    these are rejected, unless there are fewer than 1 / `level` calibration scores. A draft without
    a score has no p-value and is accepted, since nothing speaks against it; one that failed or was
    cancelled is rejected, since it gave nothing. Drafts that were cut off count like others: they
    may be continued.
    """
    drafts: Sequence[Draft] = args["drafts"]
    given: Sequence[float | None] | None = args.get("calibration")
    bank = Bank.of([draft.score for draft in drafts], own=True) if given is None else Bank.of(given)
    level, keep = float(args["level"]), args.get("keep") or "all"
    judged = [(draft, bank.p_value(draft.score)) for draft in drafts]
    return tuple(
        replace(draft, confidence=value)
        for draft, value in judged
        if keep == "all" or (keep == "rejected") == _rejected(draft, value, bank, level)
    )


@dataclass(frozen=True, slots=True)
class Bank:
    """Calibration scores, lowest first. With `own` each draft's own score is one of them, and is
    left out when the others judge it."""

    scores: tuple[float, ...]
    own: bool

    @classmethod
    def of(cls, scores: Iterable[float | None], *, own: bool = False) -> Bank:
        """Those that are numbers."""
        return cls(tuple(sorted(score for score in scores if _known(score))), own)

    @property
    def size(self) -> int:
        """How many scores judge one draft."""
        return max(0, len(self.scores) - self.own)

    def p_value(self, score: float | None) -> float | None:
        """The rank of a score among them, itself included, from the worst; None without a score."""
        if not _known(score):
            return None
        return (1 + bisect_right(self.scores, score) - self.own) / (1 + self.size)


def _known(score: float | None) -> TypeGuard[float]:
    return score is not None and not math.isnan(score)


def _rejected(draft: Draft, value: float | None, bank: Bank, level: float) -> bool:
    if draft.finish in (Finish.ERROR, Finish.CANCELLED):
        return True
    return value is not None and value <= level and bank.size * level >= 1
