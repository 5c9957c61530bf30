"""What more compute buys: ARISE over levels, and where more stops paying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from graphdsl.api.evaluation.row import Row

LEAST_GAIN: Final = 0.01
"""The accuracy that one more unit has to add to count as a gain."""

_POINTS: Final = 3
"""Levels that a curve takes at least."""


@dataclass(frozen=True, slots=True)
class Arise:
    """ARISE over levels: the mean over items of what each step gains or loses, weighed by tokens
    (`graphdsl.eval.arise`).

    `levels` are the names of the rows, `left_out` counts items without tokens at some level.
    `improved` and `degraded` count steps of items.
    """

    levels: tuple[str, ...]
    mean: float
    standard_error: float | None
    items: int
    improved: int
    degraded: int
    left_out: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `EvalArise` in `graphdsl.cli.schemas`."""
        return {**asdict(self), "levels": list(self.levels)}


@dataclass(frozen=True, slots=True)
class SaturationPoint:
    """The curve F(N) = limit · (1 - (1 - p)^N) through the levels, and the `enough` units after
    which one more adds at most `least_gain`."""

    limit: float
    p: float
    least_gain: float
    enough: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-compatible; `EvalSaturation` in `graphdsl.cli.schemas`."""
        return asdict(self)


def arise_over(rows: Sequence[Row]) -> Arise | None:
    """ARISE over rows as levels, on the items that all of them have; None where that says nothing.

    A level at which an item took no tokens cannot be weighed, so the item is left out.
    """
    from graphdsl.eval.arise import arise_report

    if len(rows) < 2:
        return None
    scores, tokens = [row.scores for row in rows], [row.tokens_by_item for row in rows]
    lines = sorted(line for line in scores[0] if all(line in one for one in scores))
    levels = [
        [(score[line], token[line]) for score, token in zip(scores, tokens, strict=True)]
        for line in lines
    ]
    kept = [steps for steps in levels if all(token > 0 for _, token in steps)]
    if not kept:
        return None
    found = arise_report(kept)
    return Arise(
        tuple(row.name for row in rows),
        found.mean,
        found.standard_error,
        found.items,
        found.improved,
        found.degraded,
        len(levels) - len(kept),
    )


def saturation_of(rows: Sequence[Row]) -> SaturationPoint | None:
    """The curve through rows at levels that are numbers from 1 on; None for fewer than three, and
    where nothing was ever right."""
    from graphdsl.eval.saturation import fit_saturation

    points = [
        (row.size, row.mean)
        for row in rows
        if row.size is not None and row.size >= 1 and row.mean is not None
    ]
    if len({size for size, _ in points}) < _POINTS or not any(mean for _, mean in points):
        return None
    curve = fit_saturation(points)
    return SaturationPoint(curve.limit, curve.p, LEAST_GAIN, curve.samples_until(LEAST_GAIN))
