"""`graphdsl report`: a finished study as a page, as pictures, or for Optuna's dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import note, print_json, safe, show
from graphdsl.cli.writing import check_writable, refuse_program

if TYPE_CHECKING:
    from graphdsl.search.report.study_file import FinishedStudy


@click.command("report")
@click.argument("study", type=PATH, metavar="STUDY.json")
@click.option("--html", type=PATH, metavar="FILE", help="Write all of it as one HTML page.")
@click.option(
    "--plot",
    type=PATH,
    metavar="FILE",
    help="Draw front and convergence (.png, .svg, .pdf; needs the extra `plots`).",
)
@click.option(
    "--optuna",
    metavar="STORAGE",
    help="Write the trials for Optuna's dashboard: `sqlite:///study.db`, or a journal file.",
)
@json_option
def command(
    study: Path, html: Path | None, plot: Path | None, optuna: str | None, as_json: bool
) -> int:
    """Show what a finished study has found.

    STUDY.json is what `graphdsl optimize --out` writes. Without an option, the verdict and the
    finalists are printed.
    """
    if optuna == "":
        raise click.UsageError("--optuna is empty; write for example `sqlite:///study.db`")
    for path, option in ((html, "--html"), (plot, "--plot")):
        refuse_program(path, option)
        if path is not None and path.resolve() == study.resolve():
            raise click.UsageError(f"{option} would overwrite the study `{path}`")
    from graphdsl.search.report.study_file import load_study

    found = load_study(study)
    written = _write(found, html, plot)
    stored = None if optuna is None else _export(found, optuna)
    if as_json:
        from graphdsl.cli.report_json import report

        print_json(report(found, written, stored))
    elif not written and stored is None:
        from graphdsl.cli.report_text import print_study

        print_study(found)
    else:
        from graphdsl.search.report.verdict import verdict

        show(safe(verdict(found)))
    return Exit.OK


def _write(study: FinishedStudy, html: Path | None, plot: Path | None) -> list[str]:
    """The files that were asked for, all checked before the first is written."""
    files = [path for path in (html, plot) if path is not None]
    for path in files:
        check_writable(path)
    if plot is not None:
        from graphdsl.search.plots import kind_of_plot

        kind_of_plot(plot)
    if html is not None:
        from graphdsl.search.report.page import to_page

        html.write_text(to_page(study), encoding="utf-8")
        note(f"written to {html}")
    if plot is not None:
        from graphdsl.search.plots import save_plot

        save_plot(study, plot)
        note(f"written to {plot}")
    return [str(path) for path in files]


def _export(study: FinishedStudy, storage: str) -> str:
    from graphdsl.search.optuna_export import export_study, hidden_address
    from graphdsl.search.space import Space

    name = export_study(
        study.result, storage, None if study.graph is None else Space.of(study.graph)
    )
    note(f"study `{name}` written to {hidden_address(storage)}; `optuna-dashboard` opens it")
    return name
