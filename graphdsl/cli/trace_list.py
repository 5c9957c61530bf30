"""`graphdsl trace --list`: past runs, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from graphdsl.cli.codes import Exit
from graphdsl.cli.output import console, counted, note, print_json, safe
from graphdsl.cli.spending import money
from graphdsl.cli.trace_words import STYLES

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from graphdsl.executors.traces.store import KeptRun


def show_runs(
    flow: str | None, status: str | None, batch: str | None, most: int, as_json: bool
) -> int:
    """Print the runs that fit as a table on stdout, or as one JSON object."""
    from graphdsl.executors.runs import past_runs, runs_file

    runs = past_runs(flow=flow, status=status, batch=batch, most=most)
    if as_json:
        from graphdsl.cli.schemas import PastRunsReport

        print_json(PastRunsReport.model_validate({"runs": [asdict(run) for run in runs]}))
    elif runs:
        out = console()
        out.print(_table(runs, out.width))
    else:
        chosen = flow or status or batch
        where = f" in `{runs_file()}`"
        note(("no past run is like that" if chosen else "there is no past run") + where)
    return Exit.OK


_WIDE: Final = 100
"""Columns from which on there is room for what the id of a run says as well: when it began."""

_GAP: Final = 2
_LEAST: Final = 8
"""Cells of a name that is cut."""

_FIRST_TO_GO: Final = ("batch", "tokens", "calls", "time", "saved", "cost", "flow", "status")
"""Columns that a narrow terminal has no room for."""

_NUMBERS: Final = frozenset({"time", "calls", "tokens", "cost", "saved"})

Column = Callable[["KeptRun"], str]


def _table(runs: list[KeptRun], width: int) -> Table:
    """At most as wide as the terminal: names of flows and batches are cut, ids of runs never."""
    from rich.table import Table

    columns = dict(_columns(runs, width))
    cells = {name: [say(run) for run in runs] for name, say in columns.items()}
    widths = {name: max(len(name), *map(len, column)) for name, column in cells.items()}
    _fit(widths, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for name, taken in widths.items():
        justify = "right" if name in _NUMBERS else "left"
        style = "dim" if name == "batch" else ""
        table.add_column(
            name, style=style, justify=justify, width=taken, no_wrap=True, overflow="ellipsis"
        )
    for at, run in enumerate(runs):
        table.add_row(*(_painted(name, cells[name][at], run.status) for name in widths))
    return table


def _columns(runs: list[KeptRun], width: int) -> Iterator[tuple[str, Column]]:
    """What stands in each column. Times are in UTC, as in the ids of runs."""
    yield "run", lambda run: safe(run.run_id)
    yield "flow", lambda run: safe(run.flow)
    yield "status", lambda run: safe(run.status)
    if width >= _WIDE:
        begun = "%Y-%m-%d %H:%M"
        yield "begun (UTC)", lambda run: time.strftime(begun, time.gmtime(run.started))
    yield "time", lambda run: f"{run.seconds:.2f} s"
    yield "calls", lambda run: str(run.calls)
    yield "tokens", lambda run: str(run.prompt_tokens + run.completion_tokens)
    yield "cost", lambda run: _money(run.usd)
    if any(run.saved_calls for run in runs):
        yield "saved", _saved
    if any(run.batch for run in runs):
        yield "batch", lambda run: safe(run.batch)


def _fit(widths: dict[str, int], width: int) -> None:
    """Cut names until it fits, then leave columns out."""
    for name in ("batch", "flow"):
        if name in widths:
            widths[name] -= min(max(0, _over(widths, width)), max(0, widths[name] - _LEAST))
    for name in _FIRST_TO_GO:
        if _over(widths, width) > 0:
            widths.pop(name, None)


def _over(widths: dict[str, int], width: int) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1) - width


def _painted(name: str, cell: str, status: str) -> Text:
    from rich.text import Text

    return Text(cell, style=STYLES.get(status, "green") if name == "status" else "")


def _saved(run: KeptRun) -> str:
    """What the cache saved: money, or samples where no price is known."""
    if not run.saved_calls:
        return ""
    return _money(run.saved_usd) if run.saved_usd else counted(run.saved_calls, "call")


def _money(usd: float | None) -> str:
    from graphdsl.values import PICO, Usage

    return "".join(money(Usage(cost=None if usd is None else round(usd * PICO))))
