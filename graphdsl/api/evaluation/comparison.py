"""A flow beside a baseline on the same items, and what may be concluded from it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

_LEVEL: Final = 0.05

if TYPE_CHECKING:
    from graphdsl.api.evaluation.row import Row
    from graphdsl.eval.intervals import Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of the mean scores of two rows, over the items that both have.

    `low` and `high` are its 95 % interval, items being paired; `p` is that of an exact test
    (McNemar's of right and wrong answers, else of flipped signs). `better` and `worse` count the
    items on which the first row scored higher and lower. `ratio` is its cost over that of the
    second. `needed` is about how many items would show a difference as large as this one, where
    these do not, and answers are right or wrong.
    """

    name: str
    baseline: str
    level: str | None
    items: int
    difference: float
    low: float
    high: float
    better: int
    worse: int
    ratio: float | None
    p: float = 0.0
    needed: int | None = None

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `unclear`: the interval holds 0, or an exact test does not agree,
        as with few items."""
        if self.p > _LEVEL:
            return "unclear"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "unclear"

    @property
    def sentence(self) -> str:
        """What may be concluded."""
        match self.verdict:
            case "unclear" if self.low > 0 or self.high < 0:
                differ = self.better + self.worse
                told = f"{differ} item{'s differ' if differ != 1 else ' differs'}, too few to tell"
                return f"no difference can be told: {told} (p = {self.p:.2g} by an exact test)"
            case "unclear":
                more = f" (a true difference as large takes about {self.needed})"
                items = f"{self.items} item{'' if self.items == 1 else 's'}"
                return f"no difference can be told from {items}{more if self.needed else ''}"
            case verdict:
                return f"`{self.name}` is {verdict} than the {self.baseline}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `EvalComparison` in `graphdsl.cli.schemas`."""
        return {
            "name": self.name,
            "baseline": self.baseline,
            "level": self.level,
            "items": self.items,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "better": self.better,
            "worse": self.worse,
            "cost_ratio": self.ratio,
            "p": self.p,
            "verdict": self.verdict,
            "items_needed": self.needed,
            "sentence": self.sentence,
        }


def compared(row: Row, baseline: Row, ratio: float | None) -> Comparison | None:
    """The comparison of two rows; None where they have no item in common."""
    ours, theirs = row.scores, baseline.scores
    lines = sorted(ours.keys() & theirs.keys())
    if not lines:
        return None
    first, second = [ours[line] for line in lines], [theirs[line] for line in lines]
    differences = [a - b for a, b in zip(first, second, strict=True)]
    low, high = _interval(first, second)
    return Comparison(
        row.name,
        baseline.name,
        row.level,
        len(lines),
        fmean(differences),
        low,
        high,
        sum(one > 0 for one in differences),
        sum(one < 0 for one in differences),
        ratio,
        _exact(first, second),
        _needed(differences) if low <= 0 <= high else None,
    )


def _interval(first: list[float], second: list[float]) -> Interval:
    """Newcombe's of right and wrong answers; else by resampling the items.

    Where all items differ alike, which tells a bootstrap nothing, it is Hoeffding's; where none
    differs, what the share of items that do can be (Clopper and Pearson), either way.
    """
    from graphdsl.eval.intervals import Interval, clopper_pearson, hoeffding
    from graphdsl.eval.paired import newcombe, paired_counts, paired_difference

    if {*first, *second} <= {0, 1}:
        return newcombe(paired_counts(first, second))
    differences = [a - b for a, b in zip(first, second, strict=True)]
    if not any(differences):
        most = clopper_pearson(0, len(differences)).high
        return Interval(-most, most)
    if min(differences) == max(differences):
        return hoeffding(differences, bounds=(-1.0, 1.0))
    return paired_difference(first, second)


def _exact(first: list[float], second: list[float]) -> float:
    """The p-value of "no difference" by a test that holds at any number of items."""
    from graphdsl.eval.paired import mcnemar, paired_counts, sign_flip

    if {*first, *second} <= {0, 1}:
        return mcnemar(paired_counts(first, second))
    return sign_flip([a - b for a, b in zip(first, second, strict=True)])


def _needed(differences: list[float]) -> int | None:
    """Items that would show a difference of this size; None where there is none at all, and for
    scores that are not just right or wrong."""
    from graphdsl.eval.paired import items_needed

    gain = fmean(differences)
    if not gain or not {*differences} <= {-1, 0, 1}:
        return None
    differing = fmean(abs(one) for one in differences)
    return items_needed(gain, differing) if differing > gain * gain else None
