"""`graphdsl convert`: a JSON configuration of Archon as a program."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import BOLD, note, paint, print_error, print_json, show
from graphdsl.cli.writing import check_writable
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.compiler.archon import Problem


@click.command("convert")
@click.argument("file", type=PATH)
@click.option("--out", type=PATH, help="Write to a file.")
@json_option
def command(file: Path, out: Path | None, as_json: bool) -> int:
    """Write a JSON configuration of Archon (arXiv 2409.15254) as a program.

    One that breaks a placement rule of the paper, or has keys that Archon would ignore, is refused.
    """
    from graphdsl.compiler.archon import archon_program

    if out is not None and out.exists():
        raise click.UsageError(f"`{out}` is there already, and may have been edited; name another")
    text, problems = archon_program(_read(file))
    if text is not None and out is not None:
        check_writable(out)
        out.write_text(text, encoding="utf-8")
    if as_json:
        from dataclasses import asdict

        from graphdsl.cli.schemas import ConvertReport

        records = [asdict(one) for one in problems]
        record = {"ok": text is not None, "text": text, "problems": records}
        print_json(ConvertReport.model_validate(record))
    else:
        _say(problems)
        if text is not None and out is None:
            show(text.rstrip("\n"))
    return Exit.WRONG if text is None else Exit.OK


def _read(file: Path) -> str:
    from graphdsl.api.reading import read_bytes

    try:
        return read_bytes(file, "a configuration").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"`{file}` is not UTF-8: {error.reason} at byte {error.start}") from error


def _say(problems: Iterable[Problem]) -> None:
    """Errors and warnings, each with what to do."""
    for one in problems:
        if one.error:
            print_error(str(one))
        else:
            note(f"{paint('warning', BOLD, sys.stderr)}: {one}")
