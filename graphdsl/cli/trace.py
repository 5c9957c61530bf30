"""`graphdsl trace`: what a run did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import print_json
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.executors.trace import Trace


@click.command("trace")
@click.argument("run", default="last", metavar="[RUN]")
@click.option("--all", "whole", is_flag=True, help="Show fields, prompts and conversions as well.")
@json_option
def command(run: str, whole: bool, as_json: bool) -> int:
    """Show what a run did, node by node.

    RUN is the id of a run, the path of a saved trace, or `last` (the default).
    """
    trace = find(run)
    if as_json:
        from graphdsl.cli.schemas import TraceReport

        print_json(TraceReport.model_validate(trace.to_dict()))
    else:
        from graphdsl.cli.trace_tree import print_tree

        print_tree(trace, whole)
    return Exit.OK


def find(run: str) -> Trace:
    """The trace that a word names. Raises `InputError` when there is none."""
    from graphdsl.diagnostics import did_you_mean
    from graphdsl.executors.runs import load_run, load_trace, past_runs

    runs = past_runs()
    if run == "last":
        if not runs:
            raise InputError("there is no past run; `graphdsl run` makes one")
        return load_run(runs[0])
    if run in runs:
        return load_run(run)
    if Path(run).exists() or "/" in run or run.endswith(".json"):
        return load_trace(Path(run))
    near = did_you_mean(run, runs)
    raise InputError(f"there is no run `{run}`" + (f"; did you mean `{near[0]}`?" if near else ""))
