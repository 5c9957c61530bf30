"""The program that runs inside a sandbox, as arguments of Python."""

from __future__ import annotations

import binascii
import marshal
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

PACKAGE: Final = "graphdsl.executors.sandbox.inside"
_SHARED: Final = ("graphdsl.ops.shown", "graphdsl.ops.hashes")
"""Modules of others that need nothing."""

_MODULES: Final = (
    "typed",
    "libc",
    "syscall_numbers",
    "seccomp",
    "landlock",
    "confine",
    "folders",
    "frames",
    "json_text",
    "plain",
    "candidate",
    "relay",
)
"""In the order in which they need each other."""

_LONGEST: Final = 100_000
"""Characters of one argument: Linux takes 128 KiB."""

_BARE: Final = ("-I", "-S", "-B", "-X", "utf8", "-c")
"""Isolated: no environment variable, no user folder, no site-packages, no `.pyc` written."""


def python() -> str:
    """The interpreter itself, not the link of a virtual environment."""
    return str(Path(getattr(sys, "_base_executable", None) or sys.executable).resolve())


@lru_cache(maxsize=16)
def by_code(module: str, argument: str = "") -> tuple[str, ...]:
    """This Python, which runs `main` of a module of `inside`, compiled already.

    `argument` is what `main` is given, as Python writes it.
    """
    names = _MODULES if module in _MODULES else (*_MODULES, module)
    codes = [
        (name, compile(text, f"<{name}>", "exec", optimize=2)) for name, text in _sources(names)
    ]
    packed = binascii.b2a_base64(marshal.dumps(codes), newline=False).decode()
    load = (
        "import marshal, binascii; "
        "parts = marshal.loads(binascii.a2b_base64(''.join(sys.argv[1:]))); del sys.argv[1:]"
    )
    pieces = (packed[at : at + _LONGEST] for at in range(0, len(packed), _LONGEST))
    return python(), *_BARE, _program(load, module, argument), *pieces


@cache
def by_text() -> tuple[str, ...]:
    """Arguments of any Python 3.11 or later that run the relay, with nothing but the text."""
    parts = list(_sources(_MODULES))
    return (*_BARE, _program(f"parts = {parts!r}", "relay", ""))


def _program(load: str, module: str, argument: str) -> str:
    """Makes the modules from `parts`, names with source or code, in order; then calls `main`.

    The packages above them are made up: importing those would take longer than all else.
    """
    parents = [PACKAGE.rsplit(".", left)[0] for left in range(PACKAGE.count("."), -1, -1)]
    parents += sorted({name.rpartition(".")[0] for name in _SHARED})
    lines = (
        "import sys",
        load,
        f"for name in {parents!r}: sys.modules[name] = type(sys)(name)",
        "for name, part in parts:",
        "    module = sys.modules[name] = type(sys)(name)",
        "    parent, _, last = name.rpartition('.')",
        "    setattr(sys.modules[parent], last, module)",
        "    exec(part, module.__dict__)",
        f"sys.modules[{PACKAGE!r} + '.{module}'].main({argument})",
    )
    return "\n".join(lines)


def _sources(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Full names and texts, in order."""
    for name in (*_SHARED, *(f"{PACKAGE}.{one}" for one in names)):
        package, _, last = name.rpartition(".")
        yield name, (files(package) / f"{last}.py").read_text(encoding="utf-8")
