"""What a trace says when it is added up: where time and money went, and what was saved.

Pure functions of a `Trace`. Seconds are wall time; where calls overlap, time is counted once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from graphdsl.executors.tally import without
from graphdsl.executors.trace import Call, Record, Trace, summary, without_rounds
from graphdsl.executors.traces.critical_path import Hop, critical_path, hops_by_address
from graphdsl.values import Usage

_PASS: Final = re.compile(r"`[^`]*` was passed over: ")
"""How the engine notes these two; traces of earlier versions have only the notes."""

Span = tuple[float, float]
"""From when to when, in seconds since the run began."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What did not go the straight way.

    `cached` and `replayed` samples were not asked for: the cache had them, or an earlier life of
    the run. `retries` are further attempts at a call, `passes` samples that went on to another
    model, `spared` those that were not needed any more, `unknown` calls whose end nobody saw.
    """

    cached: int = 0
    replayed: int = 0
    retries: int = 0
    passes: int = 0
    spared: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class NodeReport:
    """All evaluations of one node of the program together.

    `seconds` adds up evaluations, also concurrent ones. Of these `model_seconds` were spent with at
    least one call at a model, and `self_seconds` with neither a call, waiting or not, nor a node
    inside it.
    `critical` says that some are on the critical path, `path_seconds` are those of these, and
    `wait_seconds` what these waited although all that they needed was there. `usage` is what its
    own calls have cost, `share` its part of the money of the run, or of the tokens where no money
    was spent, in [0, 1]. `saved` is what its samples from the cache would have cost.
    """

    address: str
    op: str
    times: int
    status: str
    critical: bool
    seconds: float
    self_seconds: float
    model_seconds: float
    path_seconds: float
    wait_seconds: float
    usage: Usage
    share: float
    saved: Usage
    counts: Counts


@dataclass(frozen=True, slots=True)
class ModelReport:
    """All samples of one model, `cached` of them from the cache. `rate` is completion tokens per
    second while it was asked."""

    name: str
    samples: int
    cached: int
    usage: Usage
    share: float
    prefix_hits: float | None
    rate: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """A whole run. `path` is its critical path, first node first.

    `efficiency` is the part of the wall time that the path's nodes took, in [0, 1]: the rest is
    what the engine has added. `prefix_hits` is the part of the prompt tokens that engines had
    computed before, `rate` completion tokens per second while a model was asked; None where
    nothing was asked. `in_flight` is how many samples models worked on at most: what waits for a
    place, or comes from the cache or a journal, does not count. `saved` is what samples from the
    cache would have cost. `earlier` is the part of `usage` that stands with no sample here: what
    earlier lives of a resumed run spent on calls that brought none.
    """

    path: tuple[Hop, ...]
    efficiency: float
    nodes: tuple[NodeReport, ...]
    models: tuple[ModelReport, ...]
    usage: Usage
    saved: Usage
    earlier: Usage
    counts: Counts
    prefix_hits: float | None
    rate: float | None
    in_flight: int

    @property
    def virtual(self) -> Usage:
        """What the graph costs by itself, with nothing in the cache."""
        return self.usage + self.saved


def analyse(trace: Trace) -> Analysis:
    """Everything about a run. Takes time in proportion to its nodes and calls."""
    path = critical_path(trace)
    records = list(trace.walk())
    calls = [call for record in records for call in record.calls]
    asked = [call for call in calls if call.origin == "model"]
    total = trace.usage
    return Analysis(
        path,
        _efficiency(path, trace.seconds),
        _nodes(trace, records, path, total),
        _models(calls, total),
        total,
        _sum(call.saved for call in calls),
        _earlier(total, _sum(call.usage for call in calls)),
        _counts(records),
        prefix_hits(asked),
        rate(asked),
        in_flight(running(asked)),
    )


def _earlier(total: Usage, shown: Usage) -> Usage:
    rest = without(total, shown)
    return rest if rest.calls > 0 else Usage()


def prefix_hits(calls: Iterable[Call]) -> float | None:
    """The part of the prompt tokens of these calls that engines had computed before."""
    usage = _sum(call.usage for call in calls)
    return usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else None


def rate(calls: Sequence[Call]) -> float | None:
    """Completion tokens per second of the time in which a model worked on one of the calls."""
    seconds = covered((call.sent, call.end) for call in calls)
    tokens = sum(call.usage.completion_tokens for call in calls)
    return tokens / seconds if seconds > 0 and tokens else None


def running(calls: Iterable[Call]) -> list[Span]:
    """From when to when models worked on the calls; a sample that none was asked for has none."""
    return [
        (call.sent, call.end) for call in calls if call.origin == "model" and call.end > call.sent
    ]


def covered(spans: Iterable[Span]) -> float:
    """Seconds that lie in at least one of the spans.

    >>> covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    total, reach = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reach))
        reach = max(reach, end)
    return total


def in_flight(spans: Iterable[Span]) -> int:
    """How many of the spans hold one moment at most; an end makes room for a start.

    >>> in_flight([(0.0, 2.0), (1.0, 3.0), (2.0, 4.0)]), in_flight([])
    (2, 0)
    """
    spans = ((round(start, 9), round(end, 9)) for start, end in spans)  # sums are not exact
    edges = sorted(edge for start, end in spans for edge in ((start, 1), (end, -1)))
    now = most = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most


def self_seconds(record: Record) -> float:
    """What a node took by itself: the time in which neither a call nor a node inside it ran."""
    spans = [_span(call) for call in record.calls]
    spans += [(child.start, child.start + child.seconds) for child in record.children]
    end = record.start + record.seconds
    inside = [(max(a, record.start), min(b, end)) for a, b in spans]
    return max(0.0, record.seconds - covered(span for span in inside if span[0] < span[1]))


def _efficiency(path: Sequence[Hop], seconds: float) -> float:
    taken = sum(hop.record.seconds for hop in path)
    return min(1.0, taken / seconds) if seconds > 0 else 1.0


def _nodes(
    trace: Trace, records: Sequence[Record], path: Sequence[Hop], total: Usage
) -> tuple[NodeReport, ...]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(without_rounds(record.address), []).append(record)
    hops = hops_by_address(path)
    reports: list[NodeReport] = []
    for line in summary(trace):
        own = groups[line.address]
        calls = [call for record in own for call in record.calls]
        usage = _sum(call.usage for call in calls)
        critical = [record for record in own if record.address in hops]
        reports.append(
            NodeReport(
                line.address,
                line.op,
                line.times,
                line.status,
                bool(critical),
                line.seconds,
                sum(map(self_seconds, own)),
                sum(covered(running(record.calls)) for record in own),
                sum(record.seconds for record in critical),
                sum(hops[record.address].wait for record in critical),
                usage,
                share(usage, total),
                _sum(call.saved for call in calls),
                _counts(own),
            )
        )
    return tuple(reports)


def _models(calls: Sequence[Call], total: Usage) -> tuple[ModelReport, ...]:
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.model, []).append(call)
    reports: list[ModelReport] = []
    for name, own in groups.items():
        asked = [call for call in own if call.origin == "model"]
        usage = _sum(call.usage for call in own)
        part, hits = share(usage, total), prefix_hits(asked)
        cached = sum(call.origin == "cache" for call in own)
        reports.append(ModelReport(name, len(own), cached, usage, part, hits, rate(asked)))
    return tuple(reports)


def share(part: Usage, total: Usage) -> float:
    """Of the money, or of the tokens where none was spent or not all prices are known."""
    if part.cost is not None and total.cost:
        return part.cost / total.cost
    tokens = total.prompt_tokens + total.completion_tokens
    return (part.prompt_tokens + part.completion_tokens) / tokens if tokens else 0.0


def _counts(records: Sequence[Record]) -> Counts:
    calls = [call for record in records for call in record.calls]
    notes = [note for record in records for note in record.notes]
    noted = sum(bool(_PASS.match(note)) for note in notes)
    return Counts(
        cached=sum(call.origin == "cache" for call in calls),
        replayed=sum(call.origin == "journal" for call in calls),
        retries=sum(record.retries for record in records),
        passes=sum(record.passes for record in records) or noted,
        spared=sum(record.spared for record in records),
        unknown=sum(call.usage.unknown for call in calls),
    )


def _span(call: Call) -> Span:
    return call.start, call.end


def _sum(usages: Iterable[Usage]) -> Usage:
    return reduce(add, usages, Usage())
