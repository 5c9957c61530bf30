"""`graphdsl graph`: a flow as a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import (
    PATH,
    file_argument,
    flow_argument,
    json_option,
    models_option,
    pins_option,
)
from graphdsl.cli.output import print_json, show
from graphdsl.cli.programs import choose, load
from graphdsl.cli.writing import check_writable, refuse_program

FORMS: Final = ("mermaid", "dot", "svg", "html", "json")


@click.command("graph")
@file_argument
@flow_argument
@click.option("--as", "form", type=click.Choice(FORMS), default="mermaid", help="The format.")
@click.option("--out", type=PATH, help="Write to a file.")
@pins_option
@models_option
@json_option
def command(
    file: Path,
    flow: str | None,
    form: str,
    out: Path | None,
    pins: Path | None,
    models: dict[str, str],
    as_json: bool,
) -> int:
    """Draw a flow.

    With --with the drawing shows the graph with those holes set; otherwise it shows the holes.
    """
    chosen = choose(load(file, as_json), flow, pins=pins, models=models, as_json=as_json)
    from graphdsl.drawing import draw, render

    drawing = draw(chosen.graph if pins is not None else chosen.open_graph)
    text = render(drawing, form)
    refuse_program(out, "--out", file)
    if out is not None:
        check_writable(out)
        out.write_text(text, encoding="utf-8")
    if as_json:
        from dataclasses import asdict

        from graphdsl.cli.schemas import GraphReport

        record = {"flow": chosen.name, "format": form, "text": text, "drawing": asdict(drawing)}
        print_json(GraphReport.model_validate(record))
    elif out is None:
        show(text.rstrip("\n"))
    return Exit.OK
