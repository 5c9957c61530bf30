"""A trace as one HTML page that loads nothing: totals, Gantt chart, tables, every call.

What models wrote is escaped, and the page forbids what is not its own: `page_shell`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from graphdsl.executors.trace import Record, Trace
from graphdsl.executors.traces import page_tables
from graphdsl.executors.traces.analysis import Analysis, analyse
from graphdsl.executors.traces.critical_path import hops_by_address
from graphdsl.executors.traces.labels import labels, told
from graphdsl.executors.traces.markup import classes, line, text
from graphdsl.executors.traces.page_gantt import Row, amounts, gantt, heights
from graphdsl.executors.traces.page_shell import asset, base_style, html_page
from graphdsl.prices import dollars
from graphdsl.values import Usage

MOST_NODES: Final = 2000
"""Nodes that a page shows; of a longer run those that took longest."""

MOST_CALLS: Final = 5000
"""Calls that a page shows, the first ones of every node."""


def to_page(trace: Trace, *, whole: bool = False) -> str:
    """The page; `whole` shows plumbing (fields, prompts, conversions) as well."""
    names, analysis = labels(trace), analyse(trace)
    critical = frozenset(hops_by_address(analysis.path))
    rows, left_out = _rows(trace.nodes if whole else told(trace.nodes))
    parts = [
        *_head(trace, analysis),
        f"<h2>When it ran</h2>{_cut(left_out)}",
        gantt(trace, rows, names, critical),
        "<h2>Nodes</h2>",
        page_tables.nodes(rows, names, critical),
        *(("<h2>Models</h2>", page_tables.models(analysis)) if analysis.models else ()),
        "<h2>Calls</h2>",
        page_tables.calls(rows, names) or '<p class="soft">No model was called.</p>',
    ]
    script = asset(__file__, "page.js")
    return html_page(f"{trace.flow} {trace.run_id}", _style(), "\n".join(parts), script)


def _head(trace: Trace, analysis: Analysis) -> Iterator[str]:
    status = f"<span{classes('status', trace.status)}>{text(trace.status)}</span>"
    begun = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(trace.started))
    where = f" · {text(trace.file)}" if trace.file else ""
    yield f"<h1>{text(trace.flow)} {status}</h1>"
    yield (
        f'<div class="soft">run {text(trace.run_id)} · {begun} · seed {trace.seed} · '
        f"graph {line(trace.graph_hash, 17)}{where}</div>"
    )
    totals = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _totals(trace, analysis)
    )
    yield f'<dl class="totals">{totals}</dl>'
    yield from (
        f'<div class="soft">{text(name)}</div><pre>{text(said)}</pre>'
        for name, said in trace.inputs.items()
    )
    if trace.value:
        yield f'<div class="soft">value</div><pre>{text(trace.value)}</pre>'
    if trace.error:
        yield f'<div class="error">error</div><pre>{text(trace.error)}</pre>'


def _totals(trace: Trace, analysis: Analysis) -> Iterator[tuple[str, str]]:
    usage, counts = analysis.usage, analysis.counts
    yield "time", f"{trace.seconds:.3f} s"
    yield "on the critical path", f"{analysis.efficiency:.1%}"
    yield "calls", str(usage.calls)
    yield "tokens in", str(usage.prompt_tokens)
    yield "tokens out", str(usage.completion_tokens)
    yield "cost", _money(usage)
    if analysis.prefix_hits is not None:
        yield "prompt tokens cached", f"{analysis.prefix_hits:.1%}"
    if analysis.rate is not None:
        yield "tokens/s", f"{analysis.rate:.0f}"
    yield "calls at once", f"≤ {analysis.in_flight}"
    if counts.cached:
        yield "by itself it costs", _money(analysis.virtual)
    if analysis.earlier.calls:
        yield "earlier lives", ", ".join(amounts(analysis.earlier))
    several = {
        "from the cache": counts.cached,
        "from the journal": counts.replayed,
        "asked again": counts.retries,
        "passed over": counts.passes,
        "not needed": counts.spared,
        "end unknown": counts.unknown,
    }
    yield from ((name, str(count)) for name, count in several.items() if count)


def _money(usage: Usage) -> str:
    return "unknown" if usage.cost is None else dollars(usage.cost, 4)


def _rows(nodes: Sequence[Record]) -> tuple[list[Row], int]:
    """The nodes of a page in order of the tree, and how many there are beside them."""
    every = list(_walk(nodes, 0))
    longest = sorted(every, key=lambda row: -row.record.seconds)  # stable: parents stay in front
    kept = {id(row) for row in longest[:MOST_NODES]}
    rows: list[Row] = []
    room = MOST_CALLS
    for row in every:
        if id(row) in kept:
            rows.append(Row(row.record, row.depth, row.calls[:room]))
            room -= len(rows[-1].calls)
    return rows, len(every) - len(rows)


def _walk(nodes: Sequence[Record], depth: int) -> Iterator[Row]:
    for record in nodes:
        yield Row(record, depth, record.calls)
        yield from _walk(record.children, depth + 1)


def _cut(left_out: int) -> str:
    if not left_out:
        return ""
    return f'<p class="soft">{left_out} nodes are not shown: those that took the least time.</p>'


@cache
def _style() -> str:
    return base_style() + asset(__file__, "page.css") + heights()
