"""`graphdsl run`: a flow on one input, or on every line of a file; and `--resume`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.ending import Endings
from graphdsl.cli.inputs import read_budget, typed_inputs
from graphdsl.cli.journalling import journalled, new_journal
from graphdsl.cli.options import (
    PATH,
    Positive,
    SandboxName,
    Whole,
    flow_argument,
    json_option,
    models_option,
    pairs,
    pins_option,
)
from graphdsl.cli.output import note
from graphdsl.cli.programs import choose, load
from graphdsl.cli.progress import wait_for
from graphdsl.cli.recording import recording, refuse_no_bank, refuse_same
from graphdsl.cli.run_result import exit_code, show_result
from graphdsl.cli.run_task import Task
from graphdsl.cli.writing import refuse_program
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.cli.dataset import Row
    from graphdsl.cli.run_arguments import Arguments
    from graphdsl.executors.result import Result
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.executors.trace import Trace


@click.command("run")
@click.argument("file", type=PATH, required=False)
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
@click.option("--session-budget", metavar="usd=5,…", help="Limits of all runs of --data together.")
@click.option(
    "--deadline",
    type=Positive(0, min_open=True),
    metavar="SECONDS",
    help="End each run after that time, with the best there is: `seconds` of --budget.",
)
@pins_option
@models_option
@click.option("--no-cache", is_flag=True, help="Ask models also what they have answered before.")
@click.option(
    "--record",
    type=PATH,
    metavar="BANK",
    help="Add every completion to a bank (.jsonl or .db), from which `replay` models answer.",
)
@click.option("--split", metavar="NAME", help="The part of the data this is, for memories.")
@click.option("--sandbox", type=SandboxName(), help="Where code that models write runs.")
@click.option(
    "--journal/--no-journal",
    default=None,
    help="Keep a journal, so that the run can be resumed; by default where one can be written.",
)
@click.option(
    "--resume",
    metavar="ID",
    help="Go on with a run that ended badly (`last`: the newest one), without paying for what it "
    "has. It takes everything else from its journal.",
)
@click.option(
    "--content", is_flag=True, help="Keep prompts and replies in the trace, and prompts in a bank."
)
@click.option("--trace", is_flag=True, help="Show what happened, node by node.")
@json_option
def command(
    file: Path | None,
    flow: str | None,
    resume: str | None,
    trace: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Run a flow on one input, or on a file of them.

    The answer goes to stdout, what it cost to stderr.
    """
    if resume is not None:
        _refuse_beside_resume()
        return _resumed(resume, options["given"], options["models"], trace, as_json)
    if file is None:
        raise click.UsageError("missing argument `FILE`")
    return _new(_arguments(file, flow, options), options, trace, as_json)


def _arguments(file: Path, flow: str | None, options: Mapping[str, Any]) -> Arguments:
    """What the command line says by itself. Raises a usage error."""
    from graphdsl.cli.run_arguments import Arguments
    from graphdsl.plan import Budget

    data, out = options["data"], options["out"]
    given = {"--out": out, "--session-budget": options["session_budget"]}
    named = [option for option, value in given.items() if value is not None]
    if data is None and named:
        raise click.UsageError(f"{' and '.join(named)} {'go' if named[1:] else 'goes'} with --data")
    limits, deadline = read_budget(options["budget"]) or Budget(), options["deadline"]
    if deadline is not None and limits.seconds is not None:
        raise click.UsageError("--deadline and the limit `seconds` of --budget are the same")
    return Arguments(
        folder=Path.cwd(),
        file=file,
        flow=flow,
        models=options["models"],
        data=data,
        out=None if out is not None and str(out) == "-" else out,
        concurrency=options["concurrency"],
        seed=options["seed"],
        budget=limits if deadline is None else replace(limits, seconds=deadline),
        session_budget=read_budget(options["session_budget"]),
        record=options["record"],
        content=options["content"],
        cache=not options["no_cache"],
        split=options["split"],
        sandbox=options["sandbox"],
    )


def _new(arguments: Arguments, options: Mapping[str, Any], trace: bool, as_json: bool) -> int:
    from graphdsl.executors.engine import new_run_id

    texts = pairs(options["given"], "question=What is 2 + 2?")
    _refuse_mixed_output(arguments, as_json)
    module = load(arguments.file, as_json)
    flow = choose(
        module, arguments.flow, pins=options["pins"], models=arguments.models, as_json=as_json
    )
    inputs = typed_inputs(texts, flow.inputs)
    source = module.program.source.text if str(arguments.file) == "-" else None
    arguments = replace(arguments, program=source, inputs=inputs, pins=dict(flow.assignment))
    rows = _checked(flow, arguments, arguments.data)
    run_id = new_run_id()
    task = Task(flow, arguments, run_id, rows, trace=trace, as_json=as_json)
    if options["journal"] is not False:
        task = replace(task, journal=new_journal(task, required=options["journal"] is True))
    return _work(task)


def _resumed(
    run_id: str, given: tuple[str, ...], models: dict[str, str], trace: bool, as_json: bool
) -> int:
    from graphdsl.cli.run_arguments import Arguments
    from graphdsl.executors.journal import shelf

    with closing(shelf.resume(run_id)) as journal:
        header = journal.header.get("arguments")
        if header is None:
            raise InputError(f"`{journal.path}` is not the journal of a command")
        texts = pairs(given, "question=What is 2 + 2?")
        arguments, texts = Arguments.from_header(header, texts, models)
        if str(arguments.file) == "-":
            arguments = replace(arguments, program=shelf.kept_program(journal.id))
        os.chdir(arguments.folder)
        _refuse_mixed_output(arguments, as_json)
        module = load(arguments.file, as_json, arguments.program)
        flow = choose(
            module, arguments.flow, pins=arguments.pins, models=arguments.models, as_json=as_json
        )
        inputs = {**arguments.inputs, **typed_inputs(texts, flow.inputs)}
        arguments = replace(arguments, inputs=inputs)
        stdin = arguments.data is not None and str(arguments.data) == "-"
        data = shelf.data_path(journal.id) if stdin else arguments.data
        rows = _checked(flow, arguments, data)
        task = Task(flow, arguments, journal.id, rows, journal, trace=trace, as_json=as_json)
        task.check()
        return _work(task)


def _refuse_beside_resume() -> None:
    """Raise a usage error for what the journal knows, so that nobody thinks it was changed."""
    context = click.get_current_context()
    allowed = {"resume", "trace", "as_json", "given", "models"}
    for param in context.command.params:
        name = param.name or ""
        source = context.get_parameter_source(name)
        if name not in allowed and source is click.core.ParameterSource.COMMANDLINE:
            said = param.opts[0] if isinstance(param, click.Option) else name.upper()
            raise click.UsageError(f"--resume goes on as the run began, so leave `{said}` out")


def _refuse_mixed_output(arguments: Arguments, as_json: bool) -> None:
    if arguments.data is not None and as_json and arguments.out is None:
        raise click.UsageError("--json with --data prints a summary, so name a file with --out")


def _checked(flow: Flow, arguments: Arguments, data: Path | None) -> list[Row] | None:
    """The rows of the data, if there is any, once all that can be wrong before a run is known."""
    refuse_program(arguments.out, "--out", arguments.file)
    refuse_program(arguments.record, "--record", arguments.file)
    refuse_no_bank(arguments.record)
    refuse_same(arguments.record, arguments.data, arguments.out)
    if data is None:
        flow.fits(arguments.inputs)
        return None
    from graphdsl.cli.run_data import checked_rows

    return checked_rows(flow, data, arguments.out, arguments.inputs)


def _work(task: Task) -> int:
    """Do all of it; a journal of a run that is refused on the way does not stay."""
    with journalled(task.journal, task.as_json):
        return _recorded(task)


def _recorded(task: Task) -> int:
    arguments = task.arguments
    with recording(arguments.record, arguments.content, task.as_json) as recorder:
        options = task.options(recorder)
        if task.rows is None:
            code = _finished(task, _run_one(task, options))
        else:
            from graphdsl.cli.run_data import keeping, run_data

            rows = task.rows
            with keeping(task) as keeper:
                code = _finished(task, run_data(task, rows, options, keeper))
        if options.cache is not None:
            options.cache.flush()  # so that it knows what it could not write
            for problem in options.cache.notes:
                note(problem)
    return code


def _finished(task: Task, code: int) -> int:
    """Note in the journal that the work ended, if it ended well."""
    if task.journal is not None and code in (Exit.OK, Exit.EXHAUSTED):
        task.journal.finish()
    return code


def _run_one(task: Task, options: RunOptions) -> int:
    if task.journal is not None:
        options = replace(options, journal=task.journal.run("0"))
    result = _result(task, options)
    show_result(task, result)
    return exit_code(result)


def _result(task: Task, options: RunOptions) -> Result:
    """Run and wait; the trace is kept for `graphdsl trace`, also of a run that broke."""
    traces: list[Trace] = []
    endings = Endings(traces.append)
    options = replace(options, observe=endings, run_id=task.run_id)
    future = task.flow.start(task.arguments.inputs, options)
    endings.started()
    try:
        return wait_for(future, f"running {task.flow.name} …")
    except KeyboardInterrupt:
        endings.wait()
        raise
    finally:
        for trace in traces:
            keep(trace, str(task.arguments.file))


def keep(trace: Trace, file: str) -> None:
    """Save a trace. Whatever goes wrong with that is a note: it must not cost the answer."""
    from graphdsl.executors.runs import keep_run, reason

    try:
        keep_run(trace, file=file)
    except Exception as error:  # a full disk, or a defect of ours: the answer is worth more
        said = reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        note(f"the trace was not kept: {said}")
