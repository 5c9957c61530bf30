"""Spans of OpenTelemetry, made from traces of runs that have ended, on a thread of their own.

A run is `invoke_workflow FLOW`, a node a span inside it, a call `chat MODEL`. Their times are those
of the trace, so that making them costs a run nothing; what stands in them is in `otel_attributes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphdsl.executors.trace import Call, Record, Trace
from graphdsl.executors.traces.critical_path import critical_path, hops_by_address
from graphdsl.executors.traces.otel_attributes import (
    Attributes,
    call_attributes,
    call_name,
    node_attributes,
    node_name,
    run_attributes,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer

_LONGEST: Final = 500
"""Characters of an error in a span's status."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where spans go, and what they hold.

    `content` adds prompts and replies, of runs that kept them (`content=True`); `openinference` the
    keys of OpenInference beside those of OpenTelemetry.
    """

    tracer: Tracer
    content: bool = False
    openinference: bool = False


def export(trace: Trace, telemetry: Telemetry, parent: Context | None = None) -> None:
    """Make the spans of a run, under the span that `parent` holds."""
    _Exporter(trace, telemetry).run(parent)


class _Exporter:
    """One run on its way out."""

    def __init__(self, trace: Trace, telemetry: Telemetry) -> None:
        self._trace = trace
        self._telemetry = telemetry
        self._critical = frozenset(hops_by_address(critical_path(trace)))

    def run(self, parent: Context | None) -> None:
        """The span of the run, and all that are inside it."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        trace, told = self._trace, self._telemetry
        attributes = run_attributes(trace, content=told.content, openinference=told.openinference)
        name = f"invoke_workflow {trace.flow}"
        span = self._begun(name, SpanKind.INTERNAL, attributes, 0.0, parent)
        if span.is_recording():  # of a run that is not sampled nothing else is made
            inside = set_span_in_context(span, parent)
            for record in trace.nodes:
                self._node(record, inside)
        if trace.status in ("failed", "cancelled"):
            _fail(span, trace.error or trace.status, trace.status)
        span.end(self._at(trace.seconds))

    def _node(self, record: Record, parent: Context) -> None:
        from opentelemetry.trace import SpanKind, set_span_in_context

        if record.status == "skipped":
            return
        attributes = node_attributes(
            record,
            critical=record.address in self._critical,
            openinference=self._telemetry.openinference,
        )
        span = self._begun(node_name(record), SpanKind.INTERNAL, attributes, record.start, parent)
        inside = set_span_in_context(span, parent)
        for call in record.calls:
            self._call(call, inside)
        for child in record.children:
            self._node(child, inside)
        end = self._trace.seconds if record.end is None else record.end
        _note(span, record.notes, self._at(end))
        if record.status in ("failed", "cancelled"):
            _fail(span, _reason(record), record.status)
        span.end(self._at(end))

    def _call(self, call: Call, parent: Context) -> None:
        from opentelemetry.trace import SpanKind

        told, models = self._telemetry, self._trace.models
        attributes = call_attributes(
            call, models, content=told.content, openinference=told.openinference
        )
        asked = call.origin == "model"
        kind, start = (SpanKind.CLIENT, call.sent) if asked else (SpanKind.INTERNAL, call.start)
        span = self._begun(call_name(call, models), kind, attributes, start, parent)
        if "error.type" in attributes:
            _fail(span, call.error or call.finish)
        span.end(self._at(call.end))

    def _begun(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        start: float,
        parent: Context | None,
    ) -> Span:
        return self._telemetry.tracer.start_span(
            name, parent, kind, attributes, start_time=self._at(start)
        )

    def _at(self, seconds: float) -> int:
        """Nanoseconds since the epoch."""
        return int((self._trace.started + seconds) * 1e9)


def _reason(record: Record) -> str:
    """Why a node failed: what the engine noted last, or what its first failed call says."""
    if record.notes:
        return record.notes[-1]
    return next((call.error for call in record.calls if call.error), record.status)


def _note(span: Span, notes: Iterable[str], at: int) -> None:
    for note in notes:
        span.add_event("note", {"tts.note": note[:_LONGEST]}, at)


def _fail(span: Span, reason: str, kind: str | None = None) -> None:
    from opentelemetry.trace import Status, StatusCode

    if kind is not None:
        span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, reason[:_LONGEST]))
