"""Inputs and budgets as they are written on a command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from graphdsl.api.reading import json_problem, read_bytes
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Input
from graphdsl.ir.types import Named, OptionalOf, Type
from graphdsl.plan import Budget, wanted_of

_PLAIN = frozenset({"Text", "Draft", "Answer", "Doc", "Messages"})
"""Types whose command-line form is the text itself."""


def typed_inputs(given: Mapping[str, str], params: Sequence[Input]) -> dict[str, Any]:
    """The values of `--input k=v` by the declared types.

    Texts stand for themselves; numbers, bools, lists and records are JSON; `@path` is the
    content of a file (`@-`: of stdin), and `@@` begins a text with one `@`. Raises `InputError`.
    """
    kinds = {param.name: param.type for param in params}
    return {name: _value(name, text, kinds.get(name)) for name, text in given.items()}


def _value(name: str, text: str, kind: Type | None) -> Any:
    content = _content(text)
    if kind is None:
        return content  # unknown: the flow says so, with its parameters
    optional = isinstance(kind, OptionalOf)
    if optional and content == "null":
        return None
    wanted = kind.item if isinstance(kind, OptionalOf) else kind
    if isinstance(wanted, Named) and wanted.name in _PLAIN:
        return content
    try:
        return json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        how = f"write it as JSON ({_example(wanted)}); {json_problem(error)}"
        raise InputError(f"input `{name}` is a {kind}: {how}") from error


def _example(kind: Type) -> str:
    match str(kind):
        case "Number":
            return "5"
        case "Bool":
            return "true or false"
        case text if text.startswith("List") or text == "Docs":
            return '["one", "two"]'
        case _:
            return '{"field": "value"}'


def _no_constant(text: str) -> Any:
    raise ValueError(f"`{text}` is not a number of JSON")


def _content(text: str) -> str:
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    if text == "@-":
        return _decoded(sys.stdin.buffer.read(), "<stdin>").rstrip("\n")
    path = Path(text[1:])
    return _decoded(read_bytes(path, "a file"), str(path)).rstrip("\n")


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"`{name}` is not a text in UTF-8 (byte {error.start + 1})") from error


def read_budget(text: str | None) -> Budget | None:
    """`calls=16,tokens=4000,usd=0.01` as a budget. Raises a usage error."""
    if text is None:
        return None
    limits: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        known = [field.name for field in fields(Budget)]
        if not equals or name not in known:
            raise click.BadParameter(
                f"`{part.strip()}` is no limit; write {', '.join(f'{one}=N' for one in known)}"
            )
        if name in limits:
            raise click.BadParameter(f"`{name}` is given twice")
        limits[name] = _limit(name, number)
    return Budget(**limits)


def _limit(name: str, text: str) -> float | int:
    value = _number(text)
    wanted = wanted_of(name, value)
    if name == "seconds" and value == 0:
        wanted = "more than 0"
    if wanted is not None or value is None:
        raise click.BadParameter(f"the limit `{name}` must be {wanted}, not `{text}`")
    return value


def _number(text: str) -> float | int | None:
    """The number that a text stands for, exact where it is whole; None where it stands for none."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None
