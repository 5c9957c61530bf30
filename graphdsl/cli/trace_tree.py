"""A trace as a tree: every node with its time, calls, tokens and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import console, counted, safe
from graphdsl.cli.spending import money
from graphdsl.cli.trace_words import MARK, STYLES, foot, short, title
from graphdsl.ops.context import NOT_NEEDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.text import Text
    from rich.tree import Tree

    from graphdsl.executors.trace import Record, Trace

_WIDTH: Final = 24
"""Cells of a bar: the whole run."""

_NARROW: Final = 8
"""Cells that it has at least."""

_LABEL: Final = 20
"""Cells that labels have at least where lines are too long, unless there is no room at all."""

_INDENT: Final = 4
"""Cells that the tree indents each level."""

_ENDS: Final = {"error": "red", "cancelled": "yellow"}
"""Styles of calls that gave no sample."""

_FROM: Final = {"cache": " (from the cache)", "journal": " (from the journal)"}


def print_tree(trace: Trace, whole: bool = False) -> None:
    """Print the tree on stdout; `whole` shows plumbing (fields, prompts, conversions) as well."""
    from rich.tree import Tree

    from graphdsl.executors.traces.analysis import analyse
    from graphdsl.executors.traces.critical_path import hops_by_address
    from graphdsl.executors.traces.labels import labels, told

    names, analysis = labels(trace), analyse(trace)
    critical = frozenset(hops_by_address(analysis.path))
    out = console()
    root = Tree(title(trace), guide_style="dim")
    for name, text in trace.inputs.items():
        root.add(_line(f"{name}: {short(text)}", "dim"))
    nodes = trace.nodes if whole else told(trace.nodes)
    left, cells = _widths(nodes, names, out.width)
    for record in nodes:
        _add(root, record, _View(trace.seconds, names, critical, cells), left)
    if trace.value:
        root.add(_line(f"→ {short(trace.value)}", "bold"))
    if trace.error:
        root.add(_whole(trace.error, "red"))
    if words := foot(analysis, names, whole):
        root.add(_whole(words, "dim"))
    out.print(root)


def _widths(nodes: Sequence[Record], labels: Mapping[str, str], width: int) -> tuple[int, int]:
    """Cells for the labels and for the bars, so that every node fits its line where it can."""
    longest = max((_depth_width(record, labels, 0) for record in nodes), default=0)
    every = (record for top in nodes for record in top.walk())
    behind = max((len(_amounts(record) + _status(record)) for record in every), default=0)
    room = width - _INDENT - _TIME - behind
    left = min(longest, max(room - _NARROW, min(_LABEL, width // 3)))
    return left, min(max(room - left, _NARROW), _WIDTH)


class _View:
    """What every line of the tree needs to know of the run."""

    def __init__(
        self, seconds: float, labels: Mapping[str, str], critical: frozenset[str], cells: int
    ) -> None:
        self.seconds = seconds
        self.cells = cells
        self.labels = labels
        self.critical = critical


def _line(text: str, style: str) -> Text:
    from rich.text import Text

    return Text(safe(text), style=style, no_wrap=True, overflow="ellipsis")


def _whole(text: str, style: str) -> Text:
    """A text in full, over several lines where it is long: what it names may stand at its end."""
    from rich.text import Text

    return Text(safe(" ".join(text.split())), style=style, overflow="fold")


def _depth_width(record: Record, labels: Mapping[str, str], depth: int) -> int:
    """Cells that the widest label below needs, with its indent."""
    below = [_depth_width(child, labels, depth + 1) for child in record.children]
    return max([len(labels[record.address]) + _INDENT * depth, *below])


def _add(tree: Tree, record: Record, view: _View, width: int) -> None:
    """`width` is the cells that labels of this depth may take."""
    branch = tree.add(_node(record, view, max(width, 1)))
    for note, count in Counter(record.notes).items():
        branch.add(_whole(f"{count} × {note}" if count > 1 else note, "yellow"))
    for (error, finish), count in Counter(_errors(record)).items():
        branch.add(_whole(f"{count} × {error}" if count > 1 else error, _ENDS.get(finish, "")))
    for call in sorted(record.calls, key=lambda call: (call.model, call.sample)):
        if call.text is not None and not call.error:
            origin = _FROM.get(call.origin, "")
            branch.add(_line(f"{call.model} {call.sample}{origin}: {short(call.text)}", ""))
    for child in record.children:
        _add(branch, child, view, width - _INDENT)


def _errors(record: Record) -> Iterator[tuple[str, str]]:
    """Why samples of a node were none; those that were not needed are counted elsewhere."""
    for call in record.calls:
        if call.error and call.error != NOT_NEEDED:
            yield call.error, call.finish


def _node(record: Record, view: _View, width: int) -> Text:
    """One line, whatever the terminal: its end is cut where there is no room for it."""
    from rich.text import Text

    critical = record.address in view.critical
    line = Text(safe(view.labels[record.address]), no_wrap=True, overflow="ellipsis")
    line.truncate(width, overflow="ellipsis", pad=True)
    line.append("  ")
    line.append(bar(record, view.seconds, view.cells), style="bold cyan" if critical else "cyan")
    line.append(f" {MARK if critical else ' '}", style="bold")
    line.append(f"{record.seconds:7.2f} s", style="dim")
    line.append(_status(record), style=STYLES.get(record.status, ""))
    line.append(_amounts(record), style="dim")
    return line


_TIME: Final = 2 + 2 + 9
"""Cells around the bar: a gap, the mark, the seconds."""


def _amounts(record: Record) -> str:
    usage = record.usage
    parts: list[str] = []
    if usage.calls:
        parts += [counted(usage.calls, "call"), counted(usage.completion_tokens, "token")]
        parts += money(usage)
    if record.spared:
        parts.append(f"{record.spared} not needed")
    return "".join(f"  {part}" for part in parts)


def _status(record: Record) -> str:
    return "" if record.status == "ok" else f"  {safe(record.status)}"


def bar(record: Record, total: float, cells: int) -> str:
    """When a node ran, within the whole run: `··━━━━····`."""
    scale = cells / total if total > 0 else 0.0
    end = record.start + record.seconds
    first = min(max(int(record.start * scale), 0), cells - 1)
    last = min(max(round(end * scale), first + 1), cells)
    return "·" * first + "━" * (last - first) + "·" * (cells - last)
