"""The table of all trials, which can be sorted where scripts run, and the pins of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from graphdsl.executors.traces.markup import text
from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.wording import UNITS, UNKNOWN, amount, label, percent, pins, unit
from graphdsl.search.result import Trial

MOST_PINS: Final = 700_000
"""Characters of pins on a page; the best trials have theirs, the file of the study has all."""

_COSTS: Final = ("calls", "tokens", "usd", "flops", "seconds")

_ORDER: Final = ("finalist", "front", "beaten", "dropped", "refused")


def trials_table(study: FinishedStudy) -> str:
    """Every trial, the best first."""
    ranked = sorted(study.result.trials, key=lambda trial: _rank(study, trial))
    costs = _costs(study)
    heads = [
        '<th data-sort="number">trial</th>',
        "<th>standing</th>",
        '<th data-sort="number">certified</th>',
        '<th data-sort="number" title="biased: it chose the winner">search mean</th>',
        '<th data-sort="number" title="drawn towards what is usual">shrunken</th>',
        '<th data-sort="number">items</th>',
        *(f'<th data-sort="number">{text(unit(cost))}</th>' for cost in costs),
        '<th class="words">pins</th>',
    ]
    rows = "\n".join(_rows(study, ranked, costs))
    return (
        f'<div class="wide"><table class="trials"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _rank(study: FinishedStudy, trial: Trial) -> tuple[int, float, int]:
    certified = study.certificate and study.certificate.of(trial.identity)
    quality = certified.quality.mean if certified else trial.shrunken
    standing = 0 if certified else _ORDER.index(trial.standing)
    return standing, -quality if math.isfinite(quality) else math.inf, trial.number


def _costs(study: FinishedStudy) -> list[str]:
    """Those that were minimised, then the usual ones, then others, where any trial has them."""
    known = {name for trial in study.result.trials for name in trial.costs}
    wanted = [*study.result.minimise, *_COSTS, *sorted(known - UNITS.keys())]
    return [name for name in dict.fromkeys(wanted) if name in known]


def _rows(study: FinishedStudy, ranked: Sequence[Trial], costs: Sequence[str]) -> Iterator[str]:
    room = MOST_PINS
    for trial in ranked:
        said = escape(pins(trial.assignment), quote=False)
        room -= len(said)
        yield _row(study, trial, costs, said if room >= 0 else "")


def _row(study: FinishedStudy, trial: Trial, costs: Sequence[str], said: str) -> str:
    certified = study.certificate and study.certificate.of(trial.identity)
    # A name sorts by its number; numbers that are shown in short are sorted by what they are.
    cells = [
        f"<td data-v={trial.number}>{text(label(trial))}</td>",
        f"<td>{trial.standing}</td>",
        _value(certified.quality.mean if certified else math.nan),
        _value(trial.quality),
        _value(trial.shrunken),
        f"<td>{trial.items}</td>",
        *(_cost(cost, trial.costs.get(cost)) for cost in costs),
        f'<td class="pins">{_clean(said) or UNKNOWN}</td>',
    ]
    return f'<tr id="t{trial.number}">{"".join(cells)}</tr>'


def _value(quality: float) -> str:
    return f"<td>{percent(quality)}</td>"


def _cost(cost: str, value: float | None) -> str:
    if value is None:
        return f"<td>{UNKNOWN}</td>"
    return f"<td data-v={value:.6g}>{amount(cost, value)}</td>"


def _clean(said: str) -> str:
    """Without characters that are not shown."""
    return "".join(char for char in said if char.isprintable())
