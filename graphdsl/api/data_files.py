"""Files of examples: JSON Lines, and tables as CSV or TSV, as numbered objects."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from graphdsl.api.inputs import check_values
from graphdsl.api.reading import json_problem, read_input
from graphdsl.errors import InputError

TABLES: Final = {".csv": ",", ".tsv": "\t"}
"""Suffixes of files that are tables, with what separates their columns."""

_SHOWN: Final = 5
"""Bad lines that a message names."""


def shown_name(path: Path) -> str:
    """The name of a data file in messages; `-` is stdin."""
    return "<stdin>" if str(path) == "-" else str(path)


def read_text(path: Path, what: str) -> str:
    """The text of a data file. Raises `InputError` where it cannot be read, or is no UTF-8."""
    data = read_input(path, what)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"`{shown_name(path)}` is not a text in UTF-8 (line {line})") from error


def json_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not empty, with their numbers from 1."""
    text = read_text(path, "a file of JSON lines (`.jsonl`)")
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def json_object(line: str, example: str) -> dict[str, Any]:
    """The object of one line. Raises `InputError` for what is none."""
    try:
        found: Any = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {json_problem(error)}") from error
    if not isinstance(found, dict):
        raise InputError(f"a JSON object is wanted, such as {example}")
    data: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]
    check_values(data)
    return data


def table_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a table with a header, each with the number of its last line.

    Raises `InputError` for a table without a header, one that names a column twice, and rows that
    are longer or shorter than it.
    """
    text = read_text(path, "a table (`.csv`)")
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))  # a cell may be a whole book
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=TABLES[path.suffix.lower()])
    problems: list[str] = []
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        _check_header(path, header)
        for cells in reader:
            if len(cells) == len(header):
                rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
            elif cells:
                wrong = f"{len(cells)} columns, where the header has {len(header)}"
                problems.append(f"line {reader.line_num}: {wrong}")
    except csv.Error as error:
        raise InputError(f"`{path}` is no table: line {reader.line_num}: {error}") from error
    refuse_lines(path, problems)
    return rows


def refuse_lines(path: Path, problems: Sequence[str]) -> None:
    """Raise `InputError` that names the first bad lines, if there are any."""
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "\n".join(problems[:_SHOWN])
        raise InputError(f"`{shown_name(path)}` is wrong\n{listed}{more}")


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not header:
        raise InputError(f"`{path}` is empty; it needs a line with the names of its columns")
    if len(header) == 1 and ";" in header[0]:
        raise InputError(
            f"`{path}` seems to have `;` between its columns; write `,` there, or tabs in a `.tsv`"
        )
    twice = next((name for at, name in enumerate(header) if name in header[:at]), None)
    if twice is not None:
        raise InputError(f"`{path}` has two columns `{twice}`")


def _no_constant(text: str) -> Any:
    raise ValueError(f"`{text}` is not a number of JSON")
