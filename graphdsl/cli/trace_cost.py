"""What a run took, node by node and model by model, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphdsl.cli.output import console, safe
from graphdsl.cli.spending import money
from graphdsl.cli.trace_words import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from graphdsl.executors.trace import Trace
    from graphdsl.executors.traces.analysis import Analysis, NodeReport
    from graphdsl.values import Usage


def print_cost(trace: Trace, analysis: Analysis, whole: bool = False) -> None:
    """Print the tables on stdout; `whole` shows nodes that took next to nothing as well."""
    from graphdsl.executors.traces.labels import labels

    names = labels(trace)
    out = console()
    out.print(_nodes(analysis, names, whole))
    if analysis.models:
        out.print(_models(analysis))


def _nodes(analysis: Analysis, labels: Mapping[str, str], whole: bool) -> Table:
    from graphdsl.executors.traces.analysis import share

    kept = analysis.counts.cached > 0
    table = _table("node", _columns(kept, "time", "itself"))
    named = {address.partition("[")[0]: label for address, label in labels.items()}
    for node in analysis.nodes:
        if whole or _matters(node):
            mark = f" {MARK}" if node.critical else ""
            times = f" ×{node.times}" if node.times > 1 else ""
            label = safe(named[node.address].partition(" = ")[0]).partition("[")[0]
            table.add_row(
                f"{label}{times}{mark}",
                *_amounts(node.usage, node.share),
                *_kept(kept, node.counts.cached),
                f"{node.seconds:.2f} s",
                f"{node.self_seconds:.2f} s",
            )
    if analysis.earlier.calls:
        part = share(analysis.earlier, analysis.usage)
        table.add_row("earlier lives", *_amounts(analysis.earlier, part))
    table.add_section()
    whole_run = _amounts(analysis.usage, None)
    table.add_row("all", *whole_run, *_kept(kept, analysis.counts.cached), "", "")
    return table


def _models(analysis: Analysis) -> Table:
    kept = analysis.counts.cached > 0
    table = _table("model", _columns(kept, "tokens/s"))
    for model in analysis.models:
        rate = "" if model.rate is None else f"{model.rate:.0f}"
        amounts = _amounts(model.usage, model.share)
        table.add_row(safe(model.name), *amounts, *_kept(kept, model.cached), rate)
    return table


def _columns(kept: bool, *more: str) -> list[str]:
    """`prefix` are prompt tokens that the engine had computed before, `kept` whole answers."""
    cache = ["from cache"] if kept else []
    return ["calls", "in", "prefix", "out", "cost", "share", *cache, *more]


def _kept(kept: bool, count: int) -> list[str]:
    return [str(count) if count else ""] if kept else []


def _matters(node: NodeReport) -> bool:
    return node.usage.calls > 0 or node.counts.cached > 0 or node.seconds >= 0.01


def _amounts(usage: Usage, share: float | None) -> list[str]:
    """Calls, tokens in, those of a known prefix, tokens out, money, and the part of the whole."""
    counts = (usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
    shown = [str(count) if count else "" for count in counts]
    return [*shown, *(money(usage) or [""]), f"{share:.0%}" if share else ""]


def _table(first: str, columns: list[str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column(first, overflow="ellipsis", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
