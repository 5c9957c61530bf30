"""Data files: JSON Lines whose objects hold the inputs of a flow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphdsl.api.inputs import check_values
from graphdsl.api.reading import json_problem, read_input
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Input

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow

_SHOWN: Final = 5
"""Bad lines that a message names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its number, counted from 1, the whole object, and the inputs in it."""

    line: int
    data: dict[str, Any]
    inputs: dict[str, Any]


def read_rows(path: Path, flow: Flow, given: Mapping[str, Any]) -> list[Row]:
    """All rows of a file, each checked against the flow. `given` holds for every row without it.

    Keys that are no inputs are carried along. Empty lines are skipped. Raises `InputError` naming
    the bad lines, before anything runs.
    """
    from graphdsl.executors.inputs import check_names

    check_names(flow.plan(), given)  # wrong whatever the lines are, so it is said once
    rows: list[Row] = []
    problems: list[str] = []
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            try:
                rows.append(_row(number, line, flow, given))
            except InputError as error:
                problems.append(f"line {number}: {error}")
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(f"`{_name(path)}` is wrong\n" + "\n".join(problems[:_SHOWN]) + more)
    if not rows:
        raise InputError(f"`{_name(path)}` is empty; it needs one JSON object per line")
    return rows


def _name(path: Path) -> str:
    return "<stdin>" if str(path) == "-" else str(path)


def _lines(path: Path) -> list[str]:
    data = read_input(path, "a file of JSON lines (`.jsonl`)")
    try:
        return data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"`{_name(path)}` is not a text in UTF-8 (line {line})") from error


def _row(number: int, line: str, flow: Flow, given: Mapping[str, Any]) -> Row:
    try:
        found: Any = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {json_problem(error)}") from error
    if not isinstance(found, dict):
        raise InputError(f"a JSON object is wanted, such as {_example(flow.inputs)}")
    data: dict[str, Any] = found  # pyright: ignore[reportUnknownVariableType]
    check_values(data)
    names = {param.name for param in flow.inputs}
    inputs = {**given, **{name: value for name, value in data.items() if name in names}}
    try:
        flow.fits(inputs)
    except InputError as error:
        raise InputError(f"{error}{_near(flow.inputs, inputs, data)}") from error
    return Row(number, data, inputs)


def _near(params: Sequence[Input], inputs: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """A key of the line that was perhaps meant to be a missing input."""
    for param in params:
        near = did_you_mean(param.name, data.keys() - inputs.keys())
        if param.name not in inputs and near:
            return f"; is `{near[0]}` meant to be `{param.name}`?"
    return ""


def _no_constant(text: str) -> Any:
    raise ValueError(f"`{text}` is not a number of JSON")


def _example(params: Sequence[Input]) -> str:
    inside = ", ".join(f'"{param.name}": …' for param in params if param.required)
    return f"{{{inside}}}"
