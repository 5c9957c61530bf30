"""Quality against a cost: every candidate, certified ones with their intervals, and the front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from graphdsl.executors.traces.markup import text
from graphdsl.search.report.axes import Axis, cost_axis, quality_axis
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
from graphdsl.search.report.series import Dot, dots, staircase
from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.wording import amount, label, percent, tick, unit

_MOST_NAMES: Final = 14
"""Marks that are named; the others say what they are when pointed at."""

_KEY: Final = (
    '<span class="key"><i class="certified"></i>certified, with its interval'
    '<i class="front"></i>front of the search<i class="baseline"></i>baseline'
    '<i class="beaten"></i>beaten<i class="dropped"></i>dropped early</span>'
)


def front_chart(study: FinishedStudy, cost: str) -> str:
    """The figure; words in place of it where nothing is known of that cost."""
    found = dots(study, cost)
    words = unit(cost)
    if not found:
        return f'<p class="soft">No candidate is known to have taken {text(words)}.</p>'
    across = cost_axis((dot.cost for dot in found), LEFT, WIDTH - RIGHT)
    heights = [value for dot in found for value in (dot.quality, dot.low, dot.high)]
    up = quality_axis(heights, HEIGHT - BOTTOM, TOP)
    scale = ", logarithmic" if across.logarithmic else ""
    parts = [
        *frame(
            across,
            up,
            f"{words} of one run{scale}",
            lambda value: tick(cost, value),
            lambda value: percent(value, 0 if up.high - up.low > 0.08 else 1),
        ),
        _stairs(staircase(found), across, up),
        *(_mark(dot, across, up, cost) for dot in found),
        *_names(found, across, up),
    ]
    name = f"quality against {words} of one run, {len(found)} candidates"
    return figure(name, parts, f'<span class="tip">Quality (up) against {words}.</span> {_KEY}')


def _stairs(steps: Sequence[Dot], across: Axis, up: Axis) -> str:
    """What can be had for each cost: to the right of a step at least its quality."""
    if not steps:
        return ""
    way = f"M{num(across.at(steps[0].cost))} {num(up.at(steps[0].quality))}"
    for step in steps[1:]:
        way += f"H{num(across.at(step.cost))}V{num(up.at(step.quality))}"
    return f'<path class="stairs" d="{way}H{WIDTH - RIGHT}"/>'


def _mark(dot: Dot, across: Axis, up: Axis, cost: str) -> str:
    x, y = across.at(dot.cost), up.at(dot.quality)
    number = f'data-n="{dot.trial.number}"'
    if dot.kind in ("beaten", "dropped") and not dot.trial.baseline:
        reach = 3 if dot.kind == "beaten" else 2
        return f'<circle class="{dot.kind}" {number} cx="{num(x)}" cy="{num(y)}" r="{reach}"/>'
    kind = f"{dot.kind} baseline" if dot.trial.baseline else dot.kind
    shape = (
        f'<path d="M{num(x)} {num(y - 6)}l6 6l-6 6l-6 -6z"/>'
        if dot.trial.baseline
        else f'<circle cx="{num(x)}" cy="{num(y)}" r="4.5"/>'
    )
    tip = f"<title>{text(_tip(dot, cost))}</title>"
    return f'<g class="{kind}" {number}>{tip}{_bar(dot, x, up)}{shape}</g>'


def _bar(dot: Dot, x: float, up: Axis) -> str:
    """The interval, with feet."""
    if dot.kind != "certified":
        return ""
    low, high = num(up.at(dot.low)), num(up.at(dot.high))
    left, right = num(x - 4), num(x + 4)
    return (
        f'<path class="bar" d="M{left} {low}H{right}M{num(x)} {low}V{high}M{left} {high}H{right}"/>'
    )


def _tip(dot: Dot, cost: str) -> str:
    spent = f"{amount(cost, dot.cost)}" + ("" if cost in ("usd", "seconds") else f" {unit(cost)}")
    if dot.kind == "certified":
        interval = f"{percent(dot.low)} to {percent(dot.high)}"
        return f"{label(dot.trial)} · certified {percent(dot.quality)} ({interval}) · {spent}"
    return f"{label(dot.trial)} · in the search {percent(dot.quality)}, biased · {spent}"


def _names(found: Sequence[Dot], across: Axis, up: Axis) -> Iterator[str]:
    """Names of what is certified, of baselines and of the front, as many as there is room for."""
    ranked = sorted(
        (dot for dot in found if dot.kind in ("certified", "front") or dot.trial.baseline),
        key=lambda dot: (dot.kind != "certified", not dot.trial.baseline, -dot.quality),
    )[:_MOST_NAMES]
    labels = Labels()
    for dot in ranked:
        labels.keep_out(across.at(dot.cost), up.at(dot.quality), 6)
    for dot in ranked:
        kind = "name" if dot.kind == "certified" else ""
        yield labels.put(across.at(dot.cost), up.at(dot.quality), label(dot.trial), kind)
