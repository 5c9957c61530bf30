"""`graphdsl fmt`: one canonical form."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from graphdsl.api.reading import read_bytes
from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import note, print_diagnostics, print_json, safe, show
from graphdsl.cli.programs import program_files, records
from graphdsl.diagnostics import Diagnostic, Source
from graphdsl.errors import InputError


@dataclass(frozen=True, slots=True)
class _Done:
    """One file after formatting. `errors` means that it stays as it is."""

    path: Path
    source: Source
    text: str
    kept: tuple[Diagnostic, ...]
    errors: tuple[Diagnostic, ...]
    changed: bool


@click.command("fmt")
@click.argument("files", nargs=-1, required=True, type=PATH)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file would change."
)
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@json_option
def command(files: tuple[Path, ...], only_check: bool, diff: bool, as_json: bool) -> int:
    """Rewrite programs in their canonical form.

    FILES are programs, folders of them, or `-` for stdin to stdout. Comments stay; a file with
    syntax errors is left alone.
    """
    done = [_format(file) for file in program_files(files)]
    writes = not (only_check or diff)
    for one in done:
        if writes and not one.errors:
            _write(one, as_json)
        elif diff and one.changed and not as_json:
            show(_difference(one))
    _report(done, writes, as_json)
    wrong = any(one.errors for one in done) or (only_check and any(one.changed for one in done))
    return Exit.WRONG if wrong else Exit.OK


def _format(path: Path) -> _Done:
    from graphdsl.syntax.decode import decode
    from graphdsl.syntax.format import format_source

    stdin = str(path) == "-"
    data = sys.stdin.buffer.read() if stdin else read_bytes(path, "a program (`.tts`)")
    name = "<stdin>" if stdin else str(path)
    source, refused = decode(data, name)
    if source is None:
        return _Done(path, Source(name, ""), "", (), tuple(refused), False)
    made = format_source(source)
    changed = not made.errors and made.text.encode() != data
    return _Done(path, source, made.text, made.kept, made.errors, changed)


def _write(done: _Done, as_json: bool) -> None:
    if str(done.path) == "-":
        if not as_json:
            sys.stdout.write(done.text)
    elif done.changed:
        _replace(done.path.resolve(), done.text)


def _replace(path: Path, text: str) -> None:
    """Write beside the file, then take its place: a crash leaves the old text or the new."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"`{path}` cannot be written: {reason}") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _difference(done: _Done) -> str:
    before, after = (text.splitlines() for text in (done.source.text, done.text))
    lines = difflib.unified_diff(before, after, str(done.path), str(done.path), lineterm="")
    return "\n".join(safe(line) for line in lines)


def _report(done: list[_Done], writes: bool, as_json: bool) -> None:
    if as_json:
        _print_record(done, writes)
        return
    for one in done:
        print_diagnostics((*one.errors, *one.kept), {one.source.name: one.source}, total=False)
        if one.changed and str(one.path) != "-":
            note(f"{'reformatted' if writes else 'would reformat'} {safe(str(one.path))}")
    changed = sum(one.changed for one in done)
    note(f"{changed} of {len(done)} files {'reformatted' if writes else 'to reformat'}")


def _print_record(done: list[_Done], writes: bool) -> None:
    from graphdsl.cli.schemas import FmtReport

    files = [
        {
            "path": str(one.path),
            "changed": one.changed,
            "diagnostics": records((*one.errors, *one.kept), {one.source.name: one.source}),
        }
        for one in done
    ]
    ok = not any(one.errors for one in done)
    written = writes and any(one.changed for one in done)
    print_json(FmtReport.model_validate({"ok": ok, "written": written, "files": files}))
