"""`graphdsl check`: what is wrong with programs, without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import (
    GREEN,
    counted,
    paint,
    print_diagnostics,
    print_error,
    print_json,
    safe,
    show,
)
from graphdsl.cli.programs import examine_file, program_files, records
from graphdsl.diagnostics import Diagnostic
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.compiler.program import Checked


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=PATH)
@json_option
def command(files: tuple[Path, ...], as_json: bool) -> int:
    """Say what is wrong with programs, without running them.

    FILES are programs, folders of them, or `-` for stdin.
    """
    found = program_files(files)
    checked: dict[Path, Checked] = {}
    unread: dict[Path, str] = {}
    for file in found:
        try:
            checked[file] = examine_file(file)
        except InputError as error:
            if len(found) == 1:
                raise
            unread[file] = str(error)  # the others are checked all the same
    if as_json:
        _print_record(checked, unread)
    else:
        _print(checked, unread)
    return Exit.OK if not unread and all(one.ok for one in checked.values()) else Exit.WRONG


def _print(checked: dict[Path, Checked], unread: dict[Path, str]) -> None:
    for problem in unread.values():
        print_error(problem)
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
    parts = [counted(n, word) for n, word in counts if n]
    return f" ({', '.join(parts)})" if parts else ""


def _print_record(checked: dict[Path, Checked], unread: dict[Path, str]) -> None:
    from graphdsl.cli.schemas import CheckReport

    files: list[dict[str, Any]] = [
        {
            "path": str(file),
            "ok": one.ok,
            "error": None,
            "flows": list(one.module.flows) if one.module else [],
            "diagnostics": records(one.diagnostics, one.sources),
        }
        for file, one in checked.items()
    ]
    files += [
        {"path": str(file), "ok": False, "error": problem, "flows": [], "diagnostics": []}
        for file, problem in unread.items()
    ]
    ok = all(file["ok"] for file in files)
    print_json(CheckReport.model_validate({"ok": ok, "files": files}))
