"""What the views of a trace have in common: its title, what was measured, cut texts."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from graphdsl.cli.output import console, counted, safe
from graphdsl.cli.spending import money, passed_over, passes, spent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.text import Text

    from graphdsl.executors.trace import Trace
    from graphdsl.executors.traces.analysis import Analysis

MARK: Final = "◆"
"""Stands at nodes on the critical path."""

STYLES: Final = {"failed": "red", "exhausted": "yellow", "cancelled": "yellow", "skipped": "dim"}
"""Of statuses."""

_SHOWN: Final = 8
"""Nodes of a critical path that are named; of a longer one its ends."""


def title(trace: Trace) -> Text:
    """Flow, status, time, spending and id on one line."""
    from rich.text import Text

    line = Text(safe(trace.flow), style="bold")
    line.append(f"  {safe(trace.status)}", style=STYLES.get(trace.status, "green"))
    told = ", ".join([f"{trace.seconds:.2f} s", *spent(trace.usage), *passed_over(passes(trace))])
    line.append(f"  {told}  run {safe(trace.run_id)}", style="dim")
    return line


def print_title(trace: Trace) -> None:
    """The same on stdout."""
    console().print(title(trace), overflow="fold")


def print_foot(trace: Trace, analysis: Analysis, whole: bool) -> None:
    """Why it failed, the critical path and what was measured, on stdout."""
    from graphdsl.executors.traces.labels import labels

    if trace.error:
        console().print(safe(trace.error), style=STYLES.get(trace.status, ""), overflow="fold")
    console().print(foot(analysis, labels(trace), whole), style="dim", overflow="fold")


def foot(analysis: Analysis, labels: Mapping[str, str], whole: bool) -> str:
    """The critical path and what was measured, on one line; `whole` names plumbing as well."""
    from graphdsl.executors.traces.labels import is_told

    path = [hop.record.address for hop in analysis.path if whole or is_told(hop.record)]
    named = [_path(path, analysis.efficiency, labels)] if path else []
    return " · ".join([*named, *_measured(analysis)])


def short(text: str, most: int = 100) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _path(addresses: Sequence[str], efficiency: float, labels: Mapping[str, str]) -> str:
    """In words: `critical path ◆: drafts → best, 98% of the time`. Loops stand for their inside."""
    names = [_name(labels[address]) for address in addresses]
    names = [name for name, _ in groupby(names)]
    if len(names) > _SHOWN:
        half = _SHOWN // 2
        names = [*names[:half], f"({len(names) - _SHOWN} more)", *names[-half:]]
    return f"critical path {MARK}: {' → '.join(names)}, {efficiency:.0%} of the time"


def _measured(analysis: Analysis) -> list[str]:
    """What was measured beside spending, each where there is something to say."""
    counts = analysis.counts
    asked_again = f"asked again {counted(counts.retries, 'time')}"
    not_needed = f"{counted(counts.spared, 'sample')} not needed"
    replayed = f"{counted(counts.replayed, 'sample')} from the journal"
    found = [
        (analysis.in_flight > 1, f"at most {analysis.in_flight} calls at once"),
        (analysis.rate is not None, f"{analysis.rate or 0:.0f} tokens/s"),
        (bool(analysis.prefix_hits), f"{analysis.prefix_hits or 0:.0%} of prompt tokens cached"),
        (counts.retries > 0, asked_again),
        (counts.spared > 0, not_needed),
        (counts.replayed > 0, replayed),
        (counts.cached > 0, _saved(analysis)),
        (analysis.earlier.calls > 0, f"earlier lives: {', '.join(spent(analysis.earlier))}"),
    ]
    return [text for said, text in found if said]


def _saved(analysis: Analysis) -> str:
    saved, whole = analysis.saved, analysis.virtual
    tokens = saved.prompt_tokens + saved.completion_tokens
    amounts = [f"{tokens} tokens", *money(saved)]
    text = f"{counted(analysis.counts.cached, 'sample')} from the cache saved {', '.join(amounts)}"
    return text + (f" of {money(whole)[0]}" if saved.cost and whole.cost else "")


def _name(label: str) -> str:
    return safe(label.partition(" = ")[0])
