"""`graphdsl run`: a flow on one input, or on every line of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.inputs import read_budget, typed_inputs
from graphdsl.cli.options import (
    PATH,
    Whole,
    file_argument,
    flow_argument,
    json_option,
    models_option,
    pairs,
    pins_option,
)
from graphdsl.cli.output import note, print_error, print_json, safe, show
from graphdsl.cli.programs import choose, load
from graphdsl.cli.progress import wait_for
from graphdsl.cli.recording import recording, refuse_same
from graphdsl.cli.spending import OVERRUN, overrun, passed_over, passes, spent

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.executors.recording import Recorder
    from graphdsl.executors.result import Result
    from graphdsl.executors.trace import Trace
    from graphdsl.plan import Budget


@click.command("run")
@file_argument
@flow_argument
@click.option(
    "--input",
    "-i",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="An input: text as it is, JSON for other types, @FILE for a file's content. With --data "
    "it holds for the lines that do not give it. Repeatable.",
)
@click.option(
    "--data",
    type=PATH,
    help="Inputs as JSON lines (`-`: stdin), one per run; what a line gives wins over --input.",
)
@click.option("--out", type=PATH, help="Where --data writes its lines (`-`: stdout).")
@click.option(
    "--concurrency",
    type=Whole(1),
    default=16,
    show_default=True,
    help="Runs at once, with --data.",
)
@click.option("--seed", type=Whole(), default=0, show_default=True, help="Seed of all sampling.")
@click.option(
    "--budget",
    metavar="calls=16,…",
    help="Limits of one run: calls, tokens, prompt_tokens, completion_tokens, seconds, usd, flops.",
)
@pins_option
@models_option
@click.option(
    "--record",
    type=PATH,
    metavar="BANK",
    help="Add every completion to a bank (.jsonl or .db), from which `replay` models answer.",
)
@click.option(
    "--content", is_flag=True, help="Keep prompts and replies in the trace, and prompts in a bank."
)
@click.option("--trace", is_flag=True, help="Show what happened, node by node.")
@json_option
def command(
    file: Path,
    flow: str | None,
    given: tuple[str, ...],
    data: Path | None,
    out: Path | None,
    concurrency: int,
    seed: int,
    budget: str | None,
    pins: Path | None,
    models: dict[str, str],
    record: Path | None,
    content: bool,
    trace: bool,
    as_json: bool,
) -> int:
    """Run a flow on one input, or on a file of them.

    The answer goes to stdout, what it cost to stderr.
    """
    limits = read_budget(budget)
    texts = pairs(given, "question=What is 2 + 2?")
    if data is None and out is not None:
        raise click.UsageError("--out goes with --data")
    out = None if out is not None and str(out) == "-" else out
    if data is not None and as_json and out is None:
        raise click.UsageError("--json with --data prints a summary, so name a file with --out")
    chosen = choose(load(file, as_json), flow, pins=pins, models=models, as_json=as_json)
    inputs = typed_inputs(texts, chosen.inputs)
    refuse_same(record, data, out)
    with recording(record, content, as_json) as recorder:
        if data is None:
            code = _run_one(chosen, inputs, seed, limits, content, trace, as_json, recorder)
        else:
            from graphdsl.cli.run_data import run_data

            code = run_data(chosen, data, out, inputs, concurrency, seed, limits, as_json, recorder)
    return code


def _run_one(
    flow: Flow,
    inputs: dict[str, Any],
    seed: int,
    budget: Budget | None,
    content: bool,
    trace: bool,
    as_json: bool,
    recorder: Recorder | None,
) -> int:
    result = _result(flow, inputs, budget, seed, content, recorder)
    if as_json:
        from graphdsl.cli.schemas import RunReport

        print_json(RunReport.model_validate({"ok": result.status == "ok", **result.to_dict()}))
        return exit_code(result)
    if has_value(result):
        show(answer_text(result))
    note(f"{spent_line(result)} · run {result.run_id}")
    over = overrun(result.usage, budget)
    if over:
        note(f"over the budget: {', '.join(over)}; {OVERRUN}")
    if result.status != "ok":
        print_error(why(result))
    if trace and result.trace is not None:
        from graphdsl.cli.trace_tree import print_tree

        print_tree(result.trace)
    return exit_code(result)


def _result(
    flow: Flow,
    inputs: dict[str, Any],
    budget: Budget | None,
    seed: int,
    content: bool,
    recorder: Recorder | None,
) -> Result:
    """Run and wait; the trace is kept for `graphdsl trace`, also of a run that broke."""
    traces: list[Trace] = []
    future = flow.start(inputs, budget, seed, content, traces.append, record=recorder)
    try:
        return wait_for(future, f"running {flow.name} …")
    finally:
        for trace in traces:
            keep(trace)


def keep(trace: Trace) -> None:
    """Save a trace; a full or read-only disk must not cost the answer."""
    from graphdsl.executors.runs import keep_run

    try:
        keep_run(trace)
    except OSError as error:
        note(f"the trace was not kept: {error.strerror or error}")


def exit_code(result: Result) -> int:
    """What a run's status means for a script."""
    return {"ok": Exit.OK, "exhausted": Exit.EXHAUSTED}.get(result.status, Exit.BACKEND)


def answer_text(result: Result) -> str:
    """The value as a person reads it; lists and records are JSON."""
    from graphdsl.executors.result import jsonable
    from graphdsl.values import Verdict, as_text

    output = result.output
    if type(output) in (tuple, dict):
        return safe(json.dumps(jsonable(output), indent=2, ensure_ascii=False))
    if isinstance(output, Verdict):
        return safe(f"{'passed' if output.passed else 'failed'}: {output.reason or output.answer}")
    return safe(as_text(output))


def has_value(result: Result) -> bool:
    """False where the run gave nothing that could be shown as its answer."""
    return result.error is None or bool(answer_text(result))


def spent_line(result: Result) -> str:
    """Confidence, calls, tokens, money, what did not go as planned, and seconds on one line."""
    confidence = result.confidence if has_value(result) else None
    parts = [
        f"confidence {confidence:.0%}" if confidence is not None else "",
        *spent(result.usage),
        *passed_over(passes(result.trace)),
        f"{result.seconds:.2f} s",
    ]
    return " · ".join(part for part in parts if part)


def why(result: Result) -> str:
    """Why a run did not end well."""
    if result.status != "exhausted":
        return result.error or "no sample gave an answer"
    rest = "there is no answer" if result.error else "the answer is the best there was"
    return f"the budget ran out ({result.exhausted}); {rest}"
