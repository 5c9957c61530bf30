"""`graphdsl eval`: a flow on examples, beside a single sample and a majority vote."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.api.evaluation.request import SPLIT, Request
from graphdsl.cli.codes import Exit
from graphdsl.cli.ending import Endings
from graphdsl.cli.eval_options import budgets, levels
from graphdsl.cli.inputs import read_budget
from graphdsl.cli.options import (
    PATH,
    SandboxName,
    Whole,
    file_argument,
    flow_argument,
    json_option,
    models_option,
    pairs,
    pins_option,
)
from graphdsl.cli.output import counted, note, print_error, print_json
from graphdsl.cli.programs import choose, load, refuse
from graphdsl.cli.progress import items_bar
from graphdsl.cli.run_task import user_cache
from graphdsl.cli.writing import check_writable, refuse_program
from graphdsl.errors import CompileError

if TYPE_CHECKING:
    from graphdsl.api.evaluation.report import Evaluation
    from graphdsl.api.evaluation.study import Settings
    from graphdsl.api.flow import Flow
    from graphdsl.api.module import Module
    from graphdsl.executors.session import Session


@click.command("eval")
@file_argument
@flow_argument
@click.option(
    "--data",
    type=PATH,
    help="Examples: JSON lines (`-`: stdin), or a table (.csv, .tsv). Default: the data of the "
    "`search` block about the flow.",
)
@click.option(
    "--metric",
    metavar="NAME",
    help="accuracy, exact, f1, or one of another package. Default: that of the `search` block, "
    "else accuracy.",
)
@click.option(
    "--by",
    metavar="WORD",
    help="How accuracy compares answers: text, number, choice, maths, exact. Default: as the "
    "target asks for.",
)
@click.option(
    "--input",
    "columns",
    multiple=True,
    metavar="INPUT=COLUMN",
    help="The column of an input; by default the one of its name. Repeatable.",
)
@click.option("--target", metavar="COLUMN", help="The column of the target (answer, target, …).")
@click.option("--limit", type=Whole(1), help="Only the first examples, so many.")
@click.option(
    "--repeats",
    type=Whole(1),
    default=1,
    show_default=True,
    help="Runs of every example, each with a seed of its own.",
)
@click.option(
    "--levels",
    callback=levels,
    metavar="ADDRESS=1,2,4",
    help="Measure the flow with each of these values of a hole.",
)
@click.option(
    "--budgets",
    callback=budgets,
    metavar="calls=1,2,4",
    help="Measure the flow with each of these limits of a run.",
)
@click.option(
    "--equal",
    type=click.Choice(["auto", "tokens", "usd", "calls"]),
    default="auto",
    show_default=True,
    help="What a majority vote at equal cost has equal; auto: money, where all of it is known.",
)
@click.option(
    "--baseline",
    metavar="ADDRESS",
    help="The node whose question the baselines ask; by default the first that asks a model.",
)
@click.option("--seed", type=Whole(), default=0, show_default=True, help="Seed of all sampling.")
@click.option("--budget", metavar="calls=16,…", help="Limits of one run, as for `run`.")
@click.option(
    "--session-budget", metavar="usd=5,…", help="Limits of all runs together, baselines included."
)
@click.option("--concurrency", type=Whole(1), default=16, show_default=True, help="Runs at once.")
@pins_option
@models_option
@click.option("--no-cache", is_flag=True, help="Ask models also what they have answered before.")
@click.option(
    "--split",
    metavar="NAME",
    default=SPLIT,
    show_default=True,
    help="The part of the data this is, for memories.",
)
@click.option("--sandbox", type=SandboxName(), help="Where code that models write runs.")
@click.option("--out", type=PATH, help="Write every run as a JSON line.")
@json_option
def command(file: Path, flow: str | None, as_json: bool, **options: Any) -> int:
    """Score a flow on examples, beside a single sample and a majority vote at equal cost.

    The table goes to stdout; what it cost, and what went wrong, to stderr.
    """
    out: Path | None = options["out"]
    refuse_program(out, "--out", file)
    session = _session(options["session_budget"])
    request = _request(options, session)
    module = load(file, as_json)
    chosen = choose(
        module,
        flow or _flow_of_block(module),
        pins=options["pins"],
        models=options["models"],
        as_json=as_json,
    )
    _check_out(out, chosen, options["data"])
    settings = _prepared(request, module, chosen, options["data"], as_json)
    if not options["no_cache"]:
        settings = replace(settings, options=replace(settings.options, cache=user_cache()))
    found = _measured(settings, str(file), as_json)
    if out is not None:
        _write(out, found)
    return _shown(found, out, as_json)


def _check_out(out: Path | None, flow: Flow, data: Path | None) -> None:
    """Raise where the runs cannot be written, or would overwrite the data."""
    from graphdsl.api.evaluation.block import block_for

    if out is None:
        return
    block = block_for(flow.module, flow.name)
    read = block.data if data is None and block is not None else data
    if read is not None and out.exists() and read.exists() and out.samefile(read):
        raise click.UsageError("--out would overwrite the data")
    check_writable(out)


def _session(text: str | None) -> Session | None:
    limits = read_budget(text)
    if limits is None:
        return None
    from graphdsl.executors.session import Session

    return Session(limits)


def _request(options: Mapping[str, Any], session: Session | None) -> Request:
    if options["levels"] is not None and options["budgets"] is not None:
        raise click.UsageError("--levels and --budgets cannot be given together")
    return Request(
        metric=options["metric"],
        by=options["by"],
        inputs=pairs(options["columns"], "question=problem"),
        target=options["target"],
        limit=options["limit"],
        repeats=options["repeats"],
        levels=options["levels"],
        budgets=options["budgets"],
        equal=options["equal"],
        baseline=options["baseline"],
        seed=options["seed"],
        budget=read_budget(options["budget"]),
        session=session,
        split=options["split"],
        sandbox=options["sandbox"],
        concurrency=options["concurrency"],
    )


def _flow_of_block(module: Module) -> str | None:
    """The flow of the program's `search` block, where no flow is named."""
    from graphdsl.api.evaluation.block import block_for

    block = block_for(module.program, None)
    return block.flow if block is not None and block.flow in module.flows else None


def _prepared(
    request: Request, module: Module, flow: Flow, data: Path | None, as_json: bool
) -> Settings:
    try:
        return request.prepared(flow, data)
    except CompileError as error:
        refuse(error.diagnostics, module.checked.sources, as_json)


def _measured(settings: Settings, file: str, as_json: bool) -> Evaluation:
    """What was found, also where Ctrl-C ended it; the traces are kept as one batch."""
    from graphdsl.api.evaluation.report import report
    from graphdsl.api.evaluation.study import Study, Watch

    with _keeping(settings.run_id, file) as endings:
        watch = Watch(_no_bar if as_json else items_bar, endings.started)
        options = replace(settings.options, observe=endings)
        study = Study(replace(settings, watch=watch, options=options))
        try:
            study.run()
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
            endings.wait()
    if options.cache is not None:
        options.cache.flush()  # so that it knows what it could not write
        for problem in options.cache.notes:
            note(problem)
    return report(study, interrupted=interrupted)


@contextmanager
def _keeping(run_id: str, file: str) -> Generator[Endings]:
    from graphdsl.executors.traces.keeper import RunKeeper

    with RunKeeper(batch=run_id, file=file) as keeper:
        yield Endings(keeper)
    if keeper.problem is not None:
        note(f"{counted(keeper.lost, 'trace')} not kept: {keeper.problem}")


def _no_bar(_name: str, _total: int) -> AbstractContextManager[Any]:
    return nullcontext(lambda: None)


def _write(out: Path, found: Evaluation) -> None:
    """One line for each run, in the order of the rows; what two rows share comes once."""
    with out.open("w", encoding="utf-8") as stream:
        for row in found.rows:
            told = {"row": row.name, "kind": row.kind, "level": row.level}
            for outcome in () if row.same_as else row.outcomes:
                line = json.dumps({**told, **outcome.to_dict()}, ensure_ascii=False)
                stream.write(line + "\n")


def _shown(found: Evaluation, out: Path | None, as_json: bool) -> int:
    if as_json:
        from graphdsl.cli.schemas import EvalReport

        whole = {**found.to_dict(), "out": None if out is None else str(out)}
        print_json(EvalReport.model_validate(whole))
    else:
        from graphdsl.cli.eval_table import print_evaluation

        print_evaluation(found)
    return _code(found, as_json)


def _code(found: Evaluation, as_json: bool) -> Exit:
    if found.interrupted:
        return _ended(found, "interrupted", Exit.INTERRUPTED, as_json)
    if found.exhausted is not None:
        why = f"the budget ran out ({found.exhausted})"
        return _ended(found, why, Exit.EXHAUSTED, as_json)
    if found.fruitless:
        if not as_json:
            print_error(f"no run of `{found.flow}` gave an answer")
        return Exit.BACKEND
    return Exit.OK


def _ended(found: Evaluation, why: str, code: Exit, as_json: bool) -> Exit:
    """Say how far it came."""
    if not as_json:
        parts = [f"{row.done} of {row.planned} runs of {row.name}" for row in found.rows]
        print_error(f"{why}: the table has {', '.join(parts) or 'no run'}")
    return code
