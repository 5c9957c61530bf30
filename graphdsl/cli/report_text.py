"""A finished study on a terminal: the verdict, the finalists, what was paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphdsl.cli.output import console, counted, note, safe, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from graphdsl.search.report.certified import Certificate, Finalist
    from graphdsl.search.report.study_file import FinishedStudy


def print_study(study: FinishedStudy) -> None:
    """Print the verdict and the table of finalists on stdout, and remarks on stderr."""
    from graphdsl.search.report.verdict import remarks, verdict

    show(safe(_head(study)))
    show(safe(verdict(study)))
    if study.certificate is not None:
        console().print(_table(study, study.certificate))
    for said in (*remarks(study), *_paid(study)):
        show(safe(said))
    for said in (*study.problems, *study.result.remarks):
        note(safe(said))


def _head(study: FinishedStudy) -> str:
    result = study.result
    parts = [f"{result.flow}: study {result.name}", result.strategy, f"seed {result.seed}"]
    return " · ".join([*parts, counted(len(result.trials), "trial")])


def _table(study: FinishedStudy, found: Certificate) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from graphdsl.search.report.series import drawn_costs
    from graphdsl.search.report.wording import unit

    costs = [
        cost for cost in drawn_costs(study) if any(cost in one.costs for one in found.everyone)
    ]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("certified", overflow="ellipsis", no_wrap=True)
    for column in ("quality", "interval", "against the best baseline", *map(unit, costs), "items"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in found.everyone:
        table.add_row(*(safe(cell) for cell in _row(study, one, costs)))
    return table


def _row(study: FinishedStudy, one: Finalist, costs: list[str]) -> Iterator[str]:
    from graphdsl.search.report.verdict import name, strongest
    from graphdsl.search.report.wording import UNKNOWN, amount, percent, points

    pick = study.certificate is not None and one is study.certificate.pick
    yield name(study, one) + (" ◆" if pick else "")
    yield percent(one.quality.mean)
    yield f"{percent(one.quality.low)} to {percent(one.quality.high)}"
    difference = strongest(one)
    if difference is None:
        yield UNKNOWN
    else:
        ends = f"{points(difference.quality.low)} to {points(difference.quality.high)}"
        yield f"{points(difference.quality.mean)} ({ends})"
    for cost in costs:
        spent = one.costs.get(cost)
        yield amount(cost, None if spent is None else spent.mean)
    yield str(one.items or UNKNOWN)


def _paid(study: FinishedStudy) -> Iterator[str]:
    from graphdsl.search.report.ledger import ledger
    from graphdsl.search.report.wording import amount, unit

    for one in ledger(study.result):
        if one.budget is None and one.unit != "usd":
            continue
        of = "" if one.budget is None else f" of {amount(one.unit, one.budget)}"
        saved = f"; sharing saved {amount(one.unit, one.saved)}" if one.saved else ""
        yield f"{unit(one.unit)}: paid {amount(one.unit, one.spent)}{of}{saved}"
