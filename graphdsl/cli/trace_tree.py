"""A trace as a tree: every node with its time, calls, tokens and notes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import console, counted, safe
from graphdsl.cli.spending import money, passed_over, passes, spent
from graphdsl.ir.addresses import written_name
from graphdsl.ops.core import CORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text
    from rich.tree import Tree

    from graphdsl.executors.trace import Record, Trace

_WIDTH: Final = 24
"""Cells of a bar: the whole run."""

_STYLES: Final = {"failed": "red", "exhausted": "yellow", "cancelled": "yellow", "skipped": "dim"}


def print_tree(trace: Trace, whole: bool = False) -> None:
    """Print the tree on stdout; `whole` shows plumbing (fields, prompts, conversions) as well."""
    from rich.tree import Tree

    labels = _labels(trace)
    root = Tree(_title(trace), guide_style="dim")
    for name, text in trace.inputs.items():
        root.add(_line(f"{name}: {_short(text)}", "dim"))
    nodes = trace.nodes if whole else _told(trace.nodes)
    width = max((_depth_width(record, labels, 0) for record in nodes), default=0)
    for record in nodes:
        _add(root, record, trace, labels, width)
    if trace.value:
        root.add(_line(f"→ {_short(trace.value)}", "bold"))
    if trace.error:
        root.add(_whole(trace.error, "red"))
    console().print(root)


def _told(records: list[Record]) -> list[Record]:
    """Without the plumbing that went well."""
    return [
        replace(record, children=_told(record.children))
        for record in records
        if record.op not in CORE or record.status == "failed" or record.notes
    ]


def _title(trace: Trace) -> Text:
    from rich.text import Text

    title = Text(f"{trace.flow}", style="bold")
    title.append(f"  {trace.status}", style=_STYLES.get(trace.status, "green"))
    told = ", ".join([f"{trace.seconds:.2f} s", *spent(trace.usage), *passed_over(passes(trace))])
    title.append(f"  {told}  run {trace.run_id}", style="dim")
    return title


def _line(text: str, style: str) -> Text:
    from rich.text import Text

    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")


def _whole(text: str, style: str) -> Text:
    """A text in full, over several lines where it is long: what it names may stand at its end."""
    from rich.text import Text

    return Text(safe(" ".join(text.split())), style=style, overflow="fold")


def _labels(trace: Trace) -> dict[str, str]:
    """What stands at the head of a node's line, by address: `drafts[2] = generate`.

    A node that the program gives no name is shown by its op alone.
    """
    from graphdsl.executors.trace import without_rounds

    ops = {without_rounds(record.address): record.op for record in trace.walk()}
    labels: dict[str, str] = {}
    for record in trace.walk():
        plain = without_rounds(record.address)
        name, rounds = written_name(plain, ops), record.address.removeprefix(plain)
        named = f"{name}{rounds} = {record.op}"
        labels[record.address] = record.op + rounds if name in ("", record.op) else named
    return labels


def _depth_width(record: Record, labels: Mapping[str, str], depth: int) -> int:
    """Cells that the widest label below needs, with its indent."""
    below = [_depth_width(child, labels, depth + 1) for child in record.children]
    return max([len(labels[record.address]) + 4 * depth, *below])


def _add(tree: Tree, record: Record, trace: Trace, labels: Mapping[str, str], width: int) -> None:
    """`width` is the cells that labels of this depth may take."""
    label = f"{labels[record.address]:<{max(width, 1)}}"
    branch = tree.add(_node(record, trace, label))
    for note, count in Counter(record.notes).items():
        branch.add(_whole(f"{count} × {note}" if count > 1 else note, "yellow"))
    for call in sorted(record.calls, key=lambda call: (call.model, call.sample)):
        if call.text is not None:
            branch.add(_line(f"{call.model} {call.sample}: {_short(call.text)}", ""))
    for child in record.children:
        _add(branch, child, trace, labels, width - 4)


def _node(record: Record, trace: Trace, label: str) -> Text:
    from rich.text import Text

    usage = record.usage
    line = Text(f"{label}  ")
    line.append(bar(record, trace.seconds), style="cyan")
    line.append(f" {record.seconds:7.2f} s", style="dim")
    if usage.calls:
        parts = [counted(usage.calls, "call"), counted(usage.completion_tokens, "token")]
        line.append("".join(f"  {part}" for part in [*parts, *money(usage)]), style="dim")
    if record.status != "ok":
        line.append(f"  {record.status}", style=_STYLES.get(record.status, ""))
    return line


def bar(record: Record, total: float) -> str:
    """When a node ran, within the whole run: `··━━━━····`."""
    scale = _WIDTH / total if total > 0 else 0.0
    end = record.start + record.seconds
    first = min(int(record.start * scale), _WIDTH - 1)
    last = min(max(round(end * scale), first + 1), _WIDTH)
    return "·" * first + "━" * (last - first) + "·" * (_WIDTH - last)


def _short(text: str, most: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
