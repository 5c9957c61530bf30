"""One line of an evaluation: a flow at one level, or a baseline, over all items."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final

from graphdsl.values import Usage

if TYPE_CHECKING:
    from graphdsl.api.evaluation.outcome import Outcome
    from graphdsl.eval.intervals import Interval

UNITS: Final = ("tokens", "usd", "calls")
"""What costs are compared in."""

_TAIL: Final = 0.95
_BOTH: Final = 0.975


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one flow.

    `kind` is `flow`, `single` or `majority`. `level` says at which level the flow was run, or for
    which level a baseline was matched; `size` is that level as a number. `samples` are those of a
    baseline. `planned` is how many runs there were to be. `same_as` names the row whose runs these
    are: the two are the same flow. `note` is a remark on it.
    """

    name: str
    kind: str
    planned: int
    outcomes: tuple[Outcome, ...] = ()
    level: str | None = None
    size: float | None = None
    samples: int | None = None
    same_as: str | None = None
    note: str | None = None

    @property
    def done(self) -> int:
        """Runs that have ended."""
        return len(self.outcomes)

    @property
    def scores(self) -> dict[int, float]:
        """The mean score of each item that is done, by its line."""
        return self._by_item(lambda outcome: outcome.score)

    @property
    def tokens_by_item(self) -> dict[int, float]:
        """The mean tokens of each item that is done, by its line."""
        return self._by_item(lambda outcome: outcome.tokens)

    @property
    def mean(self) -> float | None:
        """The mean score over items; None before any is done."""
        scores = self.scores
        return fmean(scores.values()) if scores else None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the mean, items being drawn at random.

        It is Wilson's, for the number of independent runs that would vary as much: at most that
        of runs, and with a correction for few items (Korn and Graubard 1998). Scores between 0 and
        1 vary less than it assumes.
        """
        from graphdsl.eval.intervals import wilson

        scores = list(self.scores.values())
        if not scores:
            return None
        count = _effective(scores, self.done)
        return wilson(min(float(count), fmean(scores) * count), count)

    @property
    def failed(self) -> int:
        """Runs without an answer."""
        return sum(outcome.status == "failed" for outcome in self.outcomes)

    @property
    def unscored(self) -> int:
        """Runs with an answer for which the metric could not be computed; they count as wrong."""
        return sum(bool(one.reason) and one.status != "failed" for one in self.outcomes)

    @property
    def limited(self) -> int:
        """Runs that their own budget ended."""
        return sum(outcome.status == "exhausted" for outcome in self.outcomes)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why runs have no score, the most frequent reason first."""
        return Counter(one.reason for one in self.outcomes if one.reason).most_common()

    @property
    def usage(self) -> Usage:
        """What all runs have spent; nothing where they are those of another row."""
        return _sum(() if self.same_as else (one.usage for one in self.outcomes))

    @property
    def saved(self) -> Usage:
        """What samples from the cache would have cost besides."""
        return _sum(() if self.same_as else (one.saved for one in self.outcomes))

    @property
    def cost(self) -> Usage:
        """What all runs cost by themselves."""
        return _sum(one.cost for one in self.outcomes)

    def per_run(self, unit: str) -> float | None:
        """The mean cost of one run in a unit, or of `flops`; None where nobody knows."""
        return share_of(self.cost, unit, self.done)

    @property
    def latencies(self) -> list[float]:
        """Seconds of the runs of which no sample came from the cache, in order of size."""
        return sorted(one.seconds for one in self.outcomes if one.fresh and one.run_id)

    def to_dict(self, ratio: float | None) -> dict[str, Any]:
        """JSON-compatible; `EvalRow` in `graphdsl.cli.schemas`."""
        interval, seconds = self.interval, self.latencies
        return {
            "name": self.name,
            "kind": self.kind,
            "level": self.level,
            "size": self.size,
            "samples": self.samples,
            "same_as": self.same_as,
            "note": self.note,
            "planned": self.planned,
            "done": self.done,
            "items": len(self.scores),
            "mean": self.mean,
            "low": None if interval is None else interval.low,
            "high": None if interval is None else interval.high,
            "failed": self.failed,
            "unscored": self.unscored,
            "exhausted": self.limited,
            "reasons": [{"message": text, "count": count} for text, count in self.reasons],
            **{f"{unit}_per_item": self.per_run(unit) for unit in (*UNITS, "flops")},
            "cost_ratio": ratio,
            "seconds_median": median(seconds) if seconds else None,
            "seconds_p95": tail(seconds),
            "seconds_of": len(seconds),
            "usage": self.usage.to_dict(),
            "saved": self.saved.to_dict(),
            "runs": [] if self.same_as else [outcome.to_dict() for outcome in self.outcomes],
        }

    def _by_item(self, what: Callable[[Outcome], float]) -> dict[int, float]:
        found: dict[int, list[float]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.item.line, []).append(what(outcome))
        return {line: fmean(values) for line, values in found.items()}


def share_of(cost: Usage, unit: str, runs: int) -> float | None:
    """What one of so many runs has cost in a unit; None without runs, and where nobody knows."""
    total = {
        "tokens": cost.prompt_tokens + cost.completion_tokens,
        "calls": cost.calls,
        "usd": cost.usd,
        "flops": cost.flops or None,
    }[unit]
    return None if total is None or not runs else total / runs


def tail(seconds: Sequence[float]) -> float | None:
    """The 95th percentile of ordered values: the least that 95 % do not exceed."""
    return seconds[math.ceil(_TAIL * len(seconds)) - 1] if seconds else None


def _effective(scores: Sequence[float], runs: int) -> int:
    """How many independent runs would give a mean that varies as this one does."""
    from graphdsl.eval.beta import t_quantile

    items = len(scores)
    mean = fmean(scores)
    if items < 2:
        return items
    if runs == items:
        return items
    spread = math.fsum((score - mean) ** 2 for score in scores) / (items - 1)
    alike = runs if 0 < mean < 1 else 0
    likely = items * mean * (1 - mean) / spread if spread > 0 else float(alike)
    few = (t_quantile(_BOTH, runs - 1) / t_quantile(_BOTH, items - 1)) ** 2
    return max(items, round(few * min(float(runs), likely)))


def _sum(usages: Iterable[Usage]) -> Usage:
    from graphdsl.executors.tally import Tally

    tally = Tally()
    for usage in usages:
        tally.add(usage)
    return tally.usage
