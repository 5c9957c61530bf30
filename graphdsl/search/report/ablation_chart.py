"""What each node adds: differences with their intervals, one row per node."""

from __future__ import annotations

from collections.abc import Iterator

from graphdsl.executors.traces.markup import line, text
from graphdsl.search.report.axes import Axis
from graphdsl.search.report.figure import RIGHT, WIDTH, figure, num
from graphdsl.search.report.study_file import Ablated, FinishedStudy
from graphdsl.search.report.wording import points, short

_NAMES = 250
"""Pixels for what stands at the left."""

_ROW = 24
_TOP = 8
_BELOW = 26

_SAID = (
    "Quality of the graph less its quality with that change, in percentage points: right of zero, "
    "the node is worth having. An interval that holds zero shows nothing either way."
)


def ablation_chart(study: FinishedStudy) -> str:
    """The figure, the largest difference first."""
    rows = sorted(study.ablation, key=lambda row: -row.difference)
    height = _TOP + _ROW * len(rows) + _BELOW
    reach = max(0.02, max(max(abs(row.low), abs(row.high)) for row in rows))
    across = Axis(-reach * 1.05, reach * 1.05, _NAMES, WIDTH - RIGHT)
    parts = [*_frame(across, height)]
    for place, row in enumerate(rows):
        parts += _row(row, across, _TOP + _ROW * place + _ROW / 2)
    return figure("what each node adds to the quality", parts, _SAID, height=height)


def _frame(across: Axis, height: int) -> Iterator[str]:
    bottom = height - _BELOW
    for value in across.ticks(5):
        x = num(across.at(value))
        kind = "zero" if abs(value) < 1e-9 else "tick"
        yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
        said = "0" if kind == "zero" else points(value)
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{said}</text>'


def _row(row: Ablated, across: Axis, y: float) -> Iterator[str]:
    change = f": {row.change}" if row.change else ""
    said = f"{short(row.node)}{change}"
    tip = text(
        f"{row.node}{change} · {points(row.difference)} points "
        f"({points(row.low)} to {points(row.high)}) · {row.items} items"
    )
    kind = "good" if row.low > 0 else "bad" if row.high < 0 else "open"
    low, high = num(across.at(row.low)), num(across.at(row.high))
    middle = num(y)
    yield f'<g class="{kind}"><title>{tip}</title>'
    yield f'<text x="{_NAMES - 10}" y="{middle}" dy="4" text-anchor="end">{line(said, 38)}</text>'
    yield f'<path class="bar" d="M{low} {middle}H{high}"/>'
    yield f'<circle cx="{num(across.at(row.difference))}" cy="{middle}" r="4"/></g>'
