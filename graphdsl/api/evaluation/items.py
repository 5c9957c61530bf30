"""The items of an evaluation: inputs of the flow, and what its answer should be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from graphdsl.api.data_files import (
    TABLES,
    json_lines,
    json_object,
    refuse_lines,
    shown_name,
    table_rows,
)
from graphdsl.api.inputs import check_values
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.types import OptionalOf, Type

if TYPE_CHECKING:
    from graphdsl.api.evaluation.columns import Columns
    from graphdsl.api.flow import Flow

Data: TypeAlias = "str | os.PathLike[str] | Iterable[Mapping[str, Any]]"
"""Examples: the path of a `.jsonl`, `.csv` or `.tsv` file, or mappings."""

_TEXTS: Final = ("Text", "Answer", "Draft", "Messages", "Doc")
"""Types of which a cell of a table is a value as it is; other cells are JSON."""


@dataclass(frozen=True, slots=True)
class Record:
    """One example as it stands in the data; `line` counts from 1."""

    line: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One example: the whole of it, the inputs in it, and the target."""

    line: int
    data: dict[str, Any]
    inputs: dict[str, Any]
    target: Any

    @property
    def name(self) -> str:
        """How results call it: its `id` where it has one, else its line."""
        given = self.data.get("id")
        return str(given) if isinstance(given, str | int) else str(self.line)


@dataclass(frozen=True, slots=True)
class Records:
    """All examples of one source. `cells` says that all values are texts of a table."""

    source: str
    records: tuple[Record, ...]
    cells: bool = False

    @property
    def names(self) -> list[str]:
        """Every column that some record has, in order of appearance."""
        return list(dict.fromkeys(name for record in self.records for name in record.data))


def read_records(data: Data, limit: int | None = None) -> Records:
    """The first `limit` examples, by default all. Raises `InputError` for what is no data."""
    if isinstance(data, str | os.PathLike):
        found = _from_file(Path(data))
    else:
        found = Records("data", tuple(_given(data)))
    if not found.records:
        raise InputError(f"`{found.source}` is empty; it needs one example at least")
    return Records(found.source, found.records[:limit], found.cells)


def _from_file(path: Path) -> Records:
    if path.suffix.lower() in TABLES:
        rows = tuple(Record(line, {**cells}) for line, cells in table_rows(path))
        return Records(str(path), rows, cells=True)
    records: list[Record] = []
    problems: list[str] = []
    for number, line in json_lines(path):
        try:
            records.append(Record(number, json_object(line, '{"question": …, "answer": …}')))
        except InputError as error:
            problems.append(f"line {number}: {error}")
    refuse_lines(path, problems)
    return Records(shown_name(path), tuple(records))


def _given(rows: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = type(cast("object", row)).__name__
            raise InputError(f"item {number} of the data is no mapping but a `{kind}`")
        check_values(row)
        yield Record(number, dict(row))


def items_of(records: Records, flow: Flow, columns: Columns) -> list[Item]:
    """The items of the records, each checked against the flow, before anything runs.

    Raises `InputError` that names the bad lines.
    """
    items: list[Item] = []
    problems: list[str] = []
    kinds = {param.name: param.type for param in flow.inputs}
    for record in records.records:
        try:
            items.append(_item(record, flow, columns, kinds if records.cells else {}))
        except InputError as error:
            problems.append(f"line {record.line}: {error}")
    refuse_lines(Path(records.source), problems)
    return items


def _item(record: Record, flow: Flow, columns: Columns, cells: Mapping[str, Type]) -> Item:
    data = record.data
    inputs = {
        name: _cell(name, data[column], cells[name]) if name in cells else data[column]
        for name, column in columns.inputs.items()
        if column in data
    }
    if data.get(columns.target) in (None, "", []):
        raise InputError(f"it has no `{columns.target}`{_near(columns.target, data)}")
    flow.fits(inputs)
    return Item(record.line, data, inputs, data[columns.target])


def _near(column: str, data: Mapping[str, Any]) -> str:
    near = () if column in data else did_you_mean(column, data)
    return f"; is `{near[0]}` meant?" if near else ""


def _cell(name: str, text: Any, kind: Type) -> Any:
    """A cell of a table as a value of that type; an empty one is absent where that may be."""
    if isinstance(kind, OptionalOf):
        return None if text == "" else _cell(name, text, kind.item)
    if str(kind) in _TEXTS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"`{name}` is a `{kind}`, and `{text}` is not one as JSON") from error
