"""`graphdsl check`: what is wrong with programs, without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import GREEN, paint, print_diagnostics, print_json, safe, show
from graphdsl.cli.programs import examine_file, program_files, records
from graphdsl.diagnostics import Diagnostic

if TYPE_CHECKING:
    from graphdsl.compiler.program import Checked


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(files: tuple[Path, ...], as_json: bool) -> int:
    """Say what is wrong with programs, without running them.

    FILES are programs, folders of them, or `-` for stdin.
    """
    checked = {file: examine_file(file) for file in program_files(files)}
    if as_json:
        _print_record(checked)
    else:
        _print(checked)
    return Exit.OK if all(one.ok for one in checked.values()) else Exit.WRONG


def _print(checked: dict[Path, Checked]) -> None:
    sources = {name: s for one in checked.values() for name, s in one.sources.items()}
    print_diagnostics(_once(checked.values()), sources)
    for file, one in checked.items():
        if one.ok:
            show(f"{safe(str(file))}: {paint('ok', GREEN, sys.stdout)}{_contents(one)}")


def _once(checked: Iterable[Checked]) -> list[Diagnostic]:
    """Every diagnostic once: files may import the same broken one."""
    found: dict[tuple[str, str, int], Diagnostic] = {}
    for one in checked:
        for diagnostic in one.diagnostics:
            span = diagnostic.primary.span
            found.setdefault((diagnostic.code, span.source, span.start), diagnostic)
    return list(found.values())


def _contents(checked: Checked) -> str:
    """What a program holds: `, flows reason and vote, 2 tests`."""
    if checked.module is None:
        return ""
    from graphdsl.syntax import tree

    flows = len(checked.module.flows)
    tests = sum(isinstance(item, tree.Test) for item in checked.module.file.items)
    counts = [(flows, "flow"), (tests, "test")]
    parts = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n]
    return f" ({', '.join(parts)})" if parts else ""


def _print_record(checked: dict[Path, Checked]) -> None:
    from graphdsl.cli.schemas import CheckReport

    files = [
        {
            "path": str(file),
            "ok": one.ok,
            "flows": list(one.module.flows) if one.module else [],
            "diagnostics": records(one.diagnostics, one.sources),
        }
        for file, one in checked.items()
    ]
    ok = all(one.ok for one in checked.values())
    print_json(CheckReport.model_validate({"ok": ok, "files": files}))
