"""A trace as a Gantt chart in the terminal: when every node and call ran, over the whole width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import console, counted, safe
from graphdsl.cli.trace_words import MARK, STYLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

    from graphdsl.executors.trace import Call, Record, Trace
    from graphdsl.executors.traces.analysis import Analysis

_SINGLE: Final = 8
"""Calls of one node that get a line each; of more, a line shows how many ran at once."""

_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_SECONDS: Final = 13
"""Cells for the seconds at the end of a line, or how many calls ran at once."""

_NARROW: Final = 12
"""Cells that bars have at least, however little room there is."""

_ROOM: Final = 50
"""Columns below which there is no room for seconds."""

_WAIT: Final = "·"
"""A cell in which a call waited to be sent."""

_ENDS: Final = {"error": "×", "cancelled": "×"}
"""The last cell of a call that gave no sample."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: what it is called, its bar, what stands behind, and how all that is painted."""

    label: str
    bar: str
    seconds: str
    style: str
    mark: str = " "


def print_gantt(trace: Trace, analysis: Analysis, whole: bool = False) -> None:
    """Print the chart on stdout, as wide as the terminal; `whole` shows plumbing as well."""
    from rich.text import Text

    from graphdsl.executors.traces.critical_path import hops_by_address
    from graphdsl.executors.traces.labels import labels, told

    names = labels(trace)
    out = console()
    nodes = trace.nodes if whole else told(trace.nodes)
    critical = frozenset(hops_by_address(analysis.path))
    widest = max((_widest(record, names, 0) for record in nodes), default=0)
    left = min(max(widest, 8), max(out.width * 2 // 5, 8))
    timed = out.width >= _ROOM
    cells = max(out.width - left - (_SECONDS if timed else 0) - 4, _NARROW)
    chart = _Chart(trace.seconds, cells, names, critical)
    out.print(Text(" " * (left + 3) + chart.axis(), style="dim"), no_wrap=True, overflow="crop")
    for record in nodes:
        for row in chart.rows(record, 0):
            out.print(_painted(row, left, timed), no_wrap=True, overflow="crop")


def _painted(row: _Row, left: int, timed: bool) -> Text:
    from rich.text import Text

    line = Text(row.label, style="" if row.mark != " " or row.style else "dim")
    line.truncate(left, overflow="ellipsis", pad=True)
    line.append(" ")
    line.append(f"{row.mark} ", style="bold")
    line.append(row.bar, style=row.style or "dim")
    if timed:
        line.append(f" {row.seconds:>{_SECONDS - 1}}", style="dim")
    return line


def _widest(record: Record, labels: Mapping[str, str], depth: int) -> int:
    below = [_widest(child, labels, depth + 1) for child in record.children]
    calls = [len(_call_label(call)) + 2 * depth + 2 for call in record.calls[:_SINGLE]]
    return max([len(labels[record.address]) + 2 * depth, *calls, *below])


def _call_label(call: Call) -> str:
    return f"{call.model} {call.sample}"


class _Chart:
    """Places on a line of so many cells that stands for the whole run."""

    def __init__(
        self, seconds: float, cells: int, labels: Mapping[str, str], critical: frozenset[str]
    ) -> None:
        self._cells = cells
        self._seconds = seconds
        self._scale = cells / seconds if seconds > 0 else 0.0
        self._labels = labels
        self._critical = critical

    def axis(self) -> str:
        """Seconds at the quarters, as far as there is room: `0 ┊0.5 ┊1.0`."""
        parts = 4 if self._cells >= 32 else 2
        line = [" "] * self._cells
        for part in range(parts):
            text = f"┊{self._seconds * part / parts:.3g} s"
            at = self._cells * part // parts
            line[at : at + len(text)] = text
        return "".join(line[: self._cells])

    def rows(self, record: Record, depth: int) -> Iterator[_Row]:
        """The line of a node, those of its calls, and those of the nodes inside it."""
        critical = record.address in self._critical
        label = "  " * depth + safe(self._labels[record.address])
        style = STYLES.get(record.status) or ("bold cyan" if critical else "blue")
        block = "█" if critical else "▒"
        end = record.start + record.seconds
        bar = self._bar(record.start, end, block)
        shown = "skipped" if record.status == "skipped" else f"{record.seconds:.2f} s"
        yield _Row(label, bar, shown, style, MARK if critical else " ")
        yield from self._calls(record.calls, depth + 1)
        for child in record.children:
            yield from self.rows(child, depth + 1)

    def _calls(self, calls: Sequence[Call], depth: int) -> Iterator[_Row]:
        from graphdsl.executors.traces.analysis import in_flight, running

        indent = "  " * depth
        if len(calls) > _SINGLE:
            most = in_flight(running(calls))
            shown = f"{most} at once" if most else calls[0].origin.replace("model", "")
            yield _Row(f"{indent}{counted(len(calls), 'call')}", self._crowd(calls), shown, "")
            return
        for call in calls:
            sent = call.sent if call.origin == "model" else call.start
            bar = self._bar(call.start, call.end, "━", _ENDS.get(call.finish), sent)
            shown = f"{call.seconds:.2f} s" if call.origin == "model" else call.origin
            style = "red" if call.finish == "error" else ""
            yield _Row(indent + safe(_call_label(call)), bar, shown, style)

    def _bar(
        self, start: float, end: float, block: str, last: str | None = None, sent: float = 0.0
    ) -> str:
        """Dots stand for what passed before it was `sent`."""
        first, stop = self._place(start, end)
        waited = 0
        if sent > start:
            waited = stop - first if sent >= end else max(self._place(sent, end)[0] - first, 0)
        filled = _WAIT * waited + block * (stop - first - waited)
        if last is not None:
            filled = filled[:-1] + last
        return " " * first + filled + " " * (self._cells - stop)

    def _place(self, start: float, end: float) -> tuple[int, int]:
        """The cells of a span: one at least."""
        first = min(max(int(start * self._scale), 0), self._cells - 1)
        return first, min(max(round(end * self._scale), first + 1), self._cells)

    def _crowd(self, calls: Sequence[Call]) -> str:
        """How many models worked on in each cell at most, as heights; dots where all waited."""
        from graphdsl.executors.traces.analysis import running

        counts = self._most(running(calls))
        there = self._most([(call.start, call.end) for call in calls])
        most, top = max(counts), len(_LEVELS) - 1
        return "".join(
            _LEVELS[-(-count * top // most)] if count else _WAIT if some else " "
            for count, some in zip(counts, there, strict=True)
        )

    def _most(self, spans: Sequence[tuple[float, float]]) -> list[int]:
        """How many of the spans hold one moment of each cell at most."""
        counts = [0] * self._cells
        edges = sorted(edge for a, b in spans for edge in ((round(a, 9), 1), (round(b, 9), -1)))
        now, since = 0, 0.0
        for at, change in edges:
            first, stop = self._place(since, at)
            if now and at > since:
                counts[first:stop] = [max(count, now) for count in counts[first:stop]]
            now, since = now + change, at
        return counts
