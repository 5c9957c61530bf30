"""`graphdsl trace`: what a run did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, Whole, json_option
from graphdsl.cli.output import note, print_json
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.executors.trace import Trace

_NEAR: Final = 1000
"""Past runs, the newest, among which a mistyped id is looked for."""

_SHOWN: Final = 3
"""Ids that are named of several that begin alike."""


@click.command("trace")
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--gantt", is_flag=True, help="Draw when each node and call ran.")
@click.option("--cost", is_flag=True, help="Show what each node and model took.")
@click.option("--html", type=PATH, metavar="FILE", help="Write it all as one HTML page.")
@click.option("--all", "whole", is_flag=True, help="Show fields, prompts and conversions as well.")
@click.option("--list", "listed", is_flag=True, help="List past runs, newest first.")
@click.option("--flow", metavar="NAME", help="With --list: runs of this flow only.")
@click.option(
    "--status",
    type=click.Choice(["ok", "exhausted", "failed", "cancelled"]),
    help="With --list: runs that ended so only.",
)
@click.option("--batch", metavar="ID", help="With --list: runs of one `run --data` only.")
@click.option("--most", type=Whole(1), help="With --list: so many at most.  [default: 20]")
@json_option
def command(
    run: str | None,
    gantt: bool,
    cost: bool,
    html: Path | None,
    whole: bool,
    listed: bool,
    flow: str | None,
    status: str | None,
    batch: str | None,
    most: int | None,
    as_json: bool,
) -> int:
    """Show what a run did, node by node.

    RUN is the id of a run or the beginning of one, the path of a saved trace, or `last` (the
    default). `◆` marks the
    critical path: the nodes that decided how long the run took.
    """
    if listed:
        if run or gantt or cost or html or whole:
            raise click.UsageError("--list goes with --flow, --status, --batch and --most only")
        from graphdsl.cli.trace_list import show_runs

        return show_runs(flow, status, batch, most or 20, as_json)
    if flow or status or batch or most:
        raise click.UsageError("--flow, --status, --batch and --most go with --list")
    if run == "":
        raise click.UsageError("the id of the run is empty; leave it out for the last run")
    if html is not None:
        from graphdsl.cli.writing import refuse_program

        refuse_program(html, "--html")
    trace = find(run or "last")
    if html is not None:
        _write_page(trace, html, whole)
    if as_json:
        from graphdsl.cli.trace_report import report

        print_json(report(trace))
    elif gantt or cost or html is None:
        _show(trace, gantt, cost, whole)
    return Exit.OK


def _show(trace: Trace, gantt: bool, cost: bool, whole: bool) -> None:
    from graphdsl.executors.traces.analysis import analyse

    if not (gantt or cost):
        from graphdsl.cli.trace_tree import print_tree

        print_tree(trace, whole)
        return
    from graphdsl.cli.trace_words import print_foot, print_title

    analysis = analyse(trace)
    print_title(trace)
    if gantt:
        from graphdsl.cli.trace_gantt import print_gantt

        print_gantt(trace, analysis, whole)
    if cost:
        from graphdsl.cli.trace_cost import print_cost

        print_cost(trace, analysis, whole)
    print_foot(trace, analysis, whole)


def _write_page(trace: Trace, path: Path, whole: bool) -> None:
    from graphdsl.cli.writing import check_writable
    from graphdsl.executors.traces.page import to_page

    check_writable(path)
    path.write_text(to_page(trace, whole=whole), encoding="utf-8")
    note(f"written to {path}")


def find(run: str) -> Trace:
    """The trace that a word names. Raises `InputError` when there is none, or more than one."""
    from graphdsl.executors.runs import find_run, load_trace, past_runs, runs_file, runs_like

    if run == "last":
        newest = past_runs(most=1)
        if not newest:
            raise InputError(f"there is no past run in `{runs_file()}`; `graphdsl run` makes one")
        run = newest[0].run_id
    found = find_run(run)
    if found is not None:
        return found
    if "/" in run or run.endswith(".json") or Path(run).exists():
        return load_trace(Path(run))
    like = runs_like(run, most=_SHOWN + 1)
    if len(like) == 1 and (found := find_run(like[0])) is not None:
        return found
    if like:
        raise InputError(_several(run, like))
    raise InputError(_none(run))


def _several(run: str, like: list[str]) -> str:
    named = ", ".join(f"`{one}`" for one in like[:_SHOWN])
    more = ", and others" if len(like) > _SHOWN else ""
    return f"several runs begin with `{run}`: {named}{more}"


def _none(run: str) -> str:
    from graphdsl.diagnostics import did_you_mean
    from graphdsl.executors.runs import past_runs, runs_file

    run = run.encode("utf-8", "backslashreplace").decode()  # also what is no text
    if run == "list":
        return "there is no run `list`; `graphdsl trace --list` lists past runs"
    near = did_you_mean(run, [past.run_id for past in past_runs(most=_NEAR)])
    if near:
        return f"there is no run `{run}`; did you mean `{near[0]}`?"
    return f"there is no run `{run}` in `{runs_file()}`; `graphdsl trace --list` lists them"
