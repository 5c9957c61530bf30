"""The parts of `graphdsl memory` that change a file; each is one new version, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.memory_files import known_as, memory_argument, opened
from graphdsl.cli.options import PATH, Whole, json_option
from graphdsl.cli.output import print_json, show

if TYPE_CHECKING:
    from graphdsl.executors.memory.store import Store


@click.command("import")
@memory_argument
@click.argument("data", type=PATH)
@click.option("--split", help="The split of entries that name none.")
@json_option
def import_command(path: Path, data: Path, split: str | None, as_json: bool) -> int:
    """Add entries from lines of JSON such as {"text": "…", "key": "…"}; FILE may be new.

    `-` as DATA is stdin.
    """
    from graphdsl.api.reading import read_input
    from graphdsl.errors import InputError
    from graphdsl.executors.memory.store import Store
    from graphdsl.executors.memory.transfer import read_lines

    name = "<stdin>" if str(data) == "-" else str(data)
    try:
        text = read_input(data, "a file of JSON lines (`.jsonl`)").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"`{name}` cannot be read: it is not UTF-8") from error
    try:
        entries = list(read_lines(text.split("\n"), split))  # texts may hold other ends
    except InputError as error:
        raise InputError(f"`{name}`: {error}") from None
    store = Store(path.stem, path.resolve())
    if entries:
        store.commit(entries, note=f"imported {len(entries)}")
    return _done(store, len(entries), "added", as_json)


@click.command("restore")
@memory_argument
@click.argument("version", type=Whole(min=0))
@json_option
def restore_command(path: Path, version: int, as_json: bool) -> int:
    """Make a new version that is like an earlier one."""
    from graphdsl.executors.memory.history import restore

    store = opened(path)
    store.change(lambda connection: restore(connection, version, store.name))
    return _done(store, None, f"is as in version {version} again", as_json)


@click.command("remove")
@memory_argument
@click.argument("names", nargs=-1, required=True)
@json_option
def remove_command(path: Path, names: tuple[str, ...], as_json: bool) -> int:
    """Remove entries by key or id; earlier versions keep them.

    Nothing is removed where one of them is not there.
    """
    from graphdsl.executors.memory.history import remove

    store = opened(path)
    _all_there(store, path, names, standing=True)
    found = store.change(lambda connection: remove(connection, names))
    return _done(store, len(found), "removed", as_json)


@click.command("forget")
@memory_argument
@click.argument("names", nargs=-1)
@click.option("--split", help="All that runs of this split wrote.")
@click.option("--content", metavar="HASH", help="All that runs with these inputs wrote.")
@json_option
def forget_command(
    path: Path, names: tuple[str, ...], split: str | None, content: str | None, as_json: bool
) -> int:
    """Erase entries from all versions, by key or id, or by where they came from.

    Nothing is erased where one that is named is not there.
    """
    from graphdsl.errors import InputError
    from graphdsl.executors.memory.history import forget, forget_of

    if sum((bool(names), split is not None, content is not None)) != 1:
        raise click.UsageError("say what to forget: names, --split or --content, one of them")
    store = opened(path)
    if names:
        _all_there(store, path, names, standing=False)
        count = store.change(lambda connection: forget(connection, names))
    else:
        count = store.change(lambda connection: forget_of(connection, split=split, content=content))
        if not count:
            what = f"the split `{split}`" if content is None else f"the inputs `{content}`"
            raise InputError(f"`{path}` has nothing that runs with {what} wrote")
    return _done(store, count, "erased", as_json)


@click.command("compact")
@memory_argument
@click.option("--before", type=Whole(min=1), required=True, help="The oldest version that stays.")
@json_option
def compact_command(path: Path, before: int, as_json: bool) -> int:
    """Erase what only versions before one have; these cannot be read then."""
    from graphdsl.executors.memory.history import compact

    store = opened(path)
    count = store.change(lambda connection: compact(connection, before, store.name))
    return _done(store, count, "erased", as_json)


def _all_there(store: Store, path: Path, names: tuple[str, ...], *, standing: bool) -> None:
    """Raise `InputError` for names that no entry has, in the newest version or in any."""
    from graphdsl.errors import InputError
    from graphdsl.executors.memory.commit import newest
    from graphdsl.executors.memory.history import missing

    gone = store.look(lambda connection: missing(connection, names, standing=standing))
    if gone:
        listed = ", ".join(f"`{name}`" for name in gone)
        where = f"version {store.look(newest)}" if standing else "any version"
        raise InputError(f"`{path}` has no entry {listed} in {where}")


def _done(store: Store, count: int | None, what: str, as_json: bool) -> int:
    """Say what happened and which version is the newest now."""
    from graphdsl.executors.memory.commit import newest

    version = store.look(newest)
    if as_json:
        from graphdsl.cli.schemas import MemoryChangeReport

        place = known_as(str(store.path)) or ""
        print_json(MemoryChangeReport(path=place, version=version, count=count))
        return Exit.OK
    number = "it" if count is None else f"{count} {'entry' if count == 1 else 'entries'}"
    show(f"{number} {what}; the newest version is {version}")
    return Exit.OK


CHANGES: Final = (
    import_command,
    restore_command,
    remove_command,
    forget_command,
    compact_command,
)
"""Subcommands of `graphdsl memory`."""
