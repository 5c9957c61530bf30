"""Front and convergence as PNG, SVG or PDF, by matplotlib: for papers and slides.

They show what the page of a study shows (`graphdsl.search.report`). The package comes with the
extra `plots`.
"""

from __future__ import annotations

import math
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import ExtraMissing, InputError
from graphdsl.search.report.axes import cost_axis
from graphdsl.search.report.series import (
    Dot,
    best_baseline,
    convergence,
    dots,
    drawn_costs,
    staircase,
)
from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.wording import label, unit

FORMATS: Final = ("png", "svg", "pdf")
"""What a picture may be, by the ending of its name."""

_BLUE: Final = "#2456c7"
_AMBER: Final = "#b07b00"
_GREY: Final = "#7d8797"
_WIDE: Final = 5.6
_HIGH: Final = 4.0
"""Inches of one panel."""


def save_plot(study: FinishedStudy, path: Path) -> None:
    """Write one picture: quality against each cost, then convergence.

    The ending of the name says what kind of picture. Raises `InputError` for another ending and
    for a study in which nothing was measured, `ExtraMissing` without matplotlib, and OSError.
    """
    form = kind_of_plot(path)
    figure = plot(study)
    with _matplotlib("").rc_context({"svg.hashsalt": "graphdsl"}):
        figure.savefig(path, format=form, dpi=160, metadata=_NO_DATE.get(form))


_NO_DATE: Final = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""The same study gives the same file: no date, and no random names inside it."""


def kind_of_plot(path: Path) -> str:
    """The format that the ending of a name says. Raises `InputError` for one that is none."""
    form = path.suffix.removeprefix(".").lower()
    if form not in FORMATS:
        endings = ", ".join(f"`.{one}`" for one in FORMATS)
        raise InputError(f"`{path}` says no kind of picture; let its name end in {endings}")
    return form


def plot(study: FinishedStudy) -> Any:
    """All panels in a row, as a `matplotlib.figure.Figure`.

    Raises `ExtraMissing` without matplotlib, and `InputError` where nothing was measured.
    """
    figures = _matplotlib(".figure").Figure
    costs = [cost for cost in drawn_costs(study) if dots(study, cost)]
    if not convergence(study):
        raise InputError("no candidate of this study was measured, so there is nothing to plot")
    count = len(costs) + 1
    figure = figures(figsize=(_WIDE * count, _HIGH), layout="constrained")
    panels = [figure.add_subplot(1, count, place + 1) for place in range(count)]
    for cost, axes in zip(costs, panels, strict=False):
        draw_front(study, cost, axes)
    draw_convergence(study, panels[-1])
    return figure


def draw_front(study: FinishedStudy, cost: str, axes: Any) -> None:
    """Quality against a cost: certified candidates with their intervals, the others pale."""
    found = dots(study, cost)
    for kind, size, alpha, words in (
        ("dropped", 8, 0.3, "dropped early"),
        ("beaten", 14, 0.5, "beaten"),
    ):
        some = [dot for dot in found if dot.kind == kind and not dot.trial.baseline]
        if some:
            places = [dot.cost for dot in some], [dot.quality for dot in some]
            axes.scatter(*places, s=size, c=_GREY, alpha=alpha, linewidths=0, label=words)
    for dot in found:
        if dot.trial.baseline or dot.kind in ("front", "certified"):
            _mark(dot, axes)
    steps = staircase(found)
    heights = [step.quality for step in steps]
    axes.step([step.cost for step in steps], heights, where="post", c=_BLUE, lw=0.9, ls="--")
    if cost_axis((dot.cost for dot in found), 0, 1).logarithmic:
        axes.set_xscale("log")
    _finish(axes, f"{unit(cost)} of one run", "quality")


def draw_convergence(study: FinishedStudy, axes: Any) -> None:
    """The best shrunken quality of the search over the budget used; it is biased upwards."""
    trials = [trial for trial in study.result.trials if math.isfinite(trial.shrunken)]
    places = [trial.moment for trial in trials], [trial.shrunken for trial in trials]
    axes.scatter(*places, s=8, c=_GREY, alpha=0.3, linewidths=0, label="each trial")
    steps = convergence(study)
    moments = [*(step.moment for step in steps), 1.0]
    heights = [step.quality for step in steps]
    axes.step(moments, [*heights, heights[-1]], where="post", c=_BLUE, lw=1.6, label="best so far")
    baseline = best_baseline(study)
    if baseline is not None:
        words = f"baseline: {label(baseline)}"
        axes.axhline(baseline.shrunken, c=_AMBER, lw=1.1, ls="--", label=words)
    _finish(axes, "share of the budget used", "shrunken quality in the search (biased)")


def _mark(dot: Dot, axes: Any) -> None:
    certified, baseline = dot.kind == "certified", bool(dot.trial.baseline)
    colour = _AMBER if baseline else _BLUE
    if certified:
        below, above = dot.quality - dot.low, dot.high - dot.quality
        bars = [[max(0.0, below)], [max(0.0, above)]]
        axes.errorbar([dot.cost], [dot.quality], yerr=bars, ecolor=colour, capsize=3, lw=1.1)
    axes.scatter(
        [dot.cost],
        [dot.quality],
        s=34,
        marker="D" if baseline else "o",
        facecolors=colour if certified else "white",
        edgecolors=colour,
        zorder=3,
    )
    if certified or baseline:
        place = (dot.cost, dot.quality)
        axes.annotate(label(dot.trial), place, (6, 3), textcoords="offset points", fontsize=7.5)


def _finish(axes: Any, across: str, up: str) -> None:
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, frameon=False)


def _matplotlib(module: str) -> Any:
    """A module of matplotlib; none with a window or a global figure. Raises `ExtraMissing`."""
    try:
        return import_module(f"matplotlib{module}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise ExtraMissing("matplotlib", extra="plots", what="a plot") from error
