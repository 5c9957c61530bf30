"""How the best candidate rose while the budget was used."""

from __future__ import annotations

import math

from graphdsl.executors.traces.markup import text
from graphdsl.search.report.axes import Axis, quality_axis
from graphdsl.search.report.figure import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Labels,
    figure,
    frame,
    num,
)
from graphdsl.search.report.series import Step, best_baseline, convergence
from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.wording import label, percent

_SAID = (
    "The best shrunken mean of the search, from when its candidate was first seen. It is biased "
    "upwards, as any maximum is: it shows when the search stopped finding better ones, and not how "
    "good they are."
)


def convergence_chart(study: FinishedStudy) -> str:
    """The figure; words in place of it where nothing was measured."""
    steps = convergence(study)
    if not steps:
        return '<p class="soft">No candidate was measured.</p>'
    trials = [trial for trial in study.result.trials if math.isfinite(trial.shrunken)]
    across = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    up = quality_axis([trial.shrunken for trial in trials], HEIGHT - BOTTOM, TOP)
    way = f"M{num(across.at(steps[0].moment))} {num(up.at(steps[0].quality))}"
    for step in steps[1:]:
        way += f"H{num(across.at(step.moment))}V{num(up.at(step.quality))}"
    parts = [
        *frame(
            across,
            up,
            "share of the budget of the search that was used",
            lambda value: percent(value, 0),
            lambda value: percent(value, 0 if up.high - up.low > 0.08 else 1),
        ),
        *(
            f'<circle class="dropped" data-n="{trial.number}" cx="{num(across.at(trial.moment))}" '
            f'cy="{num(up.at(trial.shrunken))}" r="2"/>'
            for trial in trials
        ),
        *_baseline(study, up),
        f'<path class="best" d="{way}H{WIDTH - RIGHT}"/>',
        *(_step(step, across, up) for step in steps),
    ]
    key = (
        '<span class="key"><i class="line"></i>best so far<i class="dropped"></i>each trial</span>'
    )
    return figure("the best quality over the budget used", parts, f"{_SAID} {key}")


def _step(step: Step, across: Axis, up: Axis) -> str:
    x, y = num(across.at(step.moment)), num(up.at(step.quality))
    tip = text(f"{label(step.trial)} · {percent(step.quality)}, biased")
    mark = f'<circle cx="{x}" cy="{y}" r="3.5"/>'
    return f'<g class="front" data-n="{step.trial.number}"><title>{tip}</title>{mark}</g>'


def _baseline(study: FinishedStudy, up: Axis) -> list[str]:
    found = best_baseline(study)
    if found is None:
        return []
    y = num(up.at(found.shrunken))
    name = Labels().put(WIDTH, up.at(found.shrunken) - 9, f"baseline: {label(found)}")
    return [f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>', name]
