"""The table of `graphdsl eval`, and what is said below it."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import console, counted, note, safe, show
from graphdsl.cli.spending import from_cache, spent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from graphdsl.api.evaluation.comparison import Comparison
    from graphdsl.api.evaluation.report import Evaluation
    from graphdsl.api.evaluation.row import Row

UNKNOWN: Final = "—"

_SHOWN: Final = 3
"""Reasons that are named for one row, those that came most often."""

_COLUMNS: Final = ("95 %", "tokens", "calls", "USD", "median", "p95", "cost")


def print_evaluation(found: Evaluation) -> None:
    """Print the table and its remarks on stdout, and costs and problems on stderr."""
    show(safe(_head(found)))
    console().print(_table(found))
    for line in _remarks(found):
        show(safe(line))
    for row in found.rows:
        _print_problems(row)
    parts = [counted(sum(row.done for row in found.rows if not row.same_as), "run")]
    parts += [*spent(found.usage), *from_cache(found.saved), f"{found.seconds:.1f} s"]
    note(f"{' · '.join(parts)} · batch {found.run_id}")


def _head(found: Evaluation) -> str:
    by = "" if found.by is None else f" by {found.by}"
    times = "" if found.repeats == 1 else f" × {found.repeats} runs"
    parts = [found.flow, f"{found.metric}{by}", f"{counted(found.items, 'item')}{times}"]
    parts += [f"seed {found.seed}", f"{found.concurrency} at once"]
    return " · ".join(parts)


def _table(found: Evaluation) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("per item", overflow="ellipsis", no_wrap=True)
    counted_flops = any(row.per_run("flops") for row in found.rows)
    more = ("FLOPs",) if counted_flops else ()
    for column in (found.metric[:10], *_COLUMNS, *more):
        table.add_column(column, justify="right", no_wrap=True)
    for row in _ordered(found):
        flops = (_power(row.per_run("flops")),) if counted_flops else ()
        table.add_row(safe(_name(row)), *_cells(row, found.ratio(row)), *flops)
    return table


def _ordered(found: Evaluation) -> list[Row]:
    """The rows, each vote of a level below the level."""
    votes = [row for row in found.rows if row.kind == "majority" and row.level is not None]
    listed: list[Row] = []
    for row in found.rows:
        if row not in votes:
            listed.append(row)
            listed += [vote for vote in votes if row.kind == "flow" and vote.level == row.level]
    return listed


def _name(row: Row) -> str:
    """The row, below its level where it has one; `=` marks one that is another row.

    A row of which runs are missing says how many it has.
    """
    below = "  " if row.kind == "majority" and row.level else ""
    same = " =" if row.same_as else ""
    missing = f" [{row.done}/{row.planned}]" if row.done < row.planned else ""
    return f"{below}{row.name}{same}{missing}"


def _cells(row: Row, ratio: float | None) -> Iterator[str]:
    interval, seconds = row.interval, row.latencies
    yield UNKNOWN if row.mean is None else f"{row.mean:.1%}".replace("%", " %")
    yield UNKNOWN if interval is None else f"{100 * interval.low:.0f}–{100 * interval.high:.0f}"
    yield _number(row.per_run("tokens"))
    yield _number(row.per_run("calls"))
    yield _money(row.per_run("usd"))
    yield _seconds(median(seconds) if seconds else None)
    yield _seconds(_tail(seconds))
    yield UNKNOWN if ratio is None else f"{ratio:.2f}×"


def _tail(seconds: list[float]) -> float | None:
    from graphdsl.api.evaluation.row import tail

    return tail(seconds)


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def _power(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1e}"


def _money(usd: float | None) -> str:
    """Dollars to two digits; below a cent as a power of ten, which is short."""
    if usd is None:
        return UNKNOWN
    return "0" if not usd else f"{usd:.3f}" if usd >= 0.01 else f"{usd:.1e}"


def _seconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{1000 * value:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


# ---- below the table


def _remarks(found: Evaluation) -> Iterator[str]:
    yield from _own(found)
    yield from map(_compared, found.comparisons)
    yield from _scaling(found)
    yield from (f"{row.name}: {row.note}" for row in found.rows if row.note)
    yield from found.notes
    if any(row.done and row.saved.calls and not row.latencies for row in found.rows):
        yield f"{UNKNOWN} under median and p95: samples came from the cache, so times say nothing"


def _own(found: Evaluation) -> Iterator[str]:
    """Where the flow is its own baseline."""
    names = {row.name for row in found.flows}
    own = [row for row in found.rows if row.kind == "majority" and row.same_as in names]
    if not own:
        return
    said = "itself a majority vote, so it is its own baseline at equal cost"
    every = len(own) == len(found.flows)
    where = "" if every else f" at {', '.join(row.level or '' for row in own)}"
    yield f"{found.flow}{where} is {said}"


def _compared(one: Comparison) -> str:
    cost = "" if one.ratio is None else f", at {one.ratio:.2f}× its cost"
    points = f"{100 * one.difference:+.1f} points"
    interval = f"({100 * one.low:+.1f} to {100 * one.high:+.1f})"
    counts = f"better on {counted(one.better, 'item')}, worse on {one.worse}"
    head = f"{one.name} - {one.baseline}: {points} {interval}, {counts}{cost}"
    return f"{head}\n  {one.sentence}"


def _scaling(found: Evaluation) -> Iterator[str]:
    arise = found.arise
    if arise is not None:
        error = "" if arise.standard_error is None else f" ± {arise.standard_error:.3f}"
        steps = f"{arise.improved} steps to right, {arise.degraded} to wrong"
        left = "" if not arise.left_out else f"; without {counted(arise.left_out, 'item')}"
        over = f"{arise.levels[0]} … {arise.levels[-1]}"
        yield f"ARISE {arise.mean:.3f}{error} over {over} ({steps}{left})"
    curve = found.saturation
    if curve is not None:
        yield (
            f"saturation: towards {curve.limit:.1%}; after {curve.enough} one more adds less than "
            f"{100 * curve.least_gain:g} point"
        ).replace("%", " %")


def _print_problems(row: Row) -> None:
    """Which runs count as wrong because something failed, and why."""
    if row.same_as is not None:
        return
    if row.limited:
        note(f"{row.name}: {row.limited} of {counted(row.done, 'run')} ended at their budget")
    count = row.failed + row.unscored
    if count:
        listed = [f"\n  {times} × {text}" for text, times in row.reasons[:_SHOWN]]
        more = len(row.reasons) - len(listed)
        rest = f"\n  and {counted(more, 'other reason')}" if more else ""
        runs = f"{count} of {counted(row.done, 'run')} without a score"
        note(safe(f"{row.name}: {runs}, which count as wrong{''.join(listed)}{rest}"))
