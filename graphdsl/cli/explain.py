"""`graphdsl explain`: the page of a diagnostic code."""

from __future__ import annotations

import sys

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import console, print_json, show
from graphdsl.errors import InputError


@click.command("explain")
@click.argument("code", required=False)
@json_option
def command(code: str | None, as_json: bool) -> int:
    """Explain a diagnostic code, such as GD0301; without one, list all codes."""
    if code is None:
        _list(as_json)
    else:
        _explain(code, as_json)
    return Exit.OK


def _explain(given: str, as_json: bool) -> None:
    from graphdsl.explain import codes, explain, title

    code = given.upper() if given.upper().startswith("GD") else f"GD{given:0>4}"
    page = explain(code)
    if page is None:
        raise InputError(f"there is no code `{given}`{_near(code, codes())}")
    if as_json:
        from graphdsl.cli.schemas import ExplainReport

        print_json(ExplainReport(code=code, title=title(code) or "", page=page))
    elif sys.stdout.isatty():
        from rich.markdown import Markdown

        console().print(Markdown(page), width=min(console().width, 96))
    else:
        show(page.rstrip("\n"))


def _near(code: str, codes: tuple[str, ...]) -> str:
    from graphdsl.diagnostics import did_you_mean

    near = did_you_mean(code, codes)
    return f"; did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else ""


def _list(as_json: bool) -> None:
    from graphdsl.explain import codes, title

    titles = {code: title(code) or "" for code in codes()}
    if as_json:
        from graphdsl.cli.schemas import CodesReport, CodeTitle

        entries = [CodeTitle(code=code, title=text) for code, text in titles.items()]
        print_json(CodesReport(codes=entries))
        return
    for code, text in titles.items():
        show(f"{code}  {text}")
