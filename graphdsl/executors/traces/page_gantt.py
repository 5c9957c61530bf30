"""The Gantt chart of a page: one SVG, with bars placed in percent so that it can be widened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphdsl.executors.trace import Call, Record, Trace
from graphdsl.executors.traces.markup import classes, line, text
from graphdsl.prices import dollars
from graphdsl.values import Usage

_HEAD: Final = 24
"""Height of the axis."""

_ROW: Final = 22
_BAR: Final = 12
_LANE: Final = 6
"""Heights of a node's row and bar, and of a row of calls beneath it; all in pixels."""

_LANES: Final = 12
"""Rows of calls under one node at most; further calls share the last one."""

_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One node as the chart shows it: how deep it stands, and its calls."""

    record: Record
    depth: int
    calls: Sequence[Call]


def gantt(
    trace: Trace, rows: Sequence[Row], labels: Mapping[str, str], critical: frozenset[str]
) -> str:
    """The figure: names at the left, the chart beside them, room for what is pointed at below."""
    lanes = [_laned(row.calls) for row in rows]
    heights = [_ROW + _LANE * _depth(lane) for lane in lanes]
    total = _HEAD + sum(heights)
    names = [
        _name(row, labels, critical, height) for row, height in zip(rows, heights, strict=True)
    ]
    bands: list[str] = []
    parts: list[str] = []
    top = _HEAD
    for number, (row, lane, height) in enumerate(zip(rows, lanes, heights, strict=True)):
        if number % 2:
            bands.append(f'<rect class="odd" x="0" y="{top}" width="100%" height="{height}"/>')
        parts += _bars(row, lane, top, trace.seconds, labels, critical)
        top += height
    return _FIGURE.format(
        names="\n".join(names),
        seconds=f"{trace.seconds:.6f}",
        height=total,
        bands="\n".join(bands),
        bars="\n".join(parts),
        axis="".join(_axis(trace.seconds)),
    )


_FIGURE: Final = """<figure class="gantt">
<div class="tools" hidden>
<button type="button" data-zoom="2">closer</button>
<button type="button" data-zoom="0.5">farther</button>
<button type="button" data-zoom="0">all</button>
<span class="soft">or ctrl and the wheel</span>
</div>
<div class="grid">
<div class="names">
{names}
</div>
<div class="scroll">
<svg xmlns="http://www.w3.org/2000/svg" height="{height}" role="img" \
aria-label="when each node ran" data-seconds="{seconds}">
{bands}
<g class="axis">{axis}</g>
{bars}
</svg>
</div>
</div>
<figcaption><span class="tip">Point at a bar to see what it is.</span>
<span class="key"><i class="path"></i>critical path<i class="node"></i>other nodes\
<i class="call"></i>calls<i class="wait"></i>waiting to be sent\
<i class="kept"></i>answered by cache or journal\
<i class="bad"></i>failed or cancelled</span></figcaption>
</figure>"""


def _name(row: Row, labels: Mapping[str, str], critical: frozenset[str], height: int) -> str:
    """Heights are classes, since a page that forbids inline styles cannot have them there."""
    name = text(labels[row.record.address])
    shown = f"<b>{name}</b>" if row.record.address in critical else name
    indent = "&nbsp;" * (3 * row.depth)
    kind = classes(f"h{height}")
    return f'<div{kind} title="{text(row.record.address)}">{indent}{shown}</div>'


def heights() -> str:
    """The style of the rows, by their heights."""
    every = (_ROW + _LANE * lanes for lanes in range(_LANES + 1))
    return "\n".join(f".gantt .names .h{height} {{ height: {height}px }}" for height in every)


def _axis(seconds: float) -> Iterator[str]:
    for tick in range(_TICKS if seconds > 0 else 1):
        x = f"{100 * tick / _TICKS:.4g}%"
        yield f'<line class="tick" x1="{x}" x2="{x}" y1="0" y2="100%"/>'
        yield f'<text x="{x}" dx="4" y="15">{seconds * tick / _TICKS:.3g} s</text>'


def _bars(
    row: Row,
    lanes: Sequence[tuple[int, Call]],
    top: int,
    total: float,
    labels: Mapping[str, str],
    critical: frozenset[str],
) -> Iterator[str]:
    record = row.record
    path = "path" if record.address in critical else ""
    y = top + (_ROW - _BAR) // 2
    tip = node_tip(record, labels[record.address], on_path=bool(path))
    kind = classes("node", path, record.status)
    yield _bar(record.start, record.seconds, total, y, _BAR, kind, tip)
    for lane, call in lanes:
        y = top + _ROW - 3 + lane * _LANE
        kind, tip, begin = classes("call", _call_kind(call)), call_tip(call), call.start
        if call.origin == "model" and call.sent > call.start:
            begin = call.sent
            waited = begin - call.start
            yield _bar(call.start, waited, total, y, _LANE - 2, classes("wait"), tip)
        yield _bar(begin, call.end - begin, total, y, _LANE - 2, kind, tip)


def _bar(
    start: float, seconds: float, total: float, y: int, height: int, kind: str, tip: str
) -> str:
    scale = 100 / total if total > 0 else 0.0
    x, width = min(start * scale, 99.75), max(seconds * scale, 0.25)
    return (
        f'<rect{kind} x="{x:.4f}%" y="{y}" width="{width:.4f}%" height="{height}" rx="2" '
        f'data-tip="{tip}"><title>{tip}</title></rect>'
    )


def _call_kind(call: Call) -> str:
    if call.finish in ("error", "cancelled"):
        return "bad"
    return "" if call.origin == "model" else "kept"


def node_tip(record: Record, label: str, *, on_path: bool) -> str:
    """What is said of a node that is pointed at."""
    parts = [label, f"{record.start:.3f} to {record.start + record.seconds:.3f} s"]
    parts += [f"{record.seconds:.3f} s", *amounts(record.usage)]
    if record.status != "ok":
        parts.append(record.status)
    if on_path:
        parts.append("on the critical path")
    return text(" · ".join(parts))


def call_tip(call: Call) -> str:
    """What is said of a call that is pointed at."""
    parts = [
        f"{call.model} {call.sample}",
        call.finish,
        f"{call.start:.3f} s",
        f"{call.seconds:.3f} s",
    ]
    if call.origin == "model" and call.sent > call.start:
        parts.append(f"waited {call.sent - call.start:.3f} s")
    parts += amounts(call.usage) if call.origin == "model" else [f"from the {call.origin}"]
    return text(" · ".join(parts)) + (f" · {line(call.error)}" if call.error else "")


def amounts(usage: Usage) -> list[str]:
    """Calls, tokens and money, where there were any."""
    if not usage.calls:
        return []
    tokens = f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
    calls = f"{usage.calls} call{'' if usage.calls == 1 else 's'}"
    return [calls, tokens, *([dollars(usage.cost, 3)] if usage.cost else [])]


def _depth(lanes: Sequence[tuple[int, Call]]) -> int:
    return max((lane + 1 for lane, _ in lanes), default=0)


def _laned(calls: Sequence[Call]) -> list[tuple[int, Call]]:
    """Every call with the first lane that is free when it begins."""
    ends: list[float] = []
    found: list[tuple[int, Call]] = []
    for call in sorted(calls, key=lambda call: call.start):
        free = (lane for lane, end in enumerate(ends) if end <= call.start)
        lane = next(free, min(len(ends), _LANES - 1))
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = max(ends[lane], call.end)
        found.append((lane, call))
    return found
