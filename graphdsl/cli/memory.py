"""`graphdsl memory`: what stands in a memory file, and what stood in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.memory_changes import CHANGES
from graphdsl.cli.memory_files import (
    check_apart,
    known_as,
    memory_argument,
    opened,
    version_option,
)
from graphdsl.cli.options import PATH, Whole, json_option
from graphdsl.cli.output import console, print_json, safe, show
from graphdsl.ops.registry import METHODS

if TYPE_CHECKING:
    from graphdsl.executors.memory.entry import Stored, Version
    from graphdsl.executors.memory.store import Store
    from graphdsl.values import Doc


@click.group("memory")
def command() -> None:
    """Look into memory files, and at their earlier versions; change, clean and move them.

    Every one of these has --json.
    """


for change in CHANGES:
    command.add_command(change)


@command.command("list")
@memory_argument
@version_option
@click.option("--kind", type=click.Choice(("text", "concept")), help="Only entries of this kind.")
@click.option("--split", help="Only texts that runs of this split wrote.")
@json_option
def list_command(
    path: Path, version: int | None, kind: str | None, split: str | None, as_json: bool
) -> int:
    """List the entries, the oldest first."""
    at, entries = _stood(opened(path), version)
    wanted = known_as(split)
    entries = [one for one in entries if kind in (None, one.kind) and wanted in (None, one.split)]
    if as_json:
        from graphdsl.cli.schemas import MemoryReport

        records = [entry_record(one) for one in entries]
        print_json(MemoryReport.model_validate({"version": at, "entries": records}))
        return Exit.OK
    _table(entries)
    show(f"{'1 entry' if len(entries) == 1 else f'{len(entries)} entries'}, version {at}")
    return Exit.OK


@command.command("show")
@memory_argument
@click.argument("name")
@version_option
@json_option
def show_command(path: Path, name: str, version: int | None, as_json: bool) -> int:
    """Print entries whole, by key or id."""
    from graphdsl.errors import InputError

    at, entries = _stood(opened(path), version)
    known = known_as(name)
    found = [one for one in entries if known in (one.key, None if one.key else str(one.id))]
    if not found:
        raise InputError(f"`{path}` has no entry `{name}` in version {at}")
    if as_json:
        from graphdsl.cli.schemas import MemoryReport

        records = [entry_record(one) for one in found]
        print_json(MemoryReport.model_validate({"version": at, "entries": records}))
    else:
        show("\n\n".join(safe(one.text) for one in found))
    return Exit.OK


@command.command("search")
@memory_argument
@click.argument("query")
@click.option("--top", type=Whole(min=1), default=10, show_default=True, help="At most so many.")
@click.option("--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True)
@version_option
@json_option
def search_command(
    path: Path, query: str, top: int, method: str, version: int | None, as_json: bool
) -> int:
    """Find the entries that fit a query best, whatever their split."""
    import asyncio

    docs = asyncio.run(_search(opened(path), version, query, top, method))
    if as_json:
        from graphdsl.cli.schemas import FoundReport

        records = [
            {"id": doc.id, "kind": doc.meta["kind"], "text": doc.text, "score": doc.score}
            for doc in docs
        ]
        print_json(FoundReport.model_validate({"entries": records}))
        return Exit.OK
    for doc in docs:
        show(f"{doc.score:.4f}  {safe(doc.id)}  {_short(doc.text)}")
    if not docs:
        show("nothing fits")
    return Exit.OK


async def _search(
    store: Store, version: int | None, query: str, top: int, method: str
) -> tuple[Doc, ...]:
    from graphdsl.executors.memory.embedders import static_embedder
    from graphdsl.executors.memory.origin import View
    from graphdsl.executors.memory.ranking import search

    snapshot = store.take(version)
    try:
        view = View(snapshot.labels())
        return await search(store, snapshot, view, query, top, method, static_embedder)
    finally:
        store.release(snapshot)


@command.command("versions")
@memory_argument
@json_option
def versions_command(path: Path, as_json: bool) -> int:
    """List the versions, the newest first."""
    from graphdsl.executors.memory.history import versions

    found = opened(path).look(versions)
    if as_json:
        from graphdsl.cli.schemas import VersionsReport

        records = [_version_record(one) for one in found]
        print_json(VersionsReport.model_validate({"versions": records}))
        return Exit.OK
    for one in found:
        gone = "" if one.readable else ", compacted away"
        note = f"  {safe(one.note)}" if one.note else ""
        split = f"  {safe(one.split)}" if one.split else ""
        show(
            f"{one.number:>6}  {_time(one.created)}  +{one.added} -{one.removed}{gone}{split}{note}"
        )
    if not found:
        show("nobody has written to it")
    return Exit.OK


@command.command("export")
@memory_argument
@version_option
@click.option("--out", type=PATH, metavar="FILE", help="Write there instead of to stdout.")
@json_option
def export_command(path: Path, version: int | None, out: Path | None, as_json: bool) -> int:
    """Write the entries as lines of JSON, which `import` reads."""
    import json

    from graphdsl.executors.memory.transfer import exported

    if out is not None:
        from graphdsl.cli.writing import refuse_program

        refuse_program(out, "--out")
        check_apart(path, out)
    records = exported(opened(path), version)
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    if out is not None:
        from graphdsl.cli.writing import check_writable

        check_writable(out)
        out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if as_json:
        from graphdsl.cli.schemas import ExportReport

        shown = None if out is not None else records
        print_json(
            ExportReport(count=len(records), out=None if out is None else str(out), entries=shown)
        )
    elif out is None:
        for line in lines:
            show(_escaped(line))
    return Exit.OK


def _escaped(line: str) -> str:
    """JSON without characters that drive a terminal, which says the same."""
    import json

    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def _stood(store: Store, version: int | None) -> tuple[int, list[Stored]]:
    """A version (the newest unless one is named) and its entries. Raises `InputError`."""
    from graphdsl.executors.memory.commit import newest
    from graphdsl.executors.memory.history import check_version, stored

    def look(connection: Any) -> tuple[int, list[Stored]]:
        at = newest(connection) if version is None else version
        check_version(connection, at, store.name)
        return at, stored(connection, at)

    return store.look(look)


def entry_record(entry: Stored) -> dict[str, Any]:
    """An entry for `--json`."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "key": entry.key,
        "text": entry.text,
        "created": entry.created,
        "added_in": entry.added_in,
        "removed_in": entry.removed_in,
        "split": entry.split,
        "content": entry.content,
        "run": entry.run,
    }


def _version_record(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "created": version.created,
        "run": version.run,
        "split": version.split,
        "note": version.note,
        "added": version.added,
        "removed": version.removed,
        "erased": version.erased,
        "readable": version.readable,
    }


def _table(entries: list[Stored]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "kind", "key", "split", "text"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for one in entries:
        cells = (str(one.id), one.kind, one.key or "", one.split or "", _short(one.text))
        table.add_row(*(_plain(cell) for cell in cells))
    if entries:
        console().print(table)


def _plain(cell: str) -> Any:
    from rich.text import Text

    return Text(safe(cell))


def _short(text: str) -> str:
    line = " ".join(safe(text).split())
    return line if len(line) <= 80 else f"{line[:79]}…"


def _time(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
