"""A finished study as one HTML page that loads nothing and needs no script to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from graphdsl.executors.traces.markup import classes, text
from graphdsl.executors.traces.page_shell import asset, base_style, html_page
from graphdsl.search.importance import Importance, importance
from graphdsl.search.report import tables
from graphdsl.search.report.ablation_chart import ablation_chart
from graphdsl.search.report.convergence_chart import convergence_chart
from graphdsl.search.report.drawings import best_graphs
from graphdsl.search.report.front_chart import front_chart
from graphdsl.search.report.ledger import ledger
from graphdsl.search.report.series import drawn_costs
from graphdsl.search.report.study_file import FinishedStudy
from graphdsl.search.report.trials_table import trials_table
from graphdsl.search.report.verdict import ENDINGS, remarks, verdict
from graphdsl.search.report.wording import amount, percent, unit
from graphdsl.search.space import Space
from graphdsl.search.tried_space import tried_space


def to_page(study: FinishedStudy) -> str:
    """The page. Nothing in it is markup but what is written here: names are escaped."""
    result = study.result
    style = base_style() + asset(__file__, "page.css")
    body = "\n".join([*_head(study), *_sections(study)])
    title = f"{result.flow}: study {result.name}"
    return html_page(title, style, body, asset(__file__, "page.js"), images=True)


def _sections(study: FinishedStudy) -> Iterator[str]:
    yield from _certificate(study)
    if study.result.trials:
        yield from _front(study)
        yield "<h2>Convergence</h2>"
        yield convergence_chart(study)
        yield from _importance(study)
    yield from _ablation(study)
    yield from _costs(study)
    yield from _graphs(study)
    if study.result.distribution:
        yield "<h2>What the strategy believed in the end</h2>"
        yield tables.distributions(study)
    yield from _trials(study)
    yield from _reproducing(study)


# ---- the beginning


def _head(study: FinishedStudy) -> Iterator[str]:
    result = study.result
    certified = study.certificate is not None
    word = "certified" if certified else "not certified"
    status = f"<span{classes('status', 'ok' if certified else 'exhausted')}>{word}</span>"
    yield f"<h1>{text(result.flow)} {status}</h1>"
    yield (
        f'<div class="soft">study {text(result.name)} · strategy {text(result.strategy)} · seed '
        f"{result.seed} · {text(ENDINGS.get(result.ending, result.ending))}</div>"
    )
    yield f'<p class="verdict">{_bold(text(verdict(study)))}</p>'
    yield from (f'<p class="soft">{text(said)}</p>' for said in remarks(study))
    yield from _totals(study)
    yield from (f'<p class="warn">{text(said)}</p>' for said in study.problems)


def _bold(said: str) -> str:
    """What stands in backticks, as the page shows it."""
    return re.sub("`([^`]*)`", r"<b>\1</b>", said)


def _totals(study: FinishedStudy) -> Iterator[str]:
    result = study.result
    tiles = [("graphs in the space", _points(result.points))]
    tiles += [("graphs tried", f"{len(result.trials):,}")]
    tiles += [(f"{part} items", f"{count:,}") for part, count in result.items.items()]
    tiles += [
        (f"{unit(one.unit)} paid", amount(one.unit, one.spent) + _of(one.unit, one.budget))
        for one in ledger(result)
        if one.budget is not None or one.unit == "usd"
    ]
    inner = "".join(
        f"<div><dt>{text(about)}</dt><dd>{text(value)}</dd></div>" for about, value in tiles
    )
    yield f'<dl class="totals">{inner}</dl>'


def _points(points: int | None) -> str:
    if points is None:
        return "a continuum"
    return f"{points:,}" if points < 10**9 else f"10^{len(str(points)) - 1}"


def _of(cost: str, budget: float | None) -> str:
    return "" if budget is None else f" of {amount(cost, budget)}"


# ---- sections


def _certificate(study: FinishedStudy) -> Iterator[str]:
    yield "<h2>Certificate</h2>"
    found = study.certificate
    if found is None:
        yield (
            '<p class="soft">There is none. Numbers of the search part of the data are chosen to '
            "be high, so they are no result: let the budget reach the certificate.</p>"
        )
        return
    yield tables.finalists(study, found)
    yield (
        '<p class="soft">Measured once, on items that no step of the search had seen; the pick was '
        "named before. Intervals hold for all finalists together; differences are paired, on the "
        "same items.</p>"
    )
    yield _facts(found.facts)


def _front(study: FinishedStudy) -> Iterator[str]:
    yield "<h2>Quality against cost</h2>"
    costs = drawn_costs(study)
    if not costs:
        yield '<p class="soft">No cost differs between candidates.</p>'
        return
    charts = "\n".join(front_chart(study, cost) for cost in costs)
    yield f'<div class="charts">\n{charts}\n</div>'


def _importance(study: FinishedStudy) -> Iterator[str]:
    yield "<h2>Which parameters matter</h2>"
    found = _analysed(study)
    if found.reason:
        yield f'<p class="soft">Not said: {text(found.reason)}.</p>'
        return
    yield tables.effects(found)
    yield (
        f'<p class="soft">The share of the variance of quality over the whole space that a '
        f"parameter explains alone, by a forest fitted to {found.trials} graphs (R² "
        f"{found.fit:.2f} on graphs that it had not seen); {percent(found.rest, 0)} is explained "
        "only by several together, or is noise of the fit. These are numbers of the search: they "
        "say where to look next, and prove nothing.</p>"
    )


def _analysed(study: FinishedStudy) -> Importance:
    trials = study.result.trials
    space = tried_space(trials) if study.graph is None else Space.of(study.graph)
    if space is None:
        said = "the file holds no graph, so that its space is not known"
        return Importance(reason=said)
    return importance(trials, space)


def _ablation(study: FinishedStudy) -> Iterator[str]:
    if study.ablation:
        yield "<h2>What each node adds</h2>"
        yield ablation_chart(study)


def _costs(study: FinishedStudy) -> Iterator[str]:
    yield "<h2>Costs</h2>"
    entries = ledger(study.result)
    yield tables.costs(entries) if entries else '<p class="soft">Nothing was paid.</p>'


def _graphs(study: FinishedStudy) -> Iterator[str]:
    found = "\n".join(best_graphs(study))
    if found:
        yield "<h2>The best graphs</h2>"
        yield f'<div class="graphs">\n{found}\n</div>'


def _trials(study: FinishedStudy) -> Iterator[str]:
    trials = study.result.trials
    if not trials:
        return
    yield f"<h2>All {len(trials):,} trials</h2>"
    yield (
        '<p class="soft">Means of the search are biased: they chose the winner. '
        "Pins are what <code>graphdsl run --with</code> takes.</p>"
    )
    yield trials_table(study)


def _reproducing(study: FinishedStudy) -> Iterator[str]:
    result = study.result
    yield "<h2>Reproducing it</h2>"
    command = result.facts.get("command")
    if command:
        yield f"<pre>{text(command)}</pre>"
    facts = [(key, value) for key, value in result.facts.items() if key != "command"]
    facts += [("seed", str(result.seed))]
    facts += [(f"items for {part}", f"{count:,}") for part, count in result.items.items()]
    yield _facts(facts)
    if result.remarks:
        yield "<h2>Remarks</h2>"
        listed = "".join(f"<li>{text(said)}</li>" for said in result.remarks)
        yield f"<ul>{listed}</ul>"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values."""
    rows = "".join(
        f"<dt>{text(about.replace('_', ' '))}</dt><dd>{text(value)}</dd>" for about, value in facts
    )
    return f'<dl class="facts">{rows}</dl>' if rows else ""
