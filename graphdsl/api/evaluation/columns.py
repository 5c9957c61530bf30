"""Which columns of the data are the inputs of a flow, and which is the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError
from graphdsl.ir.types import OptionalOf

if TYPE_CHECKING:
    from graphdsl.api.evaluation.block import Block
    from graphdsl.ir.nodes import Input

QUESTIONS: Final = ("question", "problem", "prompt", "query", "instruction", "input", "text")
"""Columns that are taken for the one input that no column is named like."""

TARGETS: Final = (
    "target",
    "answer",
    "expected",
    "label",
    "gold",
    "solution",
    "reference",
    "output",
)
"""Columns that are taken for the target where none is named."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of each input that has one, and that of the target."""

    inputs: Mapping[str, str]
    target: str


def columns_of(
    names: Sequence[str],
    params: Sequence[Input],
    block: Block | None = None,
    inputs: Mapping[str, str] | None = None,
    target: str | None = None,
) -> Columns:
    """The columns by what was asked for, else by the `search` block, else by their names.

    Raises `InputError` for a column or input that does not exist, and where nothing fits.
    """
    for name, column in (inputs or {}).items():
        _known(name, [param.name for param in params], "the flow has no input")
        _known(column, names, "the data has no column")
    if target is not None:
        _known(target, names, "the data has no column")
    found = _named(names, params)
    found |= _of_block(block, params, names)
    found |= dict(inputs or {})
    found |= _only(names, params, found, target)
    chosen = target or _target(names, block, set(found.values()))
    found = {
        name: column for name, column in found.items() if column != chosen or name in (inputs or {})
    }
    return Columns(found, chosen)


def _named(names: Sequence[str], params: Sequence[Input]) -> dict[str, str]:
    """Inputs that have a column of their name."""
    return {param.name: param.name for param in params if param.name in names}


def _of_block(block: Block | None, params: Sequence[Input], names: Sequence[str]) -> dict[str, str]:
    """What the block names; one column alone is that of the one input that has to be given."""
    if block is None:
        return {}
    columns = [column for column in block.columns if column in names]
    known = {param.name for param in params}
    needed = _needed(params)
    if len(block.columns) == 1 and len(needed) == 1 and block.columns[0] not in known:
        return dict.fromkeys(needed, block.columns[0]) if columns else {}
    return {column: column for column in columns if column in known}


def _only(
    names: Sequence[str], params: Sequence[Input], found: Mapping[str, str], target: str | None
) -> dict[str, str]:
    """The usual column for the only input that has to be given, where it has none yet."""
    needed = _needed(params)
    usual = [name for name in QUESTIONS if name in names and name != target]
    return {needed[0]: usual[0]} if len(needed) == 1 and needed[0] not in found and usual else {}


def _needed(params: Sequence[Input]) -> list[str]:
    return [p.name for p in params if p.required and not isinstance(p.type, OptionalOf)]


def _target(names: Sequence[str], block: Block | None, taken: set[str]) -> str:
    if block is not None and block.target in names:
        return block.target
    found = next((name for name in TARGETS if name in names and name not in taken), None)
    if found is None:
        listed = ", ".join(f"`{name}`" for name in names)
        raise InputError(
            "no column of the data is the target: name it (`--target COLUMN`, `target=` in "
            f"Python); the columns are {listed}"
        )
    return found


def _known(name: str, names: Sequence[str], problem: str) -> None:
    if name in names:
        return
    near = did_you_mean(name, names)
    listed = ", ".join(f"`{one}`" for one in near or names) or "none"
    raise InputError(f"{problem} `{name}`; {'did you mean' if near else 'there are'} {listed}")
