"""Data files: JSON Lines whose objects hold the inputs of a flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdsl.api.data_files import json_lines, json_object, refuse_lines, shown_name
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.nodes import Input

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow


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
    for number, line in json_lines(path):
        try:
            rows.append(_row(number, line, flow, given))
        except InputError as error:
            problems.append(f"line {number}: {error}")
    refuse_lines(path, problems)
    if not rows:
        raise InputError(f"`{shown_name(path)}` is empty; it needs one JSON object per line")
    return rows


def _row(number: int, line: str, flow: Flow, given: Mapping[str, Any]) -> Row:
    data = json_object(line, _example(flow.inputs))
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


def _example(params: Sequence[Input]) -> str:
    inside = ", ".join(f'"{param.name}": …' for param in params if param.required)
    return f"{{{inside}}}"
