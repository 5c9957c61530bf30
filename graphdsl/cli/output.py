"""What the commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final, TextIO

from graphdsl.diagnostics import Diagnostic, Source

if TYPE_CHECKING:
    from rich.console import Console

DIM: Final = "2"
BOLD: Final = "1"
PIPED: Final = 160
"""Columns of a table that goes to a file or a pipe."""

RED: Final = "1;31"
GREEN: Final = "32"


def wants_colour(stream: TextIO) -> bool:
    """True on a terminal, unless `NO_COLOR` is set (https://no-color.org) or it is a dumb one."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_progress() -> bool:
    """True where somebody watches stderr: a terminal, and not a CI job."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, stream: TextIO) -> str:
    """The text in an ANSI style, where that is wanted."""
    return f"\x1b[{style}m{text}\x1b[0m" if wants_colour(stream) else text


def counted(count: int, word: str) -> str:
    """A number of things.

    >>> counted(1, "call"), counted(0, "miss"), counted(1200, "item")
    ('1 call', '0 misses', '1200 items')
    """
    many = "es" if word.endswith("s") else "s"
    return f"{count} {word}{'' if count == 1 else many}"


def safe(text: str) -> str:
    """Text of a model or a file, without characters that drive a terminal.

    >>> safe("ok\\x1b[31m\\tred\\n\\x07")
    'ok[31m\\tred\\n'
    """
    return "".join(char for char in text if char in "\n\t" or char.isprintable())


def show(text: str) -> None:
    """One line (or more) of result."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """A remark beside the result."""
    _write(sys.stderr, paint(text, DIM, sys.stderr))


def print_error(message: str) -> None:
    """An error that has no place in a program."""
    _write(sys.stderr, f"{paint('error', RED, sys.stderr)}: {safe(message)}")


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout; models of `graphdsl.cli.schemas` are dumped."""
    plain = value.model_dump(mode="json") if hasattr(value, "model_dump") else value
    show(json.dumps(plain, ensure_ascii=False, allow_nan=False))


def print_diagnostics(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, Source], total: bool = True
) -> None:
    """Diagnostics with carets on stderr, and how many there were."""
    from graphdsl.rendering import render, summary

    found = list(diagnostics)
    colour, width = wants_colour(sys.stderr), shutil.get_terminal_size().columns
    for diagnostic in found:
        _write(sys.stderr, render(diagnostic, sources, colour, max(width, 60)) + "\n")
    if found and total:
        _write(sys.stderr, summary(found))


def console(stderr: bool = False) -> Console:
    """A rich console that obeys the same rules about colour, and about what cannot be shown."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    _replace_unknown(stream)
    colour = wants_colour(stream)
    return Console(
        file=stream,
        no_color=not colour,
        force_terminal=True if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if stream.isatty() else PIPED,
    )


def _replace_unknown(stream: TextIO) -> None:
    """Have a stream replace what its encoding cannot show, instead of raising."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")


def _write(stream: TextIO, text: str) -> None:
    """Print, replacing what the stream's encoding cannot show."""
    encoding = stream.encoding or "utf-8"
    with pipe():
        print(text.encode(encoding, "replace").decode(encoding), file=stream)


@contextmanager
def pipe() -> Generator[None]:
    """Raise `PipeClosed` for a broken pipe, which click would turn into an exit code of its own."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error


class PipeClosed(Exception):
    """Nobody reads stdout any more."""
