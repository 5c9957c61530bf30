"""The best graphs of a study, drawn."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from graphdsl.compiler.specialise import specialise
from graphdsl.drawing import draw, render
from graphdsl.errors import CompileError
from graphdsl.executors.traces.markup import text
from graphdsl.ir.nodes import Graph
from graphdsl.search.report.study_file import FinishedStudy, usual
from graphdsl.search.report.wording import chosen, label, pins
from graphdsl.search.result import Trial

MOST: Final = 4
"""Graphs that are drawn."""

_LARGEST: Final = 150_000
"""Characters of one drawing: a graph of hundreds of nodes would be no picture any more."""


def best_graphs(study: FinishedStudy) -> Iterator[str]:
    """The best candidates, each with what it chose, its pins, and a picture of its graph."""
    for trial in _best(study)[:MOST]:
        yield _one(study, trial)


def _best(study: FinishedStudy) -> list[Trial]:
    """Certified candidates, the pick first, else the front of the search."""
    by_identity, found = study.by_identity, study.certificate
    if found is None:
        names = list(study.result.front)
    else:
        ranked = [found.pick, *(one for one in found.everyone if one is not found.pick)]
        names = [one.identity for one in ranked]
    return [by_identity[name] for name in names if name in by_identity]


def _one(study: FinishedStudy, trial: Trial) -> str:
    picture = "" if study.graph is None else _picture(study.graph, trial)
    said = text(chosen(trial.assignment, usual(study)))
    return (
        f'<article class="graph"><h3>{text(label(trial))}</h3>'
        f'<div class="soft">{said}</div>\n{picture}\n'
        f'<pre class="pins">{text(pins(trial.assignment))}</pre></article>'
    )


def _picture(graph: Graph, trial: Trial) -> str:
    """As an image of its own, so that its style and that of the page leave each other alone."""
    try:
        drawing = draw(specialise(graph, trial.assignment))
    except CompileError as error:
        return f'<p class="soft">It cannot be drawn: {text(str(error))}</p>'
    svg = render(drawing, "svg")
    if len(svg) > _LARGEST:
        return f'<p class="soft">Its {len(drawing.boxes)} nodes are too many to draw.</p>'
    encoded = b64encode(svg.encode()).decode()
    name = f"the graph of {label(trial)}: {len(drawing.boxes)} nodes"
    return f'<img alt="{text(name)}" src="data:image/svg+xml;base64,{encoded}">'
