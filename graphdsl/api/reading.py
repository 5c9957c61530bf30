"""Programs from files and texts, with messages that a person can act on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphdsl.diagnostics import Source, did_you_mean
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.compiler.program import Checked


def is_text(path_or_text: str | os.PathLike[str]) -> bool:
    """True for the text of a program: a str with a line break, or one that begins with `edition`.

    >>> is_text('edition "2026"'), is_text("reason.tts"), is_text(Path("edition.tts"))
    (True, False, False)
    """
    if not isinstance(path_or_text, str):
        return False
    return "\n" in path_or_text or path_or_text.lstrip("\ufeff \t").startswith("edition ")


def examine(path_or_text: str | os.PathLike[str]) -> Checked:
    """Read and check a program, whatever is wrong with it.

    A path such as `std/voting.tts` means the package's own file, where there is none of that name.
    Raises `InputError` when there is no such file, or it cannot be read.
    """
    from graphdsl.compiler.check import check
    from graphdsl.compiler.program import Checked
    from graphdsl.syntax.decode import decode

    if is_text(path_or_text):
        return check(Source("<text>", str(path_or_text)), None)
    if not str(path_or_text).strip():
        raise InputError("there is no program: give the path of a file, or the text of a program")
    path = Path(path_or_text)
    if (own := _own(path)) is not None:
        return check(own, None)
    data = read_bytes(path, "a program (`.tts`)")
    source, refused = decode(data, str(path))
    if source is None:
        return Checked(None, tuple(refused), {str(path): Source(str(path), "")})
    return check(source, path.resolve().parent)


def _own(path: Path) -> Source | None:
    """The file of the standard library that a path means, if it means one.

    Raises `InputError` where the library has no such file.
    """
    from graphdsl.compiler.modules import STD, std_names, std_source

    if path.parent != Path(STD) or path.exists() or path.parent.is_dir():
        return None
    source = std_source(path.name)
    if source is not None:
        return source
    near = did_you_mean(path.name, std_names())
    hint = f"did you mean `{STD}/{near[0]}`?" if near else "there are: " + ", ".join(std_names())
    raise InputError(f"the standard library has no file `{path.name}`; {hint}")


def read_input(path: Path, what: str) -> bytes:
    """As `read_bytes`, with `-` for stdin."""
    return sys.stdin.buffer.read() if str(path) == "-" else read_bytes(path, what)


def json_problem(error: Exception) -> str:
    """Why a text is not JSON, in words of its reader.

    >>> json_problem(ValueError("Expecting value: line 1 column 2 (char 1)"))
    'expecting value: line 1 column 2 (char 1)'
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not a text in UTF-8"
    if "integer string conversion" in str(error):
        return "a number is too long"
    return str(error)[:1].lower() + str(error)[1:]


def read_bytes(path: Path, what: str) -> bytes:
    """The content of a file. Raises `InputError` saying why there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"there is no file `{path}`{_nearby(path)}") from error
    except IsADirectoryError as error:
        raise InputError(f"`{path}` is a folder; name {what} in it") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"`{path}` cannot be read: {reason.lower()}") from error


def _nearby(path: Path) -> str:
    """A hint when the name is almost that of a file beside it."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" (nor a folder `{path.parent}`)" if not path.parent.is_dir() else ""
    near = did_you_mean(path.name, names)
    if not near and f"{path.name}.tts" in names:
        near = (f"{path.name}.tts",)
    return f"; did you mean `{path.parent / near[0]}`?" if near else ""
