"""What an evaluation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphdsl.api.evaluation.comparison import Comparison, compared
from graphdsl.api.evaluation.matching import cost_ratio
from graphdsl.api.evaluation.request import ACCURACY
from graphdsl.api.evaluation.row import Row
from graphdsl.api.evaluation.scaling import Arise, SaturationPoint, arise_over, saturation_of
from graphdsl.values import Usage

if TYPE_CHECKING:
    from graphdsl.api.evaluation.study import Study


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A flow, at one level or several, beside its baselines, on `items` items.

    `rows` are those of the flow, in the order of the levels, then the single sample, then a
    majority vote for each level, with as many samples as cost the same in `unit`. `comparisons`
    are of each level with its vote, and of the only level with a single sample. `metric` compares
    `by` what was said (None: as the targets ask for), the votes by `vote`. `concurrency` is how
    many runs were made at once, which is part of what `seconds` of runs mean. `arise` is over the
    levels, or from the single sample to the flow where there is one level. `exhausted` is the limit
    of the session that ended it, and `interrupted` that somebody did: then rows may be incomplete,
    or missing. `usage` is what all of it has cost, with the runs that were cut off.
    """

    run_id: str
    flow: str
    metric: str
    by: str | None
    vote: str
    items: int
    repeats: int
    seed: int
    concurrency: int
    unit: str | None
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    arise: Arise | None
    saturation: SaturationPoint | None
    notes: tuple[str, ...]
    exhausted: str | None
    interrupted: bool
    usage: Usage
    seconds: float

    @property
    def flows(self) -> tuple[Row, ...]:
        """The rows of the flow itself."""
        return tuple(row for row in self.rows if row.kind == "flow")

    @property
    def complete(self) -> bool:
        """Whether every run that was planned has ended."""
        whole = all(row.done == row.planned for row in self.rows)
        return whole and not self.interrupted and self.exhausted is None

    @property
    def fruitless(self) -> bool:
        """Whether no run of the flow gave an answer."""
        done = sum(row.done for row in self.flows)
        return 0 < done == sum(row.failed for row in self.flows)

    @property
    def saved(self) -> Usage:
        """What samples from the cache would have cost besides."""
        return sum((row.saved for row in self.rows), Usage())

    def ratio(self, row: Row) -> float | None:
        """The cost of a row over that of the flow: of the level that it belongs to, else of the
        only one."""
        flows = [one for one in self.flows if one.level == row.level]
        flows = flows or list(self.flows if len(self.flows) == 1 else ())
        return cost_ratio(row, flows[0], self.unit) if flows and self.unit else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `EvalReport` in `graphdsl.cli.schemas`."""
        return {
            "ok": self.complete and not self.fruitless,
            "run_id": self.run_id,
            "flow": self.flow,
            "metric": self.metric,
            "by": self.by,
            "vote": self.vote,
            "items": self.items,
            "repeats": self.repeats,
            "seed": self.seed,
            "concurrency": self.concurrency,
            "unit": self.unit,
            "complete": self.complete,
            "interrupted": self.interrupted,
            "exhausted": self.exhausted,
            "rows": [row.to_dict(self.ratio(row)) for row in self.rows],
            "comparisons": [one.to_dict() for one in self.comparisons],
            "arise": None if self.arise is None else self.arise.to_dict(),
            "saturation": None if self.saturation is None else self.saturation.to_dict(),
            "notes": list(self.notes),
            "usage": self.usage.to_dict(),
            "saved": self.saved.to_dict(),
            "seconds": self.seconds,
        }


def report(study: Study, *, interrupted: bool = False) -> Evaluation:
    """What a study has found so far."""
    settings, rows = study.settings, tuple(study.rows)
    flows = [row for row in rows if row.kind == "flow"]
    single = [row for row in rows if row.kind == "single"]
    return Evaluation(
        settings.run_id,
        settings.flow.name,
        settings.metric.name if settings.by is None else ACCURACY,
        settings.by,
        settings.vote,
        len(settings.items),
        settings.repeats,
        settings.options.seed,
        settings.concurrency,
        study.unit,
        rows,
        tuple(_comparisons(rows, study.unit)),
        arise_over(flows if len(flows) > 1 else [*single, *flows]),
        saturation_of(flows),
        tuple(study.notes),
        study.exhausted,
        interrupted,
        study.usage,
        study.seconds,
    )


def _comparisons(rows: tuple[Row, ...], unit: str | None) -> list[Comparison]:
    """Each level of the flow with its own majority vote, and the only one with a single sample."""
    flows = [row for row in rows if row.kind == "flow"]
    others = [row for row in rows if row.kind == "majority"]
    if len(flows) == 1:
        known = {row.same_as for row in others}
        others += [row for row in rows if row.kind == "single" and row.name not in known]
    found: list[Comparison] = []
    for other in others:
        flow = next((row for row in flows if row.level == other.level), flows[0])
        if other.same_as is None or (other.same_as != flow.name and other.kind == "majority"):
            one = compared(flow, other, cost_ratio(flow, other, unit) if unit else None)
            found += [] if one is None else [one]
    return found
