"""`graphdsl run --data`: JSON lines in, JSON lines out, in the same order."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from graphdsl.api.batch import in_order
from graphdsl.cli.codes import Exit
from graphdsl.cli.dataset import Row, read_rows
from graphdsl.cli.ending import Endings
from graphdsl.cli.output import counted, note, pipe, print_error, print_json
from graphdsl.cli.progress import items_bar
from graphdsl.cli.spending import (
    OVERRUN,
    from_cache,
    overrun,
    passed_over,
    passes,
    settled,
    spent,
)
from graphdsl.cli.writing import check_writable
from graphdsl.errors import GraphDslError
from graphdsl.values import Usage

if TYPE_CHECKING:
    from concurrent.futures import Future

    from graphdsl.api.flow import Flow
    from graphdsl.cli.run_task import Task
    from graphdsl.executors.result import Result
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.executors.traces.keeper import RunKeeper
    from graphdsl.plan import Budget

_SHOWN: Final = 5
"""Reasons that a summary names, those that came most often."""


@dataclass(slots=True)
class _Tally:
    """What is written so far."""

    run_id: str
    total: int
    budget: Budget
    statuses: Counter[str] = field(default_factory=Counter[str])
    errors: Counter[str] = field(default_factory=Counter[str])
    usage: Usage = field(default_factory=Usage)
    doubtful: Usage = field(default_factory=Usage)
    saved: Usage = field(default_factory=Usage)
    passes: int = 0
    overruns: int = 0
    started: float = field(default_factory=perf_counter)

    @property
    def done(self) -> int:
        return self.statuses.total()

    def add(self, line: Mapping[str, Any], outcome: Result | GraphDslError) -> None:
        """Count one more line, and the result that it tells of."""
        self.statuses[line["status"]] += 1
        if line["status"] != "ok":
            self.errors[_reason(line)] += 1
        if not isinstance(outcome, GraphDslError):
            self.usage += outcome.usage
            self.doubtful += outcome.doubtful
            self.saved += outcome.saved
            self.passes += passes(outcome.trace)
            self.overruns += bool(overrun(outcome.usage, self.budget))

    @property
    def code(self) -> Exit:
        """The worst of all items."""
        if self.statuses["failed"]:
            return Exit.BACKEND
        return Exit.EXHAUSTED if self.statuses["exhausted"] else Exit.OK


def checked_rows(flow: Flow, data: Path, out: Path | None, given: Mapping[str, Any]) -> list[Row]:
    """All rows, once it is known that they fit, and that the lines can be written."""
    if out is not None and out.exists() and data.exists() and out.samefile(data):
        raise click.UsageError("--out would overwrite the data")
    if out is not None:
        check_writable(out)
    return read_rows(data, flow, given)


@contextmanager
def keeping(task: Task) -> Generator[RunKeeper]:
    """Keeps the traces of all rows as one batch; leave it when all runs have ended."""
    from graphdsl.executors.traces.keeper import RunKeeper

    with RunKeeper(batch=task.run_id, file=str(task.arguments.file)) as keeper:
        yield keeper
    if keeper.problem is not None:
        note(f"{counted(keeper.lost, 'trace')} not kept: {keeper.problem}")


def run_data(task: Task, rows: list[Row], options: RunOptions, keeper: RunKeeper) -> int:
    """Run every row and write one line for each; see the module.

    Banks know a row by its line, counted from 0; traces and the journal by its number.
    """
    out, as_json = task.arguments.out, task.as_json
    tally = _Tally(task.run_id, len(rows), task.arguments.budget)
    endings = Endings(keeper)
    options = replace(options, observe=endings)

    def start(row: Row) -> Future[Result]:
        future = task.flow.start(row.inputs, _options_of(row, task, options))
        endings.started()
        return future

    outcomes = in_order(
        rows,
        start,
        task.arguments.concurrency,
        done=lambda: step(),
    )
    with (
        items_bar(task.flow.name, len(rows)) if not as_json else nullcontext(_nothing) as step,
        closing(outcomes),
        _Lines(out) as lines,
    ):
        try:
            for row, outcome in outcomes:
                _write(lines, row, outcome, tally)
        except KeyboardInterrupt:
            outcomes.close()
            endings.wait()
            return _interrupted(tally, lines.path, as_json)
    return _finished(tally, out, as_json)


def _nothing() -> None:
    """One more item is done, and nobody watches."""


def _options_of(row: Row, task: Task, options: RunOptions) -> RunOptions:
    """The options of one row: what it is called in banks, traces and the journal."""
    return replace(
        options,
        item=str(row.line - 1),
        run_id=f"{task.run_id}-{row.line}",
        journal=None if task.journal is None else task.journal.run(str(row.line)),
    )


class _Lines(ExitStack):
    """Where the lines go. A file is emptied by the first line, not before there is one."""

    def __init__(self, out: Path | None) -> None:
        super().__init__()
        self._out = out
        self._stream: TextIO | None = None

    @property
    def path(self) -> Path | None:
        """The file, once it has a line."""
        return None if self._stream is None else self._out

    def write(self, line: str) -> None:
        """One whole line at a time, so that an interrupted file can be read."""
        stream = self._stream or self._opened()
        with pipe():
            stream.write(line + "\n")
            stream.flush()

    def _opened(self) -> TextIO:
        if self._out is None:
            stream: TextIO = sys.stdout
        else:
            stream = self.enter_context(self._out.open("w", encoding="utf-8"))
        self._stream = stream
        return stream


def _write(lines: _Lines, row: Row, outcome: Result | GraphDslError, tally: _Tally) -> None:
    line = record(row, outcome)
    tally.add(line, outcome)
    lines.write(json.dumps(line, ensure_ascii=False))


def record(row: Row, outcome: Result | GraphDslError) -> dict[str, Any]:
    """The line of one item; `DataLine` in `graphdsl.cli.schemas`."""
    if isinstance(outcome, GraphDslError):
        return {"line": row.line, "data": row.data, "status": "failed", "error": str(outcome)}
    kept = {name: value for name, value in outcome.to_dict().items() if name != "run_id"}
    return {"line": row.line, "data": row.data, **kept}


def _reason(line: Mapping[str, Any]) -> str:
    """Why an item did not end well, on one line."""
    if line["status"] == "exhausted":
        return f"the budget ran out ({line['exhausted']})"
    return next(iter(str(line["error"] or "").splitlines()), "")


def _finished(tally: _Tally, out: Path | None, as_json: bool) -> int:
    if as_json:
        _print_record(tally, out, ok=tally.code is Exit.OK, interrupted=False)
    else:
        note(_summary(tally))
        if tally.overruns:
            items = f"{tally.overruns} of {counted(tally.total, 'item')}"
            note(f"{items} went over the budget; {OVERRUN}")
        bad = tally.total - tally.statuses["ok"]
        if bad:
            reasons = [f"\n  {count} × {text}" for text, count in tally.errors.most_common(_SHOWN)]
            more = len(tally.errors) - len(reasons)
            rest = f"\n  and {counted(more, 'other reason')}" if more else ""
            said = f"{bad} of {counted(tally.total, 'item')} did not end well; see their `status`"
            print_error(said + "".join(reasons) + rest)
    return tally.code


def _interrupted(tally: _Tally, out: Path | None, as_json: bool) -> int:
    if as_json:
        _print_record(tally, out, ok=False, interrupted=True)
    else:
        print_error(f"interrupted: {tally.done} of {tally.total} items are written")
        note(_summary(tally))
    return Exit.INTERRUPTED


def _summary(tally: _Tally) -> str:
    done = counted(tally.done, "item")
    counts = [f"{count} {status}" for status, count in sorted(tally.statuses.items())]
    costs, seconds = spent(tally.usage, tally.doubtful), f"{perf_counter() - tally.started:.1f} s"
    more = [*from_cache(tally.saved), *passed_over(tally.passes)]
    return " · ".join([done, *counts, *costs, *more, seconds])


def _print_record(tally: _Tally, out: Path | None, *, ok: bool, interrupted: bool) -> None:
    from graphdsl.cli.schemas import DataReport

    print_json(
        DataReport.model_validate(
            {
                "ok": ok,
                "run_id": tally.run_id,
                "interrupted": interrupted,
                "items": tally.total,
                "done": tally.done,
                "statuses": dict(tally.statuses),
                "errors": [
                    {"message": text, "count": count}
                    for text, count in tally.errors.most_common(_SHOWN)
                ],
                "usage": tally.usage.to_dict(),
                "doubtful": tally.doubtful.to_dict(),
                "settled": settled(tally.usage, tally.doubtful).to_dict(),
                "saved": tally.saved.to_dict(),
                "seconds": perf_counter() - tally.started,
                "out": None if out is None else str(out),
            }
        )
    )
