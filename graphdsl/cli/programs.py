"""Programs named on a command line: reading them, and saying what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from graphdsl.api.module import Module
from graphdsl.api.reading import examine
from graphdsl.cli.codes import Exit
from graphdsl.cli.output import note, print_diagnostics, print_json, safe
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.errors import CompileError, InputError

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.compiler.program import Checked


def examine_file(file: Path, text: str | None = None) -> Checked:
    """Check a file, or the text on stdin where the file is `-`, or one that stdin once had."""
    if str(file) != "-":
        return examine(file)
    from graphdsl.compiler.check import check
    from graphdsl.compiler.program import Checked
    from graphdsl.syntax.decode import decode

    data = sys.stdin.buffer.read() if text is None else text.encode()
    source, refused = decode(data, "<stdin>")
    if source is None:
        return Checked(None, refused, {"<stdin>": Source("<stdin>", "")})
    return check(source, None)


def load(file: Path, as_json: bool, text: str | None = None) -> Module:
    """A program without errors; stderr says how many warnings. Ends the command for errors.

    `text` is what stdin had, where it cannot be read again.
    """
    checked = examine_file(file, text)
    if not checked.ok:
        refuse(checked.diagnostics, checked.sources, as_json)
    if checked.diagnostics and not as_json:
        from graphdsl.rendering import summary

        note(f"{summary(checked.diagnostics)}; see `graphdsl check {safe(str(file))}`")
    return Module(checked)


def choose(
    module: Module,
    name: str | None,
    *,
    pins: Path | Mapping[str, str | float] | None = None,
    models: Mapping[str, str] | None = None,
    as_json: bool = False,
) -> Flow:
    """A flow of a program with its holes and models set. Ends the command when they are wrong."""
    flow = module.flow(name)
    try:
        flow = flow if pins is None else flow.with_(pins)
        return flow.with_models(models) if models else flow
    except CompileError as error:
        refuse(error.diagnostics, module.checked.sources, as_json)


def refuse(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], as_json: bool
) -> NoReturn:
    """Report diagnostics and end the command."""
    if as_json:
        print_json({"ok": False, "diagnostics": records(diagnostics, sources)})
    else:
        print_diagnostics(diagnostics, sources)
    raise click.exceptions.Exit(Exit.WRONG)


def records(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source]
) -> list[dict[str, Any]]:
    """Diagnostics as `--json` prints them."""
    from graphdsl.rendering import to_json

    return [to_json(diagnostic, sources) for diagnostic in diagnostics]


def program_files(given: Iterable[Path]) -> list[Path]:
    """The files, and every `.tts` file in the folders. Raises `InputError` for an empty folder."""
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*.tts") if _is_program(p, path))
        if not inside:
            raise InputError(f"there is no .tts file in the folder `{path}`")
        found += inside
    return list(dict.fromkeys(found))


def _is_program(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and not path.is_dir()
