"""The memory file that a command is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphdsl.cli.options import PATH, Whole

if TYPE_CHECKING:
    from graphdsl.executors.memory.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def memory_argument(function: F) -> F:
    """`FILE`: the SQLite file that a memory's block calls its `store`."""
    return click.argument("path", type=PATH, metavar="FILE")(function)


def version_option(function: F) -> F:
    """`--version`: look at the memory as it was."""
    return click.option(
        "--version", type=Whole(min=0), help="As it was in this version; default: the newest."
    )(function)


def opened(path: Path) -> Store:
    """The store of a file that is there. Raises `InputError` when it is not."""
    from graphdsl.errors import InputError
    from graphdsl.executors.memory.store import Store

    if not path.exists():
        raise InputError(f"there is no memory file `{path}`")
    return Store(path.stem, path.resolve())


def known_as(name: str | None) -> str | None:
    """A name of the command line as a memory has it: what has no bytes is a question mark."""
    from graphdsl.executors.memory.encoding import encodable

    return None if name is None else encodable(name)


def check_apart(memory: Path, out: Path) -> None:
    """Raise `InputError` when a file to write is the memory, or what SQLite keeps beside it."""
    from graphdsl.errors import InputError

    for suffix in ("", "-wal", "-shm", "-journal"):
        own = memory.resolve()
        own = own.with_name(own.name + suffix)
        if out.resolve() == own or (out.exists() and own.exists() and out.samefile(own)):
            raise InputError(f"`{out}` is the memory itself; name another file to write to")
