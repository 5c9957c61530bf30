"""Writes docs/json.md from the models of graphdsl.cli.schemas. Run it with `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from graphdsl.cli.schemas import FAILURES, REPORTS, Record

PAGE = Path(__file__).parent / "json.md"

HEAD = """\
# `--json`

Every command prints one JSON object on one line of stdout when it is given `--json`, whatever
happens; nothing else is printed there. (`run --data` without `--json` prints one object per item.)
`ok` says whether all is well, and the exit code says the same:

| code | meaning |
|---|---|
| 0 | ok |
| 1 | the program or its data is wrong |
| 2 | the command line is wrong |
| 3 | a budget or deadline ran out; the result is partial |
| 4 | a model failed, is missing, or gave no answer |
| 70 | a defect of graphdsl: please report it |
| 130 | interrupted |
| 141 | the reader of stdout went away |
| 143 | stopped by SIGTERM |

Fields may be added in later versions; none is renamed or removed, and none changes its meaning.

This page is generated from `graphdsl/cli/schemas.py` (`make docs`).
"""


def page() -> str:
    """The whole page."""
    shown: set[type[Record]] = set()
    parts = [HEAD, "## When a command fails\n"]
    parts += [text for model in FAILURES for text in _sections(model, shown)]
    for command, models in REPORTS.items():
        parts.append(f"## `graphdsl {command}`\n")
        parts += [text for model in models for text in _sections(model, shown)]
    return "\n".join(parts)


def _sections(model: type[Record], shown: set[type[Record]]) -> Iterator[str]:
    """A model and those that it holds, each once on the page."""
    if model in shown:
        return
    shown.add(model)
    yield _section(model)
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from _sections(inner, shown)


def _section(model: type[Record]) -> str:
    lines = [f"### {model.__name__}", "", _prose(model), "", "| field | type |", "|---|---|"]
    for name, field in model.model_fields.items():
        about = f" ({field.description})" if field.description else ""
        lines.append(f"| `{name}` | {type_name(field.annotation)}{about} |")
    return "\n".join([*lines, ""])


def _prose(model: type[Record]) -> str:
    return " ".join((model.__doc__ or "").split())


def _models_in(annotation: Any) -> Iterator[type[Record]]:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def type_name(annotation: Any) -> str:
    """A type as the page shows it: `list of [Place](#place)`, `text or null`."""
    names = {str: "text", int: "integer", float: "number", bool: "bool", NoneType: "null"}
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None if annotation is Any:
            return "any value"
        case None if annotation in names:
            return names[annotation]
        case None:
            return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
        case origin if origin is list:
            return f"list of {type_name(arguments[0])}"
        case origin if origin is dict:
            return f"object of {type_name(arguments[1])}"
        case origin if origin is Literal:
            return " or ".join(f"`{_literal(value)}`" for value in arguments)
        case origin if origin in (Union, UnionType):
            return " or ".join(type_name(argument) for argument in arguments)
        case other:
            message = f"no words for {other}"
            raise TypeError(message)


def _literal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
