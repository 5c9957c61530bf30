"""`graphdsl cache`: the answers that are kept, so that they are not paid for again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import PATH, json_option
from graphdsl.cli.output import console, counted, note, print_json, safe, show
from graphdsl.cli.spending import spent
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.executors.cache.stats import CacheStats

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


class Age(click.ParamType[float]):
    """A time span such as `7d`, in seconds."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds that a text stands for. Raises a usage error."""
        found = _AGE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"write a number and one of `s`, `m`, `h`, `d`, `w`, not `{value}`: `7d`")
        return float(found[1]) * _SECONDS[found[2]]


file_option = click.option(
    "--file", type=PATH, metavar="FILE", help="Another cache than the user's own."
)


@click.group("cache", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """Show or drop the answers that are kept, so that runs need not pay for them again.

    Without a command: `stats`.
    """
    return _show(None, as_json) if context.invoked_subcommand is None else Exit.OK


@command.command("stats")
@file_option
@json_option
def stats_command(file: Path | None, as_json: bool) -> int:
    """Say what the cache holds, and what it has saved."""
    return _show(file, as_json)


def _show(file: Path | None, as_json: bool) -> int:
    found = _stats(file)
    if as_json:
        from graphdsl.cli.schemas import CacheReport

        print_json(CacheReport.model_validate(found.to_dict()))
    else:
        _print_stats(found)
    return Exit.OK


@command.command("clear")
@click.option(
    "--older-than", "older", type=Age(), metavar="AGE", help="Only what is older: 90m, 12h, 7d, 4w."
)
@click.option("--model", metavar="NAME", help="Only answers of the model of that name.")
@file_option
@json_option
def clear_command(older: float | None, model: str | None, file: Path | None, as_json: bool) -> int:
    """Drop answers: all of them, or those that are older or of one model."""
    dropped, known, notes = _clear(file, older, model)
    for text in notes:
        note(safe(text))
    if as_json:
        from graphdsl.cli.schemas import ClearedReport

        print_json(ClearedReport(dropped=dropped))
        return Exit.OK
    show(f"{counted(dropped, 'answer')} dropped")
    if not dropped and model is not None and model not in known:
        there = ", ".join(f"`{safe(name)}`" for name in known)
        note(f"none is from `{safe(model)}`; there are answers of {there or 'no model'}")
    return Exit.OK


@command.command("path")
@json_option
def path_command(as_json: bool) -> int:
    """Print where the user's own cache is."""
    from graphdsl.executors.cache.place import VARIABLE, default_path

    path = default_path()
    if as_json:
        from graphdsl.cli.schemas import CachePathReport

        print_json(CachePathReport(path=None if path is None else str(path)))
    elif path is None:
        note(f"nothing is cached: `{VARIABLE}` or `GRAPHDSL_CACHE` is `off`")
    else:
        show(str(path))
    return Exit.OK


def _stats(file: Path | None) -> CacheStats:
    """Those of a file; of one that is not there, nothing. Looking does not make it."""
    from graphdsl.executors.cache.place import default_path
    from graphdsl.executors.cache.stats import CacheStats
    from graphdsl.executors.cache.store import LIMIT, Cache

    path = _given(file) or default_path()
    if path is None or not path.exists():
        return CacheStats(path, LIMIT)
    with Cache.open(path) as cache:
        return cache.stats()


def _clear(
    file: Path | None, older: float | None, model: str | None
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many answers went, the models of which there were some, and what is to be said.

    Raises `InputError` where the file cannot be used, so that nothing went.
    """
    from graphdsl.executors.cache.place import default_path
    from graphdsl.executors.cache.store import Cache

    path = _given(file) or default_path()
    if path is None or not path.exists():
        return 0, (), ()
    with Cache.open(path) as cache:
        known = tuple(one.model for one in cache.stats().models)
        dropped = cache.clear(older=older, model=model)
        if not cache.usable:
            raise InputError(cache.notes[-1])
        return dropped, known, cache.notes


def _given(file: Path | None) -> Path | None:
    """The file of the option. Raises `InputError` where there is none."""
    if file is not None and not file.exists():
        raise InputError(f"there is no cache `{file}`")
    return file


def _print_stats(found: CacheStats) -> None:
    if found.path is None:
        show("nothing is cached: the environment says `off`")
        return
    counts, saved = found.counts, found.counts.saved
    rate = "" if counts.rate is None else f" ({counts.rate:.0%} hits)"
    hits, misses = counted(counts.hits, "hit"), counted(counts.misses, "miss")
    unpriced = f"{counted(counts.unpriced, 'call')} of unknown price"
    spared = ", ".join([*spent(saved), *([unpriced] if counts.unpriced else [])])
    show(f"{found.path}")
    show(f"  {counted(found.answers, 'answer')}, {_size(found.bytes)} of {_size(found.limit)}")
    show(f"  {hits}, {misses}{rate}, {counts.evicted} evicted")
    show(f"  saved {spared}")
    _print_models(found)
    for text in found.notes:
        note(safe(text))


def _print_models(found: CacheStats) -> None:
    from rich.table import Table

    if not found.models:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold")
    table.add_column("answers", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for one in found.models:
        table.add_row(safe(one.model) or "-", str(one.answers), _size(one.bytes))
    console().print(table)


def _size(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
