"""`graphdsl models`: the models known by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.models_check import check_command
from graphdsl.cli.options import json_option
from graphdsl.cli.output import console, note, print_json, show

if TYPE_CHECKING:
    from graphdsl.executors.model_entry import Entry


@click.group("models", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """List, fetch and find the models known by name; check those that a file declares."""
    return _list(as_json) if context.invoked_subcommand is None else Exit.OK


command.add_command(check_command)


@command.command("list")
@json_option
def list_command(as_json: bool) -> int:
    """List the models, and which of them are on this machine."""
    return _list(as_json)


@command.command("pull")
@click.argument("name")
@json_option
def pull_command(name: str, as_json: bool) -> int:
    """Fetch a model into the cache, once; a file that is damaged is fetched again."""
    from graphdsl.cli.progress import bytes_bar
    from graphdsl.executors.catalogue import damage, locate, pull

    cached = locate(name)
    damaged = None if cached is None else damage(cached)
    had = cached is not None and damaged is None
    if not had and not as_json:
        note(f"fetching {name}{' again: its file is damaged' if damaged else ''} …")
    with bytes_bar(name) as advance:
        path = pull(name, None if as_json else advance)
    if as_json:
        from graphdsl.cli.schemas import PulledReport

        print_json(PulledReport(name=name, path=str(path), fetched=not had))
    else:
        show(f"{name} {'is already' if had else 'is now'} at {path}")
    return Exit.OK


@command.command("path")
@click.argument("name")
@json_option
def path_command(name: str, as_json: bool) -> int:
    """Print the file of a model that is on this machine."""
    path = _located(name)
    if as_json:
        from graphdsl.cli.schemas import PulledReport

        print_json(PulledReport(name=name, path=str(path), fetched=False))
    else:
        show(str(path))
    return Exit.OK


@command.command("convert")
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The new folder.")
@json_option
def convert_command(name: str, out: Path | None, as_json: bool) -> int:
    """Turn a model (a known one, or a .gguf file) into Hugging Face weights, which vLLM loads."""
    from graphdsl.executors.catalogue import find
    from graphdsl.executors.hf_weights import convert, converted, converted_path

    own = Path(name).expanduser()
    source = own if own.suffix == ".gguf" else _located(name)
    had = None if out is not None or source is own else converted(find(name).name)
    path = had or out or (own.with_suffix("") if source is own else converted_path(name))
    if had is None:
        if not as_json:
            note(f"converting {name}: half a minute, more for larger models …")
        path = convert(source, path.expanduser())
    if as_json:
        from graphdsl.cli.schemas import PulledReport

        print_json(PulledReport(name=name, path=str(path), fetched=had is None))
    else:
        show(f"{name} {'is already' if had else 'is now'} at {path}")
    return Exit.OK


def _located(name: str) -> Path:
    from graphdsl.errors import ModelNotFound
    from graphdsl.executors.catalogue import locate

    path = locate(name)
    if path is None:
        raise ModelNotFound(
            f"`{name}` is not on this machine; fetch it with `graphdsl models pull {name}`",
            model=name,
        )
    return path


def _list(as_json: bool) -> int:
    from graphdsl.executors.catalogue import CATALOGUE, locate

    found = [(entry, locate(entry.name)) for entry in CATALOGUE.values()]
    if as_json:
        from graphdsl.cli.schemas import ModelsReport

        models = [_record(entry, path) for entry, path in found]
        print_json(ModelsReport.model_validate({"models": models}))
    else:
        _table(found)
    return Exit.OK


def _record(entry: Entry, path: Path | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "description": entry.description,
        "licence": entry.licence,
        "parameters": entry.parameters,
        "bytes": entry.bytes,
        "path": None if path is None else str(path),
    }


def _table(found: list[tuple[Entry, Path | None]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, side in (("model", "left"), ("size", "right"), ("licence", "left")):
        table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("where", overflow="fold")
    for entry, path in found:
        where = str(path) if path else f"not here: graphdsl models pull {entry.name}"
        table.add_row(entry.name, _size(entry.bytes), entry.licence, where)
        table.add_row("", "", "", entry.description, style="dim")
    console().print(table)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
