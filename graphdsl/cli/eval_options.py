"""`--levels` and `--budgets` of `graphdsl eval`: several values of one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graphdsl.cli.inputs import read_budget

if TYPE_CHECKING:
    from graphdsl.plan import Budget


def levels(
    _context: click.Context, _param: click.Parameter, text: str | None
) -> dict[str, list[str | float]] | None:
    """`sums.drafts.samples=1,2,4` as the values of a hole. Raises a usage error."""
    if text is None:
        return None
    address, values = _split(text, "sums.drafts.samples=1,2,4")
    return {address: [_value(one) for one in values]}


def budgets(
    _context: click.Context, _param: click.Parameter, text: str | None
) -> list[Budget] | None:
    """`calls=1,2,4` as budgets. Raises a usage error."""
    if text is None:
        return None
    name, values = _split(text, "calls=1,2,4")
    found = [read_budget(f"{name}={one}") for one in values]
    return [budget for budget in found if budget is not None]


def _split(text: str, example: str) -> tuple[str, list[str]]:
    name, equals, values = text.partition("=")
    listed = [one.strip() for one in values.split(",")]
    if not equals or not name.strip() or not all(listed):
        raise click.BadParameter(f"`{text}` is no list of levels; write for example `{example}`")
    if len(listed) < 2:
        raise click.BadParameter(
            f"levels are compared, so two at least are needed; write for example `{example}`"
        )
    return name.strip(), listed


def _value(text: str) -> str | float:
    """A number where it is one; a label is what it says."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
