"""`graphdsl run --data`: JSON lines in, JSON lines out, in the same order."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

import click

from graphdsl.cli.batch import in_order
from graphdsl.cli.codes import Exit
from graphdsl.cli.dataset import Row, read_rows
from graphdsl.cli.output import note, pipe, print_error, print_json
from graphdsl.cli.progress import items_bar
from graphdsl.errors import GraphDslError
from graphdsl.values import Usage

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.executors.result import Result
    from graphdsl.plan import Budget


@dataclass(slots=True)
class _Tally:
    """What is written so far."""

    total: int
    statuses: Counter[str] = field(default_factory=Counter[str])
    usage: Usage = field(default_factory=Usage)
    started: float = field(default_factory=perf_counter)

    @property
    def done(self) -> int:
        return self.statuses.total()

    @property
    def code(self) -> Exit:
        """The worst of all items."""
        if self.statuses["failed"]:
            return Exit.BACKEND
        return Exit.EXHAUSTED if self.statuses["exhausted"] else Exit.OK


def run_data(
    flow: Flow,
    data: Path,
    out: Path | None,
    given: dict[str, Any],
    concurrency: int,
    seed: int,
    budget: Budget | None,
    as_json: bool,
) -> int:
    """Run every row and write one line for each; see the module."""
    if out is not None and out.exists() and data.exists() and out.samefile(data):
        raise click.UsageError("--out would overwrite the data")
    rows = read_rows(data, flow, given)
    tally = _Tally(len(rows))
    outcomes = in_order(
        rows, lambda row: flow.start(row.inputs, budget, seed), concurrency, done=lambda: step()
    )
    with (
        items_bar(flow.name, len(rows)) if not as_json else nullcontext(lambda: None) as step,
        closing(outcomes),
        _opened(out) as stream,
    ):
        try:
            for row, outcome in outcomes:
                _write(stream, row, outcome, tally)
        except KeyboardInterrupt:
            return _interrupted(tally, as_json)
    return _finished(tally, out, as_json)


def _opened(out: Path | None) -> Any:
    return nullcontext(sys.stdout) if out is None else out.open("w", encoding="utf-8")


def _write(stream: TextIO, row: Row, outcome: Result | GraphDslError, tally: _Tally) -> None:
    """One whole line at a time, so that an interrupted file can be read."""
    line = record(row, outcome)
    tally.statuses[line["status"]] += 1
    if not isinstance(outcome, GraphDslError):
        tally.usage += outcome.usage
    with pipe():
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        stream.flush()


def record(row: Row, outcome: Result | GraphDslError) -> dict[str, Any]:
    """The line of one item; `DataLine` in `graphdsl.cli.schemas`."""
    if isinstance(outcome, GraphDslError):
        return {"line": row.line, "data": row.data, "status": "failed", "error": str(outcome)}
    return {"line": row.line, "data": row.data, "error": None, **outcome.to_dict()}


def _finished(tally: _Tally, out: Path | None, as_json: bool) -> int:
    if as_json:
        _print_record(tally, out, ok=tally.code is Exit.OK)
    else:
        note(_summary(tally))
        bad = tally.total - tally.statuses["ok"]
        if bad:
            print_error(f"{bad} of {tally.total} items did not end well; see their `status`")
    return tally.code


def _interrupted(tally: _Tally, as_json: bool) -> int:
    if as_json:
        _print_record(tally, None, ok=False)
    else:
        print_error(f"interrupted: {tally.done} of {tally.total} items are written")
        note(_summary(tally))
    return Exit.INTERRUPTED


def _summary(tally: _Tally) -> str:
    counts = [f"{count} {status}" for status, count in sorted(tally.statuses.items())]
    usage = tally.usage
    spent = f"{usage.calls} calls · {usage.prompt_tokens} + {usage.completion_tokens} tokens"
    seconds = f"{perf_counter() - tally.started:.1f} s"
    return " · ".join([f"{tally.done} items", *counts, spent, seconds])


def _print_record(tally: _Tally, out: Path | None, ok: bool) -> None:
    from dataclasses import asdict

    from graphdsl.cli.schemas import DataReport

    print_json(
        DataReport.model_validate(
            {
                "ok": ok,
                "items": tally.total,
                "done": tally.done,
                "statuses": dict(tally.statuses),
                "usage": asdict(tally.usage),
                "seconds": perf_counter() - tally.started,
                "out": None if out is None else str(out),
            }
        )
    )
