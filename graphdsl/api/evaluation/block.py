"""What a `search` block says of the data and the metric: the defaults of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graphdsl.api.literals import constant
from graphdsl.syntax import tree

if TYPE_CHECKING:
    from graphdsl.compiler.program import Module


@dataclass(frozen=True, slots=True)
class Block:
    """One `search` block. `columns` are those of its inputs; `by` is that of its metric."""

    name: str
    flow: str
    data: Path
    columns: tuple[str, ...]
    target: str
    metric: str
    by: str | None


def block_for(module: Module, flow: str | None) -> Block | None:
    """The block about a flow, by default the first of the file: one named `default` comes first.

    Blocks of flows of other files are left out.
    """
    found = [block_of(module, item) for item in module.file.items if isinstance(item, tree.Search)]
    fitting = [block for block in found if block.flow == flow or flow is None]
    named = [block for block in fitting if block.name == "default"]
    return next(iter(named or fitting), None)


def block_of(module: Module, search: tree.Search) -> Block:
    """A block that the checker let pass, so that all of it is there."""
    entries = {entry.key.text: entry.value for entry in search.entries}
    data, metric = entries["data"], entries["maximise"]
    assert isinstance(data, tree.Call)
    assert isinstance(metric, tree.Call)
    given = {arg.name.text if arg.name else "path": constant(arg.value) for arg in data.args}
    columns = given["input"]
    by = next((str(arg.value) for arg in metric.args if arg.name and arg.name.text == "by"), None)
    return Block(
        search.name.text,
        str(entries["flow"]),
        Path(module.folder or "", given["path"]),
        (columns,) if isinstance(columns, str) else tuple(columns),
        given["target"],
        str(metric.callee),
        by,
    )
