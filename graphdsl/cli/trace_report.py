"""A trace and what it adds up to, as `graphdsl trace --json` prints it."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from graphdsl.values import Usage

if TYPE_CHECKING:
    from graphdsl.cli.schemas import TraceReport
    from graphdsl.executors.trace import Trace
    from graphdsl.executors.traces.analysis import Analysis, ModelReport, NodeReport
    from graphdsl.executors.traces.critical_path import Hop


def report(trace: Trace) -> TraceReport:
    """The report; `Trace.from_dict` reads the trace in it back."""
    from graphdsl.cli.schemas import TraceReport
    from graphdsl.executors.traces.analysis import analyse

    analysis = _analysis(analyse(trace))
    return TraceReport.model_validate({**trace.to_dict(), "analysis": analysis})


def _analysis(analysis: Analysis) -> dict[str, Any]:
    return {
        "path": [_hop(hop) for hop in analysis.path],
        "efficiency": analysis.efficiency,
        "nodes": [_totals(node) for node in analysis.nodes],
        "models": [_totals(model) for model in analysis.models],
        "usage": analysis.usage.to_dict(),
        "saved": analysis.saved.to_dict(),
        "virtual": analysis.virtual.to_dict(),
        "earlier": analysis.earlier.to_dict(),
        "counts": asdict(analysis.counts),
        "prefix_hits": analysis.prefix_hits,
        "rate": analysis.rate,
        "in_flight": analysis.in_flight,
    }


def _hop(hop: Hop) -> dict[str, Any]:
    record = hop.record
    return {
        "address": record.address,
        "start": record.start,
        "seconds": record.seconds,
        "wait": hop.wait,
        "inner": [_hop(inner) for inner in hop.inner],
    }


def _totals(totals: NodeReport | ModelReport) -> dict[str, Any]:
    """The fields of a report of nodes or models; money in dollars."""
    values = {field.name: getattr(totals, field.name) for field in fields(totals)}
    usages = {name: one.to_dict() for name, one in values.items() if isinstance(one, Usage)}
    return {**asdict(totals), **usages}
